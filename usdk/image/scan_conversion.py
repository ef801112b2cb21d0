"""Scan conversion: from lines and samples to square pixels, planned once and executed per frame."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.errors import ArgumentError
from usdk.scan import LinearScan, Raster, SectorScan
from usdk_kernels.scan_conversion import linear_table, polar_table, scan_convert

__all__ = ["ScanConverter"]


class ScanConverter:
    """Bilinear interpolation from a scan to a raster, by tables.

    Parameters
    ----------
    scan : LinearScan or SectorScan
        Where the samples lie.
    raster : Raster, optional
        Pixels wanted; those that cover the scan when absent.
    """

    def __init__(self, scan: LinearScan | SectorScan, raster: Raster | None = None) -> None:
        self.scan = scan
        self.raster = raster = scan.raster() if raster is None else raster
        shape = (raster.n_rows, raster.n_columns)
        self._index = np.empty(shape, np.int32)
        self._weight_line = np.empty(shape, np.float32)
        self._weight_sample = np.empty(shape, np.float32)
        x_m = raster.x_m + raster.pixel_size_m * np.arange(raster.n_columns, dtype=np.float64)
        z_m = raster.z_m + raster.pixel_size_m * np.arange(raster.n_rows, dtype=np.float64)
        tables: tuple[Any, ...] = (*scan.shape, self._index, self._weight_line, self._weight_sample)
        if isinstance(scan, LinearScan):
            linear_table(x_m, z_m, *_axis(scan.x_m), *_axis(scan.z_m), *tables)
        else:
            apex_x_m, apex_z_m = scan.apex_m
            angles, ranges = _axis(scan.angles_rad), _axis(scan.ranges_m)
            polar_table(x_m - apex_x_m, z_m - apex_z_m, *angles, *ranges, *tables)

    def __call__(
        self,
        image: NDArray[np.float32],
        *,
        fill: float = 0.0,
        out: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """Return the raster of an image, (n_rows, n_columns) float32.

        Parameters
        ----------
        image : ndarray of float32, (n_lines, n_samples)
            Finite values along the scan's lines.
        fill : float
            Value of the pixels that the scan does not cover.
        out : ndarray of float32, optional
            Where to write.
        """
        if image.shape != self.scan.shape:
            raise ArgumentError(f"image must have the scan's shape {self.scan.shape}")
        if out is None:
            out = np.empty(self._index.shape, np.float32)
        elif (
            out.shape != self._index.shape or out.dtype != np.float32 or not out.flags.c_contiguous
        ):
            raise ArgumentError(f"out must be C-contiguous float32 of {self._index.shape}")
        image = np.require(image, np.float32, ("C", "W"))
        scan_convert(image, self._index, self._weight_line, self._weight_sample, float(fill), out)
        return out


def _axis(values: NDArray[np.float64]) -> tuple[float, float]:
    return float(values[0]), float((values[-1] - values[0]) / (values.size - 1))
