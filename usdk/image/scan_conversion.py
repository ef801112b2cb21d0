"""Scan conversion: from lines and samples to square pixels, planned once and executed per frame."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import finite, number, positive
from usdk.errors import ArgumentError
from usdk.image.inputs import place_to_write, real_values, require_planar
from usdk.scan import LinearScan, Raster, SectorScan
from usdk.tiles import run_tiles
from usdk_kernels.scan_conversion import (
    OUTSIDE,
    linear_table,
    polar_table,
    scan_convert,
    scan_convert_grey,
)

__all__ = ["PIXELS_PER_TILE", "ScanConverter", "ScanTables"]

PIXELS_PER_TILE = 2**15
"""Covered pixels that one thread converts at a time: a tenth of a millisecond's work or less."""

_Runs = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]
_Entries = tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]]
ScanTables = tuple[
    NDArray[np.int32],
    NDArray[np.int32],
    NDArray[np.int32],
    NDArray[np.int32],
    NDArray[np.float32],
    NDArray[np.float32],
]
"""Arrays that tell which pixels a scan covers, and how they are interpolated."""
_NO_CURVE = np.empty(0, np.uint8)


class ScanConverter:
    """Bilinear interpolation from a scan to a raster, by tables.

    The tables hold the pixels that the scan covers and no others, 12 bytes for each.

    Parameters
    ----------
    scan : LinearScan or SectorScan
        Where the samples lie.
    raster : Raster, optional
        Pixels wanted; those that cover the scan when absent.

    Notes
    -----
    The rows are cut into tiles that run on the SDK's threads; the result is the same, bit by bit,
    for any number of them.
    """

    def __init__(self, scan: LinearScan | SectorScan, raster: Raster | None = None) -> None:
        require_planar(scan)
        self.scan = scan
        self.raster = raster = scan.raster() if raster is None else raster
        self.shape = (raster.n_rows, raster.n_columns)
        index, weight_line, weight_sample = _tables(scan, raster)
        inside = index != OUTSIDE
        entries = (index[inside], weight_line[inside], weight_sample[inside])
        self._tables: ScanTables = (*_runs(inside), *entries)
        self._tiles = _tiles(inside)

    @property
    def tables(self) -> ScanTables:
        """Arguments ``row_runs`` to ``weight_sample`` of `usdk_kernels.scan_conversion` kernels."""
        return self._tables

    @property
    def n_bytes(self) -> int:
        """Memory that the plan holds: its tables."""
        return sum(table.nbytes for table in self._tables)

    def __call__(
        self,
        image: NDArray[np.float32],
        *,
        fill: float = 0.0,
        out: NDArray[np.float32] | None = None,
        threads: int | None = None,
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
        threads : int, optional
            Threads to use; `usdk.tiles.n_threads` when absent.
        """
        image = real_values(image, self.scan.shape, "image")
        fill = number(fill, "fill")
        out = place_to_write(out, self.shape, np.float32)
        run_tiles(
            lambda rows: scan_convert(image, *self._tables, *rows, fill, out),
            self._tiles,
            threads=threads,
        )
        return out

    def greys(
        self,
        level_db: NDArray[np.float32],
        *,
        dynamic_range_db: float,
        white_db: float = 0.0,
        curve: NDArray[np.uint8] | None = None,
        out: NDArray[np.uint8] | None = None,
        threads: int | None = None,
    ) -> NDArray[np.uint8]:
        """Return the grey pixels of levels in dB, (n_rows, n_columns) uint8; 0 outside the scan.

        Levels are interpolated in dB and made grey afterwards, in one pass: a grey that is linear
        in dB is interpolated as it is seen, and an edge towards black is not moved by what lies
        below black.

        Parameters
        ----------
        level_db : ndarray of float32, (n_lines, n_samples)
            Finite levels along the scan's lines, dB.
        dynamic_range_db, white_db : float
            Levels between black and white, and the level that is white, dB.
        curve : ndarray of uint8, optional
            Greys from black to white, as `usdk.image.grey_curve` gives them; linear in dB when
            absent.
        out : ndarray of uint8, optional
            Where to write.
        threads : int, optional
            Threads to use; `usdk.tiles.n_threads` when absent.
        """
        level_db = real_values(level_db, self.scan.shape, "level_db")
        limits = (
            _NO_CURVE if curve is None else _greys(curve),
            finite(white_db, "white_db"),
            positive(dynamic_range_db, "dynamic_range_db"),
        )
        out = place_to_write(out, self.shape, np.uint8)
        run_tiles(
            lambda rows: scan_convert_grey(level_db, *self._tables, *limits, *rows, out),
            self._tiles,
            threads=threads,
        )
        return out


def _greys(curve: NDArray[np.uint8]) -> NDArray[np.uint8]:
    greys = np.asarray(curve)
    if greys.dtype != np.uint8 or greys.ndim != 1 or greys.size < 2:
        raise ArgumentError(
            "curve must hold at least 2 greys from black to white, uint8 in one dimension, "
            f"got {greys.dtype} {greys.shape}"
        )
    return np.require(greys, np.uint8, ("C", "W"))


def _tables(scan: LinearScan | SectorScan, raster: Raster) -> _Entries:
    """Return index, weight of the upper line and weight of the upper sample of every pixel."""
    shape = (raster.n_rows, raster.n_columns)
    index: NDArray[np.int32] = np.empty(shape, np.int32)
    weights: NDArray[np.float32] = np.empty((2, *shape), np.float32)
    lines, samples = weights
    x_m = raster.x_m + raster.pixel_size_m * np.arange(raster.n_columns, dtype=np.float64)
    z_m = raster.z_m + raster.pixel_size_m * np.arange(raster.n_rows, dtype=np.float64)
    if isinstance(scan, LinearScan):
        axes = (*_axis(scan.x_m), *_axis(scan.z_m))
        linear_table(x_m, z_m, *axes, *scan.shape, index, lines, samples)
    else:
        x_m, z_m = x_m - scan.apex_m[0], z_m - scan.apex_m[1]
        axes = (*_axis(scan.angles_rad), *_axis(scan.ranges_m))
        polar_table(x_m, z_m, *axes, *scan.shape, index, lines, samples)
    return index, lines, samples


def _runs(inside: NDArray[np.bool_]) -> _Runs:
    """Return the first run of each row, the first column and the first entry of each run."""
    edges = np.diff(inside.astype(np.int8), axis=1, prepend=0, append=0)
    row, column = np.nonzero(edges > 0)
    lengths = np.nonzero(edges < 0)[1] - column
    row_runs = np.searchsorted(row, np.arange(inside.shape[0] + 1))
    run_entry = np.concatenate(([0], np.cumsum(lengths)))
    return row_runs.astype(np.int32), column.astype(np.int32), run_entry.astype(np.int32)


def _tiles(inside: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return runs of rows that cover about as many pixels each."""
    n_rows = inside.shape[0]
    done = np.cumsum(inside.sum(axis=1))
    n_tiles = min(n_rows, -(-int(done[-1]) // PIXELS_PER_TILE) or 1)
    cuts = np.searchsorted(done, done[-1] * np.arange(1, n_tiles) / n_tiles) + 1
    return list(pairwise(np.unique([0, *cuts.tolist(), n_rows]).tolist()))


def _axis(values: NDArray[np.float64]) -> tuple[float, float]:
    return float(values[0]), float((values[-1] - values[0]) / (values.size - 1))
