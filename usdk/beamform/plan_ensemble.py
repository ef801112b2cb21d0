"""Plan of the ensemble kernel: many frames, or slow-time packets, of one geometry at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.beamform.geometry import Geometry
from usdk.beamform.options import Compounding, Interpolation, Method
from usdk.beamform.point_tables import PointTables, Tile
from usdk.errors import ArgumentError
from usdk.scan import Scan
from usdk.scratch import Scratch
from usdk.tiles import cut, run_tiles
from usdk_kernels import das_ensemble, frames_fastest

__all__ = ["MAX_ROWS_BYTES", "EnsemblePlan", "why_not_exact"]

MAX_ROWS_BYTES = 8 * 2**30
"""Largest rearranged copy of an ensemble's channel data."""
POINTS_PER_PIECE = 1024
RECORDS_PER_PIECE = 8
# Points in a block of the kernel: neighbours in depth read neighbouring samples, those side by side
# the same ones.  Bands of depths keep the samples that they read in the second-level cache.
_DEPTHS = 2
_DEPTHS_PER_BAND = 16
_CACHE_LINE = 64
_INTERPOLATIONS = (Interpolation.NEAREST, Interpolation.LINEAR, Interpolation.CUBIC)


def why_not_exact(geometry: Geometry, method: Method) -> str | None:
    """Return why the kernel does not give the exact sum; None where it does, on any geometry."""
    if not method.is_sum:
        return f"samples are not only summed (combination: {method.combination.describe()})"
    if method.compounding is not Compounding.COHERENT:
        return f"compounding is {method.compounding}, not coherent"
    if method.interpolation not in _INTERPOLATIONS:
        return f"interpolation is {method.interpolation}, between more than four samples"
    return None


@dataclass(frozen=True, eq=False)
class _VisitedScan(Scan):
    """The points of a scan in the order in which the kernel takes them."""

    scan: Scan
    order: NDArray[np.int64]

    @property
    def shape(self) -> tuple[int]:
        """(n_points,)."""
        return self.order.shape

    def points_m(self) -> NDArray[np.float64]:
        """Return where one looks, (n_points, 3), m."""
        return np.asarray(self.scan.points_m().reshape(-1, 3)[self.order])


