"""Point tables: what the kernels for any geometry are told, in tiles of neighbouring points.

The kernels that sum (`usdk_kernels.das`) and those that only align (`usdk_kernels.align`) read the
same arguments, which are made here once for a geometry and a method.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.beamform.directivity import element_size_wavelengths, element_tangents
from usdk.beamform.geometry import Geometry
from usdk.beamform.options import Interpolation, Method, TransmitWeighting
from usdk.beamform.transmit_weights import transmit_weights
from usdk.errors import ArgumentError
from usdk_kernels import das

__all__ = ["MAX_PLAN_BYTES", "POINTS_PER_TILE", "PointTables", "Tile", "require_memory"]

POINTS_PER_TILE = 4096
MAX_PLAN_BYTES = 8 * 2**30
"""Largest tables of a plan: 12 bytes for each pair of a point and a transmit that reaches it."""

_INTERPOLATIONS = {
    Interpolation.NEAREST: das.INTERPOLATION_NEAREST,
    Interpolation.LINEAR: das.INTERPOLATION_LINEAR,
    Interpolation.CUBIC: das.INTERPOLATION_CUBIC,
}


@dataclass(frozen=True, eq=False)
class Tile:
    """A run of points and the run of transmits that contribute to them, with its tables."""

    points: slice
    transmits: slice
    points_m: NDArray[np.float32]
    transmit_time_s: NDArray[np.float64]
    transmit_weight: NDArray[np.float32]
    time_zero_s: NDArray[np.float64]

    @property
    def n_bytes(self) -> int:
        """Memory that the tables take."""
        return self.points_m.nbytes + self.transmit_time_s.nbytes + self.transmit_weight.nbytes


class PointTables:
    """Tables of a geometry and a method for the kernels that take any geometry.

    Parameters
    ----------
    geometry, method
        What was measured, where to look, and how to sum.
    points : slice, optional
        Points of the scan, in C order, from start to stop; all when absent.

    Raises
    ------
    ArgumentError
        If the tables would be larger than `MAX_PLAN_BYTES`, or a transmit's beam is not known.
    """

    def __init__(self, geometry: Geometry, method: Method, points: slice | None = None) -> None:
        self._geometry, self._weighting = geometry, method.weighting
        probe, receive = geometry.probe, geometry.receive
        self.is_iq = receive.demodulation_frequency_hz > 0
        frequencies_hz: tuple[float, ...] = (receive.sampling_frequency_hz,)
        if self.is_iq:
            frequencies_hz += (receive.demodulation_frequency_hz,)
        self._elements = (
            np.ascontiguousarray(probe.element_positions_m, np.float32),
            np.ascontiguousarray(probe.element_normals, np.float32),
            np.ascontiguousarray(element_tangents(probe), np.float32),
        )
        self._settings = (
            method.window_coefficients,
            *frequencies_hz,
            receive.sound_speed_m_s,
            method.f_number,
            *(element_size_wavelengths(geometry) if method.directivity else (-1.0, -1.0)),
            _INTERPOLATIONS[method.interpolation],
        )
        first, stop, _ = (points or slice(None)).indices(math.prod(geometry.scan.shape))
        self._require_memory(max(0, stop - first))
        self.tiles = tuple(self._within_memory(self._make(first, stop)))
        self.n_bytes = sum(tile.n_bytes for tile in self.tiles)

    def arguments(self, tile: Tile, data: NDArray[Any]) -> tuple[Any, ...]:
        """Return a kernel's arguments from the channel data of a frame to the interpolation."""
        return (
            data[tile.transmits],
            tile.points_m,
            *self._elements,
            tile.transmit_time_s,
            tile.transmit_weight,
            tile.time_zero_s,
            *self._settings,
        )

    def _require_memory(self, n_points: int) -> None:
        reaching = len(self._geometry.sequence)
        if self._weighting is TransmitWeighting.LINES:
            reaching = min(reaching, 2)
        elif self._weighting is TransmitWeighting.RETROSPECTIVE:
            reaching = 1  # Or more: `_within_memory` counts the beams that reach each tile.
        require_memory(12 * reaching * n_points)

    def _within_memory(self, tiles: Iterator[Tile]) -> Iterator[Tile]:
        n_bytes = 0
        for tile in tiles:
            n_bytes += tile.n_bytes
            require_memory(n_bytes)
            yield tile

    def _make(self, first: int, stop: int) -> Iterator[Tile]:
        probe, sequence = self._geometry.probe, self._geometry.sequence
        receive = self._geometry.receive
        points_m = self._geometry.scan.points_m().reshape(-1, 3)
        time_zero_s = np.array(receive.time_zero_s)
        # Both ways through the lens lengthen every path alike.
        lens_s = 2 * probe.lens_delay_s
        for start in range(first, stop, POINTS_PER_TILE):
            points = slice(start, min(start + POINTS_PER_TILE, stop))
            tile_m = points_m[points]
            weights = transmit_weights(self._geometry, tile_m, self._weighting)
            used = np.flatnonzero(weights.any(axis=1))
            # Where no beam reaches, the first one stands with weights of 0.
            transmits = slice(int(used[0]), int(used[-1]) + 1) if used.size else slice(0, 1)
            arrivals_s = [
                transmit.arrival_time_s(tile_m, probe, receive.sound_speed_m_s) + lens_s
                for transmit in sequence.transmits[transmits]
            ]
            yield Tile(
                points=points,
                transmits=transmits,
                points_m=np.ascontiguousarray(tile_m, np.float32),
                transmit_time_s=np.stack(arrivals_s),
                # A copy: a view would keep the weights of all transmits.
                transmit_weight=np.array(weights[transmits], order="C"),
                time_zero_s=time_zero_s[transmits],
            )


def require_memory(n_bytes: int) -> None:
    """Raise `ArgumentError` if tables of this size are larger than `MAX_PLAN_BYTES`."""
    if n_bytes > MAX_PLAN_BYTES:
        raise ArgumentError(
            f"the plan's tables would take {n_bytes / 2**30:.1f} GiB, at most "
            f"{MAX_PLAN_BYTES / 2**30:g}: take fewer points or fewer transmits at a time"
        )
