"""VectorMap: velocity vectors over a scan, and how sure they are."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from usdk.errors import ArgumentError
from usdk.frame import Provenance
from usdk.scan import LinearScan, SectorScan

__all__ = ["VectorMap"]


@dataclass(frozen=True, eq=False, kw_only=True)
class VectorMap:
    """Velocity vectors in the probe's coordinates: **x along the array, z away from it**.

    Flow away from the probe has a positive v_z; this is not Doppler's sign.

    Parameters
    ----------
    velocity_m_s : ndarray of float32, (n_lines, n_samples, 2)
        v_x and v_z, m/s; NaN where the looks do not tell.
    covariance_m2_s2 : ndarray of float32, (n_lines, n_samples, 2, 2)
        Their covariance, from the variances of the looks and their geometry, m²/s².
    chi_square : ndarray of float32, (n_lines, n_samples)
        Sum of the squared residuals of the looks, each over its variance.
    condition : ndarray of float32, (n_lines, n_samples)
        Condition number of the geometry: how many times less sure the worst direction is than the
        best, for looks that are equally sure.
    n_looks : ndarray of int16, (n_lines, n_samples)
        Looks that counted.
    n_wraps : ndarray of int16, (looks, n_lines, n_samples)
        Periods that were added to each look.
    power : ndarray of float32, (n_lines, n_samples)
        Mean power of the looks, filtered.
    scan : LinearScan or SectorScan
        Where the points lie.
    sequence_number : int
        The device's count of the packet's first frame, over the packet size.
    device_timestamp_s, host_timestamp_s : float
        Start of that frame on the device's clock, and its arrival on the host's, s; or NaN.
    provenance : Provenance, optional
        What the map was made from.
    """

    velocity_m_s: NDArray[np.float32]
    covariance_m2_s2: NDArray[np.float32]
    chi_square: NDArray[np.float32]
    condition: NDArray[np.float32]
    n_looks: NDArray[np.int16]
    n_wraps: NDArray[np.int16]
    power: NDArray[np.float32]
    scan: LinearScan | SectorScan
    sequence_number: int = 0
    device_timestamp_s: float = field(default=math.nan)
    host_timestamp_s: float = field(default=math.nan)
    provenance: Provenance | None = None

    def __post_init__(self) -> None:
        shape = self.scan.shape
        for name, rest in (
            ("velocity_m_s", (2,)), ("covariance_m2_s2", (2, 2)), ("chi_square", ()),
            ("condition", ()), ("n_looks", ()), ("power", ()),
        ):  # fmt: skip
            found = np.shape(getattr(self, name))
            if found != (*shape, *rest):
                raise ArgumentError(f"{name} must have shape {(*shape, *rest)}, got {found}")

    @property
    def speed_m_s(self) -> NDArray[np.float32]:
        """Length of the vectors, m/s. Noise makes it too long where it is not small against it."""
        return np.asarray(np.hypot(self.velocity_m_s[..., 0], self.velocity_m_s[..., 1]))

    @property
    def direction_rad(self) -> NDArray[np.float32]:
        """Where the vectors point, from +z towards +x, rad."""
        return np.asarray(np.arctan2(self.velocity_m_s[..., 0], self.velocity_m_s[..., 1]))

    @property
    def speed_std_m_s(self) -> NDArray[np.float32]:
        """Standard deviation along the vector, m/s."""
        return self._std(self._unit())

    @property
    def direction_std_rad(self) -> NDArray[np.float32]:
        """Standard deviation of the direction, rad: that across the vector, over its length."""
        unit = self._unit()
        across = np.stack((-unit[..., 1], unit[..., 0]), axis=-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.minimum(self._std(across) / self.speed_m_s, np.float32(math.pi)))

    @property
    def confidence(self) -> NDArray[np.float32]:
        """Probability that the true velocity goes the vector's way and not against it, 0.5 to 1.

        For normal errors of the covariance stated; 0 where there is no vector.
        """
        # Imported when asked for: it takes longer than the rest of this package.
        from scipy.special import ndtr

        with np.errstate(divide="ignore", invalid="ignore"):
            sure = ndtr(self.speed_m_s.astype(np.float64) / self.speed_std_m_s)
        return np.asarray(np.nan_to_num(sure), np.float32)

    @property
    def fit(self) -> NDArray[np.float32]:
        """Probability of residuals as large as these or larger, if looks and variances are right.

        NaN where two looks leave nothing to judge by. Small values tell of aliasing, of clutter, of
        looks that do not see the same, or of variances that are too small.
        """
        from scipy.special import chdtrc

        spare = self.n_looks - 2
        values = chdtrc(np.maximum(spare, 1), self.chi_square.astype(np.float64))
        return np.asarray(np.where(spare > 0, values, np.nan), np.float32)

    def _unit(self) -> NDArray[np.float64]:
        vectors = self.velocity_m_s.astype(np.float64)
        length = np.linalg.norm(vectors, axis=-1, keepdims=True)
        with np.errstate(invalid="ignore"):
            return np.where(length > 0, vectors / length, np.array([0.0, 1.0]))

    def _std(self, unit: NDArray[np.float64]) -> NDArray[np.float32]:
        variance = np.einsum("...i,...ij,...j->...", unit, self.covariance_m2_s2, unit)
        return np.asarray(np.sqrt(np.maximum(variance, 0)), np.float32)
