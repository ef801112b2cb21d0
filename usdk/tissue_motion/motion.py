"""TissueMotion: displacements from frame to frame, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from usdk.errors import ArgumentError
from usdk.image.inputs import require_planar
from usdk.scan import LinearScan, SectorScan
from usdk.tissue_motion.strain import strain

__all__ = ["TissueMotion"]


@dataclass(frozen=True, eq=False, kw_only=True)
class TissueMotion:
    """Motion along the lines of a scan, **positive away from the probe**.

    Parameters
    ----------
    displacement_m : ndarray of float32, (n_lines, n_samples, n_pairs)
        Displacement from each frame to the next, measured at fixed places, m.
    quality : ndarray of float32, (n_lines, n_samples, n_pairs)
        Correlation coefficient of the windows, 0 to 1.
    scan : LinearScan or SectorScan
        Where the points lie.
    times_s : ndarray of float64, (n_pairs + 1,)
        When each frame was taken, s; NaN when unknown.
    is_after_gap : ndarray of bool, (n_pairs,)
        Pairs between whose frames others were lost: their displacement is that of a longer time,
        and more likely aliased.
    """

    displacement_m: NDArray[np.float32]
    quality: NDArray[np.float32]
    scan: LinearScan | SectorScan
    times_s: NDArray[np.float64]
    is_after_gap: NDArray[np.bool_]

    def __post_init__(self) -> None:
        arrays = (self.displacement_m, self.quality, self.times_s, self.is_after_gap)
        if not all(isinstance(array, np.ndarray) for array in arrays):
            raise ArgumentError("displacement_m, quality, times_s and is_after_gap must be arrays")
        require_planar(self.scan)
        shape = self.displacement_m.shape
        if self.quality.shape != shape or shape[:2] != self.scan.shape or len(shape) != 3:
            raise ArgumentError("displacement_m and quality must be (n_lines, n_samples, n_pairs)")
        if self.times_s.shape != (shape[2] + 1,) or self.is_after_gap.shape != (shape[2],):
            raise ArgumentError("times_s needs a time for each frame, is_after_gap one a pair")

    @property
    def step_m(self) -> float:
        """Depth from one sample to the next, m."""
        depths_m = self.depths_m
        return float((depths_m[-1] - depths_m[0]) / (depths_m.size - 1))

    @property
    def depths_m(self) -> NDArray[np.float64]:
        """Depth of each sample along its line, (n_samples,), m."""
        return self.scan.z_m if isinstance(self.scan, LinearScan) else self.scan.ranges_m

    @property
    def velocity_m_s(self) -> NDArray[np.float32]:
        """Velocity between the frames, positive away from the probe (not as Doppler's), m/s."""
        return np.asarray(self.displacement_m / self._intervals_s(), np.float32)

    def cumulated_m(self, *, follow: bool = True) -> NDArray[np.float32]:
        """Return displacements since the first frame, (n_lines, n_samples, n_pairs), m.

        Parameters
        ----------
        follow : bool
            Whether to go with the tissue: the displacement of the material that lay at each point
            in the first frame, every next step read where it has moved to, linearly along the line.
            Without it steps are added up at fixed places.
        """
        steps = self.displacement_m.astype(np.float64)
        if not follow:
            return np.asarray(np.cumsum(steps, axis=2), np.float32)
        result = np.empty(steps.shape, np.float32)
        depths_m = self.depths_m
        for line in range(steps.shape[0]):
            total = np.zeros(depths_m.size)
            for pair in range(steps.shape[2]):
                total = total + np.interp(depths_m + total, depths_m, steps[line, :, pair])
                result[line, :, pair] = total
        return result

    def strain(self, length_m: float, *, follow: bool = True) -> NDArray[np.float32]:
        """Return strain since the first frame, (n_lines, n_samples, n_pairs); < 0 is compression.

        Parameters
        ----------
        length_m : float
            Length along the line over which the gradient is fitted, m.
        follow : bool
            As for `cumulated_m`.
        """
        return strain(self.cumulated_m(follow=follow), step_m=self.step_m, length_m=length_m)

    def strain_rate_hz(self, length_m: float) -> NDArray[np.float32]:
        """Return the gradient of `velocity_m_s`, (n_lines, n_samples, n_pairs), 1/s."""
        steps = strain(self.displacement_m, step_m=self.step_m, length_m=length_m)
        return np.asarray(steps / self._intervals_s(), np.float32)

    def _intervals_s(self) -> NDArray[np.float64]:
        intervals_s = np.diff(self.times_s)
        if not np.all(intervals_s > 0):
            raise ArgumentError(
                "velocities need the times of the frames, each later than the one before: give "
                "times_s"
            )
        return intervals_s