class EnsemblePlan:
    """Delay-and-sum with `usdk_kernels.das_ensemble`.

    Parameters
    ----------
    geometry, method
        What was measured, where to look, and how to sum.
    n_frames : int
        Frames, or packets of slow time, to an ensemble.

    Raises
    ------
    ArgumentError
        If there is no frame, the tables or the rearranged data would be too large, or a
        transmit's beam is not known.
    """

    def __init__(self, geometry: Geometry, method: Method, n_frames: int) -> None:
        if n_frames < 1:
            raise ArgumentError(f"an ensemble has at least one frame, got {n_frames}")
        self.n_frames = n_frames
        self._order = _order(geometry.scan.shape)
        visited = replace(geometry, scan=_VisitedScan(geometry.scan, self._order))
        self._tables = PointTables(visited, method)
        self._normalize = int(method.normalize)
        self._scan_shape = geometry.scan.shape
        self._data_shape = geometry.data_shape
        self._n_parts = 2 if self._tables.is_iq else 1
        self._dtype = geometry.dtype
        width = n_frames * self._n_parts
        n_lanes = next((n for n in das_ensemble.LANES if width <= n), das_ensemble.LANES[-1])
        n_transmits, n_elements, n_samples = self._data_shape
        self._rows_shape = (n_transmits, -(-width // n_lanes), n_elements, n_samples, n_lanes)
        self._is_one_block = width == n_lanes
        rows_bytes = 4 * math.prod(self._rows_shape)
        if rows_bytes > MAX_ROWS_BYTES:
            raise ArgumentError(
                f"the ensemble's channel data would take {rows_bytes / 2**30:.1f} GiB, at most "
                f"{MAX_ROWS_BYTES / 2**30:g}: take fewer frames at a time"
            )
        self._records = cut(n_transmits * n_elements, RECORDS_PER_PIECE)
        # The last first: where they are the deepest, they have the widest aperture.
        self._pieces = [
            (tile, *points)
            for tile in self._tables.tiles
            for points in cut(tile.points.stop - tile.points.start, POINTS_PER_PIECE)
        ][::-1]
        self.n_tiles = len(self._pieces)
        self._rows = Scratch(lambda: _zeros(self._rows_shape))
        self.n_bytes = self._tables.n_bytes + self._order.nbytes + rows_bytes

    def __call__(self, data: NDArray[Any], out: NDArray[Any], threads: int | None) -> None:
        """Beamform one ensemble, frame behind frame.

        Parameters
        ----------
        data : ndarray, (n_frames, n_transmits, n_elements, n_samples)
            Channel data: complex64 IQ or float32 RF, C-contiguous and writable.
        out : ndarray, (*scan.shape, n_frames)
            Where to write, of the same type, C-contiguous and writable.
        threads : int, optional
            Threads to use.

        Raises
        ------
        ArgumentError
            If an array is of another shape or type.
        """
        self._require(data, (self.n_frames, *self._data_shape), "data")
        self._require(out, (*self._scan_shape, self.n_frames), "out")
        frames = data.view(np.float32).reshape(self.n_frames, *self._data_shape, self._n_parts)

        def rearrange(rows: NDArray[np.float32], records: tuple[int, int]) -> None:
            frames_fastest.frames_fastest(frames, *records, rows)

        self._run_rearranged(rearrange, out, threads)

    def from_frames_fastest(
        self, data: NDArray[Any], out: NDArray[Any], threads: int | None
    ) -> None:
        """Beamform one ensemble whose frames lie side by side.

        Parameters
        ----------
        data : ndarray, (n_transmits, n_elements, n_samples, n_frames)
            Read in place where a row has as many floats as the kernel takes at a time (8, 16 or 32
            frames of IQ, 16, 32 or 64 of RF) and begins where a cache line of 64 bytes does; else
            copied once, which takes less than reading rows that lie across cache lines.
        out, threads
            As for a call.

        Raises
        ------
        ArgumentError
            If an array is of another shape or type.
        """
        self._require(data, (*self._data_shape, self.n_frames), "data")
        self._require(out, (*self._scan_shape, self.n_frames), "out")
        lanes = data.view(np.float32).reshape(*self._data_shape, self.n_frames * self._n_parts)
        if self._is_one_block and data.ctypes.data % _CACHE_LINE == 0:
            self._add(lanes.reshape(self._rows_shape), out, threads)
            return

        def rearrange(rows: NDArray[np.float32], records: tuple[int, int]) -> None:
            frames_fastest.cut_rows(lanes, *records, rows)

        self._run_rearranged(rearrange, out, threads)

    def _run_rearranged(
        self,
        rearrange: Callable[[NDArray[np.float32], tuple[int, int]], None],
        out: NDArray[Any],
        threads: int | None,
    ) -> None:
        with self._rows.lent() as rows:
            run_tiles(lambda records: rearrange(rows, records), self._records, threads=threads)
            self._add(rows, out, threads)

    def _add(self, rows: NDArray[np.float32], out: NDArray[Any], threads: int | None) -> None:
        image = out.view(np.float32).reshape(-1, self.n_frames * self._n_parts)

        def run(piece: tuple[Tile, int, int]) -> None:
            tile, start, stop = piece
            data, points_m, *arguments = self._tables.arguments(tile, rows)
            arrays, (rate_hz, *settings) = arguments[:7], arguments[7:]
            every: tuple[Any, ...] = (data, points_m, self._order[tile.points], *arrays, rate_hz)
            every += tuple(settings) if self._tables.is_iq else (0.0, *settings)
            every += (self._normalize, self._n_parts, start, stop, image)
            das_ensemble.das_ensemble(*every)

        run_tiles(run, self._pieces, threads=threads)

    def _require(self, array: NDArray[Any], shape: tuple[int, ...], name: str) -> None:
        if array.shape != shape or array.dtype != self._dtype:
            raise ArgumentError(
                f"{name} must be {self._dtype} of shape {shape}, got {array.dtype} of {array.shape}"
            )
        if not (array.flags.c_contiguous and array.flags.writeable):
            raise ArgumentError(f"{name} must be C-contiguous and writable")


def _order(shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Return the points of a scan, numbered in C order, so that the kernel's blocks are compact."""
    *across, n_depths = shape
    side = (das_ensemble.BLOCK // _DEPTHS) ** (1 / max(1, len(across)))
    size = max(1, int(side + 1e-9))
    *line, depth = np.indices((*across, n_depths)).reshape(len(shape), -1)
    # The last key counts first: bands of depths, blocks across, blocks in depth, points.
    keys = [depth, *line[::-1], depth // _DEPTHS, *(index // size for index in line[::-1])]
    return np.lexsort([*keys, depth // _DEPTHS_PER_BAND]).astype(np.int64)


def _zeros(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Zeros that begin where a cache line begins, so that no row of 16 floats lies across two."""
    n_bytes = 4 * math.prod(shape)
    store = np.zeros(n_bytes + _CACHE_LINE, np.uint8)
    first = -store.ctypes.data % _CACHE_LINE
    return store[first : first + n_bytes].view(np.float32).reshape(shape)
