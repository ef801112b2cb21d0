"""The low-pass before a scan is read more coarsely than it was sampled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from usdk.image.inputs import real_values, require_planar
from usdk.image.volume_prefilter import VolumePrefilter
from usdk.scan import LinearScan, Raster, SectorScan
from usdk.scan.axes import axis_step

__all__ = ["AntiAlias"]


class AntiAlias:
    """Triangles along samples and across lines, as wide as the pixels where they are coarser.

    Where a pixel is smaller than the step of the data nothing is done, so that a fine raster costs
    nothing; where it is larger, each line is smoothed along its samples, and lines are smoothed
    across with a width that follows their distance: in a fan they lie dense near the apex. The
    triangle's half-width is one pixel, which is the low-pass that linear interpolation itself
    would be on a grid of that size.

    It smooths envelopes, before the logarithm: decibels have no bound below, and a mean over a
    speckle null in decibels would be as dark as the null.

    Parameters
    ----------
    scan : LinearScan or SectorScan
        Where the samples lie.
    raster : Raster
        Pixels that they will become.

    Notes
    -----
    A plan works for one thread at a time, and spreads the work over the SDK's own. Fans are
    smoothed over 64 lines at most, so the first few samples next to an apex may still alias.

    References
    ----------
    P. S. Heckbert, "Fundamentals of texture mapping and image warping", Master's thesis,
    University of California, Berkeley, UCB/CSD 89/516 (1989), section 3.5.
    """

    def __init__(self, scan: LinearScan | SectorScan, raster: Raster) -> None:
        require_planar(scan)
        self._shape = scan.shape
        pixel_m = raster.pixel_size_m
        if isinstance(scan, LinearScan):
            line_step_m = np.full(scan.z_m.size, axis_step(scan.x_m))
            sample_step_m = axis_step(scan.z_m)
        else:
            line_step_m = scan.ranges_m * axis_step(scan.angles_rad)
            sample_step_m = axis_step(scan.ranges_m)
        self.samples_per_pixel = pixel_m / sample_step_m
        # At the apex itself all lines lie in one pixel.
        self.lines_per_pixel = pixel_m / np.maximum(line_step_m, pixel_m / scan.shape[0])
        prefilter = VolumePrefilter(
            (1, *scan.shape),
            np.ones(scan.shape[1]),
            self.lines_per_pixel,
            self.samples_per_pixel,
        )
        self.n_bytes = prefilter.n_bytes
        self.is_active = prefilter.n_bytes > 0
        self._prefilter = prefilter

    def __call__(
        self, image: NDArray[np.float32], *, threads: int | None = None
    ) -> NDArray[np.float32]:
        """Return the smoothed image, in memory of the plan, or the image itself where none is due.

        Parameters
        ----------
        image : ndarray of float32, (n_lines, n_samples)
            Envelope along the scan's lines.
        threads : int, optional
            Threads to use; `usdk.tiles.n_threads` when absent.
        """
        image = real_values(image, self._shape, "image")
        if not self.is_active:
            return image
        smoothed: NDArray[np.float32] = self._prefilter(image[None], threads)[0]
        return smoothed

    def describe(self) -> str:
        """Return how much coarser than the data the pixels are, as text."""
        across = self.lines_per_pixel
        return (
            f"{self.samples_per_pixel:.3g} samples and {across.min():.3g} to {across.max():.3g} "
            "lines to a pixel"
        )
