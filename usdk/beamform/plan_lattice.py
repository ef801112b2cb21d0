"""Plan of the lattice kernel: lines that share receive tables, any transmit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.beamform.geometry import Geometry
from usdk.beamform.lattice import Lattice, find_lattice, receive_apodization
from usdk.beamform.options import Interpolation, Method
from usdk.beamform.transmit_entries import transmit_entries
from usdk.scratch import Scratch
from usdk.tiles import cut, run_tiles
from usdk_kernels.das_lattice import LANES, LINES, PLACES, QUARTERS, das_lattice
from usdk_kernels.das_range import split_planes

__all__ = ["MAX_REACH_SAMPLES", "MAX_TABLE_BYTES", "LatticePlan", "why_not_exact"]

MAX_TABLE_BYTES = 128 * 10**6
"""Largest tables; the scan-line kernel needs none where waves are plane or spherical."""
MAX_REACH_SAMPLES = 2**28
"""Most samples on the way to a point."""
_MIN_TILES = 8
_MIN_RANGES = LANES // 2  # fewer leave most of a vector empty
_SAMPLES_OF_WINDOWS = {1: 2 * LANES - 1, QUARTERS: LANES - 1}


def why_not_exact(geometry: Geometry, method: Method) -> str | None:
    """Return why the kernel does not give the exact sum; None where it does."""
    if not method.is_sum:
        return f"samples are not only summed (combination: {method.combination.describe()})"
    if method.interpolation is not Interpolation.LINEAR:
        return f"interpolation is {method.interpolation}, not linear"
    lattice = find_lattice(geometry)
    if isinstance(lattice, str):
        return lattice
    if _n_windows(geometry) is None:
        return f"the echoes of {LANES // QUARTERS} points of a line span more than {LANES} samples"
    receive = geometry.receive
    lines = geometry.scan.lines()
    assert lines is not None
    if (
        not lattice.reach_m(lines[2]) * receive.sampling_frequency_hz
        < MAX_REACH_SAMPLES * receive.sound_speed_m_s
    ):
        return "sound takes too many samples to the farthest point"
    return None


def _n_windows(geometry: Geometry) -> int | None:
    """Return the windows that hold a run's samples with a third to spare; None if none do."""
    lines, receive = geometry.scan.lines(), geometry.receive
    assert lines is not None
    step_m = np.diff(lines[2]).max(initial=0.0)
    step = step_m * receive.sampling_frequency_hz / receive.sound_speed_m_s
    for n_windows, samples in _SAMPLES_OF_WINDOWS.items():
        # There and back, and the rests of two positions.
        if 2 * step * (LANES // n_windows - 1) + 2 < samples:
            return n_windows
    return None


class LatticePlan:
    """Delay-and-sum with `usdk_kernels.das_lattice`, for geometries that `why_not_exact` admits.

    Everything but the channel data is tabulated: 8 to 16 bytes for each pair of a point and a
    transmit that reaches it, and as much for each row of the lattice and range.

    Parameters
    ----------
    geometry, method
        What was measured, where to look, and how to sum.
    """

    def __init__(self, geometry: Geometry, method: Method) -> None:
        lattice, lines = find_lattice(geometry), geometry.scan.lines()
        n_windows = _n_windows(geometry)
        assert isinstance(lattice, Lattice)
        assert lines is not None
        assert n_windows is not None
        self._geometry = geometry
        self.n_lines, self.n_ranges = len(lines[0]), len(lines[2])
        self._n_planes = 2 if geometry.is_iq else 1
        self._tiles = cut(self.n_lines, min(LINES, -(-self.n_lines // _MIN_TILES)))
        self.n_tiles = len(self._tiles)
        self.why = (
            f"lines on {lattice.lines_per_pitch} of the pitch of a uniform "
            f"{'curved' if lattice.radius_m else 'linear'} array share receive tables"
        )
        if lattice.lines_per_pitch == "1":
            self.why = self.why.replace("1 of the pitch", "the pitch")
        shape = (*geometry.data_shape[:2], self._n_planes, geometry.data_shape[2])
        self._planes = Scratch(lambda: np.empty(shape, np.float32))
        self.n_bytes = 4 * math.prod(shape) if self._n_planes == 2 else 0
        n_runs = -(-self.n_ranges // LANES)
        receive_bytes = lattice.places.size * n_runs * LANES * 4 * (1 + self._n_planes)
        self.is_too_large = receive_bytes > MAX_TABLE_BYTES
        if self.is_too_large:
            return
        self._receive, weight = _receive_tables(lattice, geometry, method, lines[2], n_windows)
        room = _SAMPLES_OF_WINDOWS[n_windows] - self._receive[1].max(axis=(1, 2)) / 2.0**PLACES
        most_bytes = MAX_TABLE_BYTES - receive_bytes
        entries = transmit_entries(geometry, method, room, n_windows, most_bytes)
        self.is_too_large = entries is None
        if entries is None:
            return
        self._first_row = lattice.first_row
        self._entries = entries
        self._open, total = _open_elements(lattice, weight, geometry.probe.n_elements)
        self._factor = np.ones((self.n_lines, self.n_ranges), np.float32)
        if method.normalize:
            divisor = entries.amount * total
            heard = divisor > 0
            self._factor[:] = np.where(heard, 1 / np.where(heard, divisor, 1), 0)
        tables = (*self._receive, self._first_row, self._open, self._factor)
        self.n_bytes += entries.n_bytes + sum(table.nbytes for table in tables)
        # Kept for the normalization alone.
        object.__setattr__(entries, "amount", np.empty((0, 0)))

    def why_not_better(self) -> str | None:
        """Return why another kernel should be taken though this one is exact; None where not."""
        if self.is_too_large:
            return f"its tables would take more than {MAX_TABLE_BYTES // 10**6} MB"
        if self.n_ranges < _MIN_RANGES:
            return f"fewer than {_MIN_RANGES} points stand on a line"
        return None

    def __call__(self, data: NDArray[Any], out: NDArray[Any], threads: int | None) -> None:
        """Beamform one frame; both arrays are of the kernel's type, C-contiguous and writable."""
        n_transmits, n_elements, n_samples = data.shape
        image = out.view(np.float32).reshape(self.n_lines, self.n_ranges, self._n_planes)
        if self._n_planes == 1:
            self._add(data.reshape(n_transmits, n_elements, 1, n_samples), image, threads)
            return
        pairs = data.view(np.float32).reshape(n_transmits, n_elements, n_samples, 2)
        with self._planes.lent() as planes:
            run_tiles(
                lambda t: split_planes(pairs[t], 0, n_elements, planes[t]),
                range(n_transmits),
                threads=threads,
            )
            self._add(planes, image, threads)

    def _add(
        self, planes: NDArray[np.float32], image: NDArray[np.float32], threads: int | None
    ) -> None:
        entries = self._entries

        def add(tile: tuple[int, int]) -> None:
            das_lattice(
                planes,
                self._first_row,
                *self._receive,
                self._open,
                entries.first_entry,
                entries.transmit,
                entries.base,
                entries.rel,
                entries.weight,
                self._factor,
                *tile,
                image,
            )

        run_tiles(add, self._tiles, threads=threads)


def _receive_tables(
    lattice: Lattice,
    geometry: Geometry,
    method: Method,
    ranges_m: NDArray[np.float64],
    n_windows: int,
) -> tuple[tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]], NDArray[np.float32]]:
    """Return base, rest and apodization as the kernel takes them, and (n_rows, n) weights."""
    distance_m, weight = receive_apodization(lattice, geometry, method, ranges_m)
    receive, n_rows = geometry.receive, lattice.places.size
    n_runs = -(-ranges_m.size // LANES)
    empty = ((0, 0), (0, n_runs * LANES - ranges_m.size))

    def by_run(table: NDArray[Any], mode: Any) -> NDArray[Any]:
        runs = np.pad(table, empty, mode=mode).reshape(n_rows, n_runs, LANES)
        return np.ascontiguousarray(runs.transpose(1, 0, 2))

    per_m = receive.sampling_frequency_hz / receive.sound_speed_m_s
    samples = by_run(distance_m * per_m, "edge").reshape(n_runs, n_rows, n_windows, -1)
    base = np.floor(samples.min(axis=3))
    rest = np.rint((samples - base[..., None]) * 2.0**PLACES).astype(np.int32)
    apodization = by_run(weight, "constant")[:, :, None]
    is_heard = np.asarray(apodization.any(axis=(2, 3)))
    for of_run, heard in zip(base, is_heard, strict=True):
        # Rows that nobody hears must not look as if they left the record.
        of_run[~heard] = of_run[heard][0] if heard.any() else 0
    if geometry.is_iq:
        turns = distance_m * (receive.demodulation_frequency_hz / receive.sound_speed_m_s)
        # Less than one turn, of which float32 keeps enough.
        angle_rad = (2 * np.pi * (turns - np.round(turns))).astype(np.float32)
        angle_rad = by_run(angle_rad, "edge")[:, :, None]
        parts = (apodization * np.cos(angle_rad), apodization * np.sin(angle_rad))
        apodization = np.concatenate(parts, axis=2)
    tables = (
        base.astype(np.int32),
        rest.reshape(n_runs, n_rows, LANES),
        np.ascontiguousarray(apodization, np.float32),
    )
    return tables, weight


def _open_elements(
    lattice: Lattice, weight: NDArray[np.float32], n_elements: int
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return each line's first open element and the one after the last, and Σ apodization."""
    n_ranges = weight.shape[1]
    starts = np.arange(0, n_ranges, LANES)
    is_open = np.logical_or.reduceat(weight != 0, starts, axis=1)
    edges = np.zeros((lattice.first_row.size, starts.size, 2), np.int32)
    total = np.empty((lattice.first_row.size, n_ranges))
    for line, row in enumerate(lattice.first_row):
        total[line] = weight[row : row + n_elements].sum(axis=0, dtype=np.float64)
        here = is_open[row : row + n_elements]
        last = n_elements - here[::-1].argmax(axis=0)
        edges[line, :, 0] = here.argmax(axis=0)
        edges[line, :, 1] = np.where(here.any(axis=0), last, 0)
    return edges, total
