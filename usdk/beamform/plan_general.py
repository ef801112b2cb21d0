"""Plan of the general kernel: any geometry, any transmit, every interpolation."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from usdk.beamform.computed_tables import ComputedTables
from usdk.beamform.geometry import Geometry
from usdk.beamform.options import Method
from usdk.beamform.point_tables import MAX_PLAN_BYTES, POINTS_PER_TILE, PointTables, Tile
from usdk.tiles import run_tiles
from usdk_kernels import das

__all__ = ["MAX_PLAN_BYTES", "POINTS_PER_TILE", "GeneralPlan"]


class GeneralPlan:
    """Delay-and-sum with `usdk_kernels.das`.

    Parameters
    ----------
    geometry, method
        What was measured, where to look, and how to sum.

    Raises
    ------
    ArgumentError
        If the tables would be larger than `MAX_PLAN_BYTES`, or a transmit's beam is not known.
    """

    def __init__(self, geometry: Geometry, method: Method) -> None:
        computes = ComputedTables.applies_to(geometry, method)
        self._tables = (ComputedTables if computes else PointTables)(geometry, method)
        self._kernel: Any = das.das_iq if self._tables.is_iq else das.das_rf
        self._normalize = int(method.normalize)
        self.n_bytes = self._tables.n_bytes
        self.n_tiles = len(self._tables.tiles)

    def __call__(self, data: NDArray[Any], out: NDArray[Any], threads: int | None) -> None:
        """Beamform one frame; both arrays are of the kernel's type, C-contiguous and writable."""
        flat = out.reshape(-1)

        def run(tile: Tile) -> None:
            self._kernel(
                *self._tables.arguments(tile, data),
                self._normalize,
                0,
                tile.points.stop - tile.points.start,
                flat[tile.points],
            )

        run_tiles(run, self._tables.tiles, threads=threads)
