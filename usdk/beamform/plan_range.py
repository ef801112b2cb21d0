"""Plan of the scan-line kernel: any array and transmit, points on straight lines."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.beamform.computed_tables import ComputedTables, wave_terms
from usdk.beamform.directivity import element_size_wavelengths, element_tangents
from usdk.beamform.geometry import Geometry
from usdk.beamform.options import Interpolation, Method, TransmitWeighting
from usdk.beamform.point_tables import require_memory
from usdk.beamform.transmit_weights import transmit_weights
from usdk.scratch import Scratch
from usdk.tiles import cut, run_tiles
from usdk_kernels import das_range
from usdk_kernels.line_points import line_points

__all__ = ["RangePlan", "why_not_exact"]

POINTS_PER_TILE = 8192
"""Points of a tile at most, unless one line alone has more."""
MAX_F_NUMBER = 4.0
"""The kernel tells places in an aperture to 1e-6 F²; here to 2e-5."""
MAX_RUN_M = 0.1
"""Longest run of points, in which places are float32: farther apart they are not told well."""
_MIN_TILES = 16
_MIN_RANGES = das_range.LANES // 2  # fewer leave most of a vector empty
_NO_WEIGHTS = np.empty((0, 0, 0), np.float32)


def why_not_exact(geometry: Geometry, method: Method) -> str | None:
    """Return why the kernel does not give the exact sum; None where it does."""
    lines = geometry.scan.lines()
    if lines is None:
        return "the points do not stand on straight lines"
    if not method.is_sum:
        return f"samples are not only summed (combination: {method.combination.describe()})"
    if method.interpolation is not Interpolation.LINEAR:
        return f"interpolation is {method.interpolation}, not linear"
    if method.f_number > MAX_F_NUMBER:
        return f"the F-number is above {MAX_F_NUMBER:g}: apertures are too narrow for its float32"
    if _run_m(lines[2]) > MAX_RUN_M:
        return f"{das_range.LANES} points of a line stand more than {MAX_RUN_M:g} m apart"
    return None


def _run_m(ranges_m: NDArray[np.float64]) -> float:
    """Return the length of the longest run of points that the kernel takes together, m."""
    steps = min(das_range.LANES, ranges_m.size) - 1
    return float(np.diff(ranges_m).max(initial=0.0)) * steps


@dataclass(frozen=True, eq=False)
class _Tile:
    """A run of lines and the run of transmits that reach them; tables unless they are computed."""

    lines: slice
    transmits: slice
    time_s: NDArray[np.float64] | None
    weight: NDArray[np.float32]

    @property
    def n_bytes(self) -> int:
        return self.weight.nbytes + (0 if self.time_s is None else self.time_s.nbytes)


class RangePlan:
    """Delay-and-sum with `usdk_kernels.das_range`, for geometries that `why_not_exact` admits.

    Arrival times of plane and spherical waves that all count alike are computed when they are
    read; else they are held, 8 bytes (12 with weights) for each pair of a point and a transmit.

    Parameters
    ----------
    geometry, method
        What was measured, where to look, and how to sum.

    Raises
    ------
    ArgumentError
        If the tables would be larger than `MAX_PLAN_BYTES`, or a transmit's beam is not known.
    """

    why = "points on straight lines"
    is_too_large = False

    def __init__(self, geometry: Geometry, method: Method) -> None:
        lines = geometry.scan.lines()
        assert lines is not None
        self._bases_m, self._directions, self._ranges_m = (
            np.array(array, np.float64, order="C") for array in lines
        )
        self.n_lines, self.n_ranges = len(self._bases_m), len(self._ranges_m)
        self._geometry, self._method = geometry, method
        receive, probe = geometry.receive, geometry.probe
        self._elements = (
            np.array(probe.element_positions_m, np.float64, order="C"),
            np.array(probe.element_normals, np.float64, order="C"),
            np.array(element_tangents(probe), np.float64, order="C"),
        )
        self._time_zero_s = np.array(receive.time_zero_s, np.float64)
        self._window = method.window_coefficients
        sizes = element_size_wavelengths(geometry) if method.directivity else (-1.0, -1.0)
        self._frequencies_hz = (receive.sampling_frequency_hz, receive.demodulation_frequency_hz)
        self._settings = (
            receive.sound_speed_m_s,
            method.f_number,
            *sizes,
        )
        run_m = np.diff(self._ranges_m).max(initial=0.0) * (das_range.LANES - 1)
        # There and back, and the sample after the last.
        samples = 2 * run_m * receive.sampling_frequency_hz / receive.sound_speed_m_s
        self.window_samples = math.ceil(samples) + 3
        self._waves = None
        if ComputedTables.applies_to(geometry, method):
            self._waves = np.array(wave_terms(geometry), np.float64)
        per_tile = min(POINTS_PER_TILE // self.n_ranges, -(-self.n_lines // _MIN_TILES))
        per_tile = -(-max(1, per_tile) // das_range.LINES) * das_range.LINES
        self._check_size()
        self._tiles = self._make_tiles(per_tile)
        self.n_tiles = len(self._tiles)
        self._n_planes = 2 if geometry.is_iq else 1
        self._scratch = threading.local()
        n_transmits, n_elements, n_samples = geometry.data_shape
        shape = (n_transmits, n_elements, self._n_planes, n_samples)
        self._planes = Scratch(lambda: np.empty(shape, np.float32))
        self._room_bytes = das_range.scratch_bytes(n_transmits, n_elements, self._n_planes)
        # Of scratch, what one thread needs.
        self.n_bytes = self._room_bytes + sum(tile.n_bytes for tile in self._tiles)
        if self._waves is not None:
            self.n_bytes += per_tile * self.n_ranges * (12 + 8 * len(self._waves))
        if self._n_planes == 2:
            self.n_bytes += 4 * math.prod(shape)

    def why_not_better(self) -> str | None:
        """Return why another kernel should be taken though this one is exact; None where not."""
        if self.n_ranges < _MIN_RANGES:
            return f"fewer than {_MIN_RANGES} points stand on a line"
        if self.window_samples > das_range.WINDOW:
            return (
                f"the echoes of {das_range.LANES} points of a line stand up to "
                f"{self.window_samples} samples apart, more than {das_range.WINDOW}"
            )
        return None

    def __call__(self, data: NDArray[Any], out: NDArray[Any], threads: int | None) -> None:
        """Beamform one frame; both arrays are of the kernel's type, C-contiguous and writable."""
        n_transmits, n_elements, n_samples = data.shape
        shape = (n_transmits, n_elements, self._n_planes, n_samples)
        image = out.view(np.float32).reshape(self.n_lines, self.n_ranges, self._n_planes)
        if self._n_planes == 1:
            self._add(data.reshape(shape), image, threads)
            return
        pairs = data.view(np.float32).reshape(n_transmits, n_elements, n_samples, 2)
        with self._planes.lent() as planes:
            run_tiles(
                lambda t: das_range.split_planes(pairs[t], 0, n_elements, planes[t]),
                range(n_transmits),
                threads=threads,
            )
            self._add(planes, image, threads)

    def _add(
        self, planes: NDArray[np.float32], image: NDArray[np.float32], threads: int | None
    ) -> None:
        n_runs = -(-self.n_ranges // das_range.LANES)

        def add(tile: _Tile) -> None:
            lines = tile.lines
            das_range.das_range(
                planes[tile.transmits],
                self._bases_m[lines],
                self._directions[lines],
                self._ranges_m,
                *self._elements,
                self._computed(tile) if tile.time_s is None else tile.time_s,
                tile.weight,
                self._time_zero_s[tile.transmits],
                self._window,
                *self._frequencies_hz,
                *self._settings,
                int(self._method.normalize),
                0,
                n_runs * (lines.stop - lines.start),
                self._room(),
                image[lines],
            )

        run_tiles(add, self._tiles, threads=threads)

    def _room(self) -> NDArray[np.uint8]:
        """Return the kernel's scratch of the calling thread."""
        room: NDArray[np.uint8] | None = getattr(self._scratch, "room", None)
        if room is None:
            room = self._scratch.room = np.empty(self._room_bytes, np.uint8)
        return room

    def _computed(self, tile: _Tile) -> NDArray[np.float64]:
        """Return the arrival times at a tile, in scratch of the calling thread."""
        assert self._waves is not None
        n_waves, n_lines = len(self._waves), tile.lines.stop - tile.lines.start
        n_points = n_lines * self.n_ranges
        try:
            points_m, time_s = self._scratch.arrays
        except AttributeError:
            # The first tile is the largest.
            most = self._tiles[0].lines.stop * self.n_ranges
            points_m = np.empty((most, 3), np.float32)
            time_s = np.empty(n_waves * most, np.float64)
            self._scratch.arrays = points_m, time_s
        first = tile.lines.start * self.n_ranges
        table_s = time_s[: n_waves * n_points].reshape(n_waves, n_points)
        line_points(
            self._bases_m, self._directions, self._ranges_m, self._waves, first, first + n_points,
            points_m[:n_points], table_s,
        )  # fmt: skip
        return np.asarray(table_s.reshape(n_waves, n_lines, self.n_ranges))

    def _check_size(self) -> None:
        """Refuse tables that would be too large before they are made."""
        if self._waves is not None:
            return
        weighting, reaching = self._method.weighting, len(self._time_zero_s)
        if weighting is not TransmitWeighting.COMPOUND:
            # What beams reach is known when the tables are made; two beams at least share a point.
            reaching = min(reaching, 2)
        per_pair = 8 if weighting is TransmitWeighting.COMPOUND else 12
        require_memory(per_pair * reaching * self.n_lines * self.n_ranges)

    def _make_tiles(self, per_tile: int) -> tuple[_Tile, ...]:
        tiles, n_bytes = [], 0
        for lines in cut(self.n_lines, per_tile):
            tiles.append(self._make_tile(slice(*lines)))
            n_bytes += tiles[-1].n_bytes
            require_memory(n_bytes)
        return tuple(tiles)

    def _make_tile(self, lines: slice) -> _Tile:
        waves = self._geometry.sequence.transmits
        everything = slice(0, len(waves))
        if self._waves is not None:
            return _Tile(lines, everything, None, _NO_WEIGHTS)
        probe, speed_m_s = self._geometry.probe, self._geometry.receive.sound_speed_m_s
        way_m = self._ranges_m[:, None] * self._directions[lines, None]
        points_m = (self._bases_m[lines, None] + way_m).reshape(-1, 3)
        shape = (-1, lines.stop - lines.start, self.n_ranges)
        transmits, weight = everything, _NO_WEIGHTS
        if self._method.weighting is not TransmitWeighting.COMPOUND:
            weights = transmit_weights(self._geometry, points_m, self._method.weighting)
            used = np.flatnonzero(weights.any(axis=1))
            # Where no beam reaches, the first one stands with weights of 0.
            transmits = slice(int(used[0]), int(used[-1]) + 1) if used.size else slice(0, 1)
            # A copy: a view would keep the weights of all transmits.
            weight = np.array(weights[transmits].reshape(shape), order="C")
        # Both ways through the lens lengthen every path alike.
        arrivals_s = [
            wave.arrival_time_s(points_m, probe, speed_m_s) + 2 * probe.lens_delay_s
            for wave in waves[transmits]
        ]
        return _Tile(lines, transmits, np.stack(arrivals_s).reshape(shape), weight)
