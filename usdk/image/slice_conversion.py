"""Slices: any plane through a volume as a raster (multi-planar reformat)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import number
from usdk.image.inputs import place_to_write, real_values, require_spatial
from usdk.image.volume_prefilter import VolumePrefilter
from usdk.scan import Plane, PyramidScan, Raster, VolumeScan
from usdk.tiles import cut, run_tiles
from usdk_kernels.volume_conversion import slice_table, slice_volume

__all__ = ["SliceConverter"]

_PIXELS_PER_TILE = 16_384


class SliceConverter:
    """Trilinear interpolation from a scan in space to the pixels of a plane through it.

    Parameters
    ----------
    scan : VolumeScan or PyramidScan
        Where the samples lie.
    plane : Plane
        Where the picture stands; `Plane.at_x`, `Plane.at_y` and `Plane.at_z` give the three
        orthogonal ones.
    raster : Raster, optional
        Pixels wanted, in the plane's own coordinates; 512 rows that cover what the plane cuts out
        of the scan's bounds when absent.
    anti_alias : bool
        Smooth the volume first where pixels are coarser than the data, by as many steps of each
        axis as a pixel spans (see `usdk_kernels.volume_conversion`); this takes memory of two
        volumes.

    Notes
    -----
    A plan works for one thread at a time, and spreads the work over the SDK's own.
    """

    def __init__(
        self,
        scan: VolumeScan | PyramidScan,
        plane: Plane,
        raster: Raster | None = None,
        *,
        anti_alias: bool = True,
    ) -> None:
        require_spatial(scan)
        self.scan, self.plane = scan, plane
        self.raster = raster = plane.raster(scan.bounds_m) if raster is None else raster
        coordinates = np.ascontiguousarray(scan.coordinates(plane.points_m(raster)))
        n_pixels = raster.n_rows * raster.n_columns
        self._index = np.empty(n_pixels, np.int32)
        self._weights = np.empty((3, n_pixels), np.float32)
        slice_table(coordinates.reshape(-1, 3), *scan.shape, self._index, self._weights)
        self._prefilter = _prefilter(coordinates, scan.shape) if anti_alias else None
        self._tiles = cut(n_pixels, _PIXELS_PER_TILE)

    @property
    def n_bytes(self) -> int:
        """Memory that the plan holds: tables and scratch."""
        held = self._index.nbytes + self._weights.nbytes
        return held + (self._prefilter.n_bytes if self._prefilter else 0)

    def __call__(
        self,
        volume: NDArray[np.float32],
        *,
        fill: float = 0.0,
        out: NDArray[np.float32] | None = None,
        threads: int | None = None,
    ) -> NDArray[np.float32]:
        """Return the slice of a volume, (n_rows, n_columns) float32.

        Parameters
        ----------
        volume : ndarray of float32, the scan's shape
            Finite values along the scan's lines.
        fill : float
            Value of the pixels that the scan does not hold.
        out : ndarray of float32, optional
            Where to write.
        threads : int, optional
            Threads to use; `usdk.tiles.n_threads` when absent.

        Raises
        ------
        ArgumentError
            If the volume or ``out`` is not of the planned shape.
        """
        volume = real_values(volume, self.scan.shape, "volume")
        fill = number(fill, "fill")
        out = place_to_write(out, (self.raster.n_rows, self.raster.n_columns), np.float32)
        if self._prefilter is not None:
            volume = self._prefilter(volume, threads)
        flat = out.reshape(-1)
        run_tiles(
            lambda pixels: slice_volume(volume, self._index, self._weights, fill, *pixels, flat),
            self._tiles,
            threads=threads,
        )
        return out


def _prefilter(
    coordinates: NDArray[np.float64], shape: tuple[int, int, int]
) -> VolumePrefilter | None:
    """Return the low-pass for pixels at these coordinates, (n_rows, n_columns, 3)."""
    n_samples = shape[2]
    inside = np.all((coordinates >= 0) & (coordinates <= np.array(shape) - 1), axis=-1)
    # How many steps of each axis lie between a pixel and its right or lower neighbour.
    span = np.zeros(coordinates.shape)
    for axis in range(2):
        if coordinates.shape[axis] > 1:
            along = np.abs(np.diff(coordinates, axis=axis, append=np.nan))
            span = np.fmax(span, along)
    span, samples = span[inside], np.rint(coordinates[inside][:, 2]).astype(np.intp)
    if span.size == 0:
        return None
    widths = np.zeros((2, n_samples))
    for axis in range(2):
        np.maximum.at(widths[axis], samples, span[:, axis])
        # Samples that no pixel fell on take the width of their neighbours.
        known = np.flatnonzero(np.bincount(samples, minlength=n_samples))
        widths[axis] = np.interp(np.arange(n_samples), known, widths[axis][known])
    return VolumePrefilter(shape, widths[0], widths[1], float(span[:, 2].max()))
