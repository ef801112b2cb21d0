"""Plan of the aligning kernel: any geometry, and any combination of what it aligns."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.beamform.aligned_data import AlignedData
from usdk.beamform.geometry import Geometry
from usdk.beamform.options import Method
from usdk.beamform.point_tables import PointTables, Tile
from usdk.errors import ArgumentError
from usdk.scratch import Scratch
from usdk.tiles import run_tiles
from usdk_kernels import align

__all__ = ["MAX_ALIGNED_BYTES", "MAX_SCRATCH_BYTES", "SCRATCH_BYTES", "AlignedPlan"]

SCRATCH_BYTES = 2**20
"""Aligned samples that a thread holds at a time: they stay in the second-level cache."""
MAX_SCRATCH_BYTES = 64 * 2**20
"""The same where already one point has more than `SCRATCH_BYTES`."""
MAX_ALIGNED_BYTES = 2 * 2**30
"""Largest array of samples that `Beamformer.aligned` returns."""
_BLOCK = align.BLOCK

_Room = tuple[NDArray[Any], NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class _Piece:
    """Points start to stop of a tile, of which it has the transmits that reach them alone."""

    tile: Tile
    start: int
    stop: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.stop - self.start, self.tile.transmit_weight.shape[0]

    @property
    def points(self) -> slice:
        first = self.tile.points.start
        return slice(first + self.start, first + self.stop)


class AlignedPlan:
    """Align with `usdk_kernels.align`, then combine, in pieces that stay in the cache.

    Parameters
    ----------
    geometry, method
        What was measured, where to look, and how to combine.
    points : slice, optional
        Points of the scan, in C order, from start to stop; all when absent.

    Raises
    ------
    ArgumentError
        If the tables or one point's samples would be too large, or a transmit's beam is not known.
    """

    def __init__(self, geometry: Geometry, method: Method, points: slice | None = None) -> None:
        self._tables = PointTables(geometry, method, points)
        self._kernel: Any = align.align_iq if self._tables.is_iq else align.align_rf
        self._combine: Callable[[AlignedData, NDArray[Any]], object] = method.combination
        self._normalize = method.normalize
        self._dtype = geometry.dtype
        self._shape = geometry.data_shape[:2]
        self._first = self._tables.tiles[0].points.start if self._tables.tiles else 0
        self._pieces = tuple(self._cut())
        self.n_tiles = len(self._pieces)
        self.n_points = sum(piece.shape[0] for piece in self._pieces)
        self._scratch = Scratch(self._room)
        with self._scratch.lent() as room:
            self.n_bytes = self._tables.n_bytes + sum(array.nbytes for array in room)

    def __call__(self, data: NDArray[Any], out: NDArray[Any], threads: int | None) -> None:
        """Beamform one frame; both arrays are of the kernel's type, C-contiguous and writable."""
        flat = out.reshape(-1)

        def combine(piece: _Piece, aligned: AlignedData) -> None:
            values = flat[piece.points]
            values.fill(np.nan)
            if self._combine(aligned, values) is not None:
                raise ArgumentError(
                    f"the combination {self._combine!r} returned something: write the values into "
                    "out and return None"
                )

        self._run(combine, data, threads)

    @staticmethod
    def require_memory(geometry: Geometry, n_points: int) -> None:
        """Raise `ArgumentError` if aligned data of so many points exceed `MAX_ALIGNED_BYTES`."""
        per_point = geometry.dtype.itemsize * math.prod(geometry.data_shape[:2])
        if per_point * n_points > MAX_ALIGNED_BYTES:
            raise ArgumentError(
                f"the aligned data of {n_points} points would take "
                f"{per_point * n_points / 2**30:.1f} GiB, at most "
                f"{MAX_ALIGNED_BYTES / 2**30:g}: take at most {MAX_ALIGNED_BYTES // per_point} "
                "points at a time, as points=slice(start, stop)"
            )

    def aligned(self, data: NDArray[Any], threads: int | None) -> AlignedData:
        """Return the aligned data of all points, with every transmit."""
        n_transmits, n_elements = self._shape
        whole = AlignedData(
            samples=np.zeros((self.n_points, *self._shape), self._dtype),
            apodization=np.empty((self.n_points, n_elements), np.float32),
            transmit_weights=np.zeros((self.n_points, n_transmits), np.float32),
            normalize=self._normalize,
        )

        def keep(piece: _Piece, part: AlignedData) -> None:
            rows = slice(piece.points.start - self._first, piece.points.stop - self._first)
            whole.samples[rows, piece.tile.transmits] = part.samples
            whole.apodization[rows] = part.apodization
            whole.transmit_weights[rows, piece.tile.transmits] = part.transmit_weights

        self._run(keep, data, threads)
        return whole

    def _run(
        self,
        use: Callable[[_Piece, AlignedData], None],
        data: NDArray[Any],
        threads: int | None,
    ) -> None:
        """Align each piece and hand it on."""

        def work(piece: _Piece) -> None:
            with self._scratch.lent() as (samples, apodization, transmit_weights):
                (n_points, n_transmits), n_elements = piece.shape, self._shape[1]
                aligned = AlignedData(
                    samples=_shaped(samples, n_points, n_transmits, n_elements),
                    apodization=_shaped(apodization, n_points, n_elements),
                    transmit_weights=_shaped(transmit_weights, n_points, n_transmits),
                    normalize=self._normalize,
                )
                self._kernel(
                    *self._tables.arguments(piece.tile, data),
                    piece.start,
                    piece.stop,
                    aligned.transmit_weights,
                    aligned.apodization,
                    aligned.samples,
                )
                use(piece, aligned)

        run_tiles(work, self._pieces, threads=threads)

    def _cut(self) -> Iterator[_Piece]:
        """Cut the tiles of the tables into runs of points and transmits that fit the scratch."""
        for tile in self._tables.tiles:
            n_transmits, n_points = tile.transmit_weight.shape
            step = self._points_at_a_time(n_transmits)
            for start in range(0, n_points, step):
                stop = min(start + step, n_points)
                used = np.flatnonzero(tile.transmit_weight[:, start:stop].any(axis=1))
                first, end = (int(used[0]), int(used[-1]) + 1) if used.size else (0, 1)
                reaching = replace(
                    tile,
                    transmits=slice(tile.transmits.start + first, tile.transmits.start + end),
                    transmit_time_s=tile.transmit_time_s[first:end],
                    transmit_weight=tile.transmit_weight[first:end],
                    time_zero_s=tile.time_zero_s[first:end],
                )
                yield _Piece(reaching, start, stop)

    def _points_at_a_time(self, n_transmits: int) -> int:
        per_point = self._dtype.itemsize * n_transmits * self._shape[1]
        if per_point > MAX_SCRATCH_BYTES:
            raise ArgumentError(
                f"the aligned samples of one point would take {per_point / 2**20:.0f} MiB, at most "
                f"{MAX_SCRATCH_BYTES / 2**20:g}: take fewer transmits at a time"
            )
        n_points = max(1, SCRATCH_BYTES // per_point)
        return n_points if n_points < _BLOCK else n_points - n_points % _BLOCK

    def _room(self) -> _Room:
        n_elements = self._shape[1]
        shapes = [piece.shape for piece in self._pieces]
        return (
            np.empty(max((n * t for n, t in shapes), default=0) * n_elements, self._dtype),
            np.empty(max((n for n, _ in shapes), default=0) * n_elements, np.float32),
            np.empty(max((n * t for n, t in shapes), default=0), np.float32),
        )


def _shaped(scratch: NDArray[Any], *shape: int) -> NDArray[Any]:
    return scratch[: math.prod(shape)].reshape(shape)
