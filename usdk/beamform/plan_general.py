"""Plan of the general kernel: any geometry, any transmit, every interpolation."""

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
from usdk.tiles import run_tiles
from usdk_kernels import das

__all__ = ["MAX_PLAN_BYTES", "POINTS_PER_TILE", "GeneralPlan"]

POINTS_PER_TILE = 4096
MAX_PLAN_BYTES = 8 * 2**30
"""Largest tables of a plan: 12 bytes for each pair of a point and a transmit that reaches it."""

_INTERPOLATIONS = {
    Interpolation.NEAREST: das.INTERPOLATION_NEAREST,
    Interpolation.LINEAR: das.INTERPOLATION_LINEAR,
    Interpolation.CUBIC: das.INTERPOLATION_CUBIC,
}


@dataclass(frozen=True, eq=False)
class _Tile:
    """A run of points and the run of transmits that contribute to them, with its tables."""

    points: slice
    transmits: slice
    points_m: NDArray[np.float32]
    transmit_time_s: NDArray[np.float64]
    transmit_weight: NDArray[np.float32]
    time_zero_s: NDArray[np.float64]

    @property
    def n_bytes(self) -> int:
        return self.points_m.nbytes + self.transmit_time_s.nbytes + self.transmit_weight.nbytes


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
        self._geometry = geometry
        self._probe, self._sequence = geometry.probe, geometry.sequence
        self._receive, self._scan = geometry.receive, geometry.scan
        self._weighting = method.weighting
        self._window = method.window_coefficients
        self._settings = (
            method.f_number,
            *(element_size_wavelengths(geometry) if method.directivity else (-1.0, -1.0)),
            _INTERPOLATIONS[method.interpolation],
            int(method.normalize),
        )
        self._check_size()
        self._positions_m = np.ascontiguousarray(self._probe.element_positions_m, np.float32)
        self._normals = np.ascontiguousarray(self._probe.element_normals, np.float32)
        self._tangents = np.ascontiguousarray(element_tangents(self._probe), np.float32)
        self._tiles = tuple(self._within_memory(self._plan()))
        self.n_bytes = sum(tile.n_bytes for tile in self._tiles)
        self.n_tiles = len(self._tiles)

    def __call__(self, data: NDArray[Any], out: NDArray[Any], threads: int | None) -> None:
        """Beamform one frame; both arrays are of the kernel's type, C-contiguous and writable."""
        flat = out.reshape(-1)
        run_tiles(lambda tile: self._run(tile, data, flat), self._tiles, threads=threads)

    def _run(self, tile: _Tile, data: NDArray[Any], out: NDArray[Any]) -> None:
        settings: tuple[Any, ...] = (
            self._receive.sound_speed_m_s,
            *self._settings,
            0,
            tile.points_m.shape[0],
            out[tile.points],
        )
        geometry: tuple[Any, ...] = (
            data[tile.transmits],
            tile.points_m,
            self._positions_m,
            self._normals,
            self._tangents,
            tile.transmit_time_s,
            tile.transmit_weight,
            tile.time_zero_s,
            self._window,
            self._receive.sampling_frequency_hz,
        )
        demodulation_hz = self._receive.demodulation_frequency_hz
        if demodulation_hz:
            das.das_iq(*(*geometry, demodulation_hz, *settings))
        else:
            das.das_rf(*geometry, *settings)

    def _check_size(self) -> None:
        reaching = len(self._sequence)
        if self._weighting is TransmitWeighting.LINES:
            reaching = min(reaching, 2)
        elif self._weighting is TransmitWeighting.RETROSPECTIVE:
            reaching = 1  # Or more: `_within_memory` counts the beams that reach each tile.
        _require_memory(12 * reaching * math.prod(self._scan.shape))

    def _within_memory(self, tiles: Iterator[_Tile]) -> Iterator[_Tile]:
        n_bytes = 0
        for tile in tiles:
            n_bytes += tile.n_bytes
            _require_memory(n_bytes)
            yield tile

    def _plan(self) -> Iterator[_Tile]:
        points_m = self._scan.points_m().reshape(-1, 3)
        time_zero_s = np.array(self._receive.time_zero_s)
        # Both ways through the lens lengthen every path alike.
        lens_s = 2 * self._probe.lens_delay_s
        for first in range(0, points_m.shape[0], POINTS_PER_TILE):
            points = slice(first, min(first + POINTS_PER_TILE, points_m.shape[0]))
            tile_m = points_m[points]
            weights = transmit_weights(self._geometry, tile_m, self._weighting)
            used = np.flatnonzero(weights.any(axis=1))
            # Where no beam reaches, the first one stands with weights of 0.
            transmits = slice(int(used[0]), int(used[-1]) + 1) if used.size else slice(0, 1)
            arrivals_s = [
                transmit.arrival_time_s(tile_m, self._probe, self._receive.sound_speed_m_s) + lens_s
                for transmit in self._sequence.transmits[transmits]
            ]
            yield _Tile(
                points=points,
                transmits=transmits,
                points_m=np.ascontiguousarray(tile_m, np.float32),
                transmit_time_s=np.stack(arrivals_s),
                transmit_weight=np.ascontiguousarray(weights[transmits]),
                time_zero_s=time_zero_s[transmits],
            )


def _require_memory(n_bytes: int) -> None:
    if n_bytes > MAX_PLAN_BYTES:
        raise ArgumentError(
            f"the plan's tables would take {n_bytes / 2**30:.1f} GiB, at most "
            f"{MAX_PLAN_BYTES / 2**30:g}: take fewer points or fewer transmits at a time"
        )
