"""Transmit entries: when transmits pass runs of points, as the lattice kernel reads it.

An entry is one transmit at one run of points; a transmit that reaches no point of a run has none,
and one whose arrival times jump inside a run, as at a focus, has several.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from usdk.beamform.computed_tables import ComputedTables, wave_terms
from usdk.beamform.geometry import Geometry
from usdk.beamform.options import Method, TransmitWeighting
from usdk.beamform.transmit_weights import transmit_weights
from usdk.tiles import cut, run_tiles
from usdk_kernels.das_lattice import LANES, PLACES, QUARTERS
from usdk_kernels.line_points import line_points

__all__ = ["TransmitEntries", "transmit_entries"]

_Tables = tuple[NDArray[np.generic], ...]
_LINES_AT_ONCE = 16
_FARTHEST_SAMPLES = 2.0**28  # positions beyond it are in no record
_SLACK_SAMPLES = 1e-3  # by which rounding may lengthen two rests


@dataclass(frozen=True, eq=False)
class TransmitEntries:
    """What `usdk_kernels.das_lattice` is told of transmits; see there.

    `amount` is the sum of the transmits' weights at every point, (n_lines, n_ranges).
    """

    first_entry: NDArray[np.int64]
    transmit: NDArray[np.int32]
    base: NDArray[np.int32]
    rel: NDArray[np.int32]
    weight: NDArray[np.float32]
    amount: NDArray[np.float64]

    @property
    def n_bytes(self) -> int:
        """Memory that the tables of the kernel take."""
        return sum(
            table.nbytes
            for table in (self.first_entry, self.transmit, self.base, self.rel, self.weight)
        )


def transmit_entries(
    geometry: Geometry, method: Method, room: NDArray[np.float64], n_windows: int, most_bytes: int
) -> TransmitEntries | None:
    """Return the entries of all lines; None where they would take more than `most_bytes`.

    Parameters
    ----------
    geometry, method
        What was measured, where to look, and how to sum.
    room : (n_runs,) float64
        Samples that receive paths leave of a window for the transmit paths of a run.
    n_windows : int
        1 or 4 windows to a run.
    most_bytes : int
        Most memory for the tables.
    """
    lines = geometry.scan.lines()
    assert lines is not None
    n_lines, n_ranges = len(lines[0]), len(lines[2])
    n_runs = room.size
    amount = np.zeros((n_lines, n_ranges))
    blocks = cut(n_lines, _LINES_AT_ONCE)
    parts: list[_Tables | None] = [None] * len(blocks)
    counts: list[NDArray[np.int64]] = [np.empty(0, np.int64)] * len(blocks)
    n_bytes = 0
    waves = None
    if ComputedTables.applies_to(geometry, method):
        waves = np.array(wave_terms(geometry), np.float64)

    def make(number: int) -> None:
        nonlocal n_bytes
        if n_bytes > most_bytes:
            return
        block = slice(*blocks[number])
        samples, weight, phase_rad = _positions(geometry, method, lines, block, waves)
        amount[block] = np.abs(weight).sum(axis=0)
        keys, part = _cut(samples, weight, phase_rad, room - _SLACK_SAMPLES, n_windows)
        # Only adds, and is looked at again at the end: threads need not agree on it in between.
        n_bytes += sum(table.nbytes for table in part)
        counts[number] = np.bincount(keys, minlength=(block.stop - block.start) * n_runs)
        parts[number] = part

    run_tiles(make, range(len(blocks)), threads=None)
    made = [part for part in parts if part is not None]
    if len(made) < len(blocks) or sum(t.nbytes for part in made for t in part) > most_bytes:
        return None
    first_entry = np.concatenate([[0], np.cumsum(np.concatenate(counts))]).astype(np.int64)
    transmit, base, rel, weights = (np.concatenate(table) for table in zip(*made, strict=True))
    return TransmitEntries(first_entry, transmit, base, rel, weights, amount)


def _positions(
    geometry: Geometry,
    method: Method,
    lines: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
    block: slice,
    waves: NDArray[np.float64] | None,
) -> tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.float32] | None]:
    """Return position in samples, weight and phase in rad, (n_transmits, n_lines, n_ranges)."""
    bases_m, directions, ranges_m = lines
    n_points = (block.stop - block.start) * ranges_m.size
    shape = (-1, block.stop - block.start, ranges_m.size)
    probe, receive = geometry.probe, geometry.receive
    if waves is not None:
        time_s = np.empty((len(waves), n_points))
        line_points(
            np.array(bases_m[block], np.float64, order="C"),
            np.array(directions[block], np.float64, order="C"),
            np.array(ranges_m, np.float64),
            waves,
            0,
            n_points,
            np.empty((n_points, 3), np.float32),
            time_s,
        )
    else:
        points_m = bases_m[block, None] + ranges_m[:, None] * directions[block, None]
        points_m = points_m.reshape(-1, 3)
        # Both ways through the lens lengthen every path alike.
        time_s = np.stack([
            wave.arrival_time_s(points_m, probe, receive.sound_speed_m_s) + 2 * probe.lens_delay_s
            for wave in geometry.sequence.transmits
        ])  # fmt: skip
    zero_s = np.array(receive.time_zero_s)[:, None]
    with np.errstate(over="ignore"):  # beyond any record
        samples = (time_s - zero_s) * receive.sampling_frequency_hz
    is_near = np.abs(samples) < _FARTHEST_SAMPLES
    if method.weighting is TransmitWeighting.COMPOUND:
        weight = is_near.astype(np.float32)
    else:
        weight = transmit_weights(geometry, points_m, method.weighting)
        weight = np.where(is_near & (np.abs(weight) > 0), weight, np.float32(0))
    if geometry.is_iq:
        turns = np.where(is_near, time_s, 0) * receive.demodulation_frequency_hz
        # Less than one turn, of which float32 keeps enough.
        phase_rad = 2 * np.pi * (turns - np.round(turns))
        return (
            np.where(is_near, samples, 0).reshape(shape),
            weight.reshape(shape),
            phase_rad.astype(np.float32).reshape(shape),
        )
    return np.where(is_near, samples, 0).reshape(shape), weight.reshape(shape), None


def _cut(
    samples: NDArray[np.float64],
    weight: NDArray[np.float32],
    phase_rad: NDArray[np.float32] | None,
    room: NDArray[np.float64],
    n_windows: int,
) -> tuple[NDArray[np.int64], _Tables]:
    """Return line and run of every entry, and transmit, base, rest and weight of it."""
    n_transmits, n_lines, n_ranges = samples.shape
    n_runs = room.size
    empty = n_runs * LANES - n_ranges

    def by_run(table: NDArray[np.generic]) -> NDArray[np.generic]:
        """(n_lines, n_runs, n_transmits) rows of lanes; lanes without a point hold 0."""
        padded = np.pad(table, ((0, 0), (0, 0), (0, empty)))
        runs = padded.reshape(n_transmits, n_lines, n_runs, LANES)
        return np.ascontiguousarray(runs.transpose(1, 2, 0, 3)).reshape(-1, LANES)

    places, weights = by_run(samples), by_run(weight)
    angles = None if phase_rad is None else by_run(phase_rad)
    rooms = np.tile(np.repeat(room, n_transmits), n_lines)
    pending = weights != 0
    keys, found = [], []
    while (rows := np.flatnonzero(functools.reduce(np.logical_or, pending.T))).size:
        wanted = pending[rows].reshape(rows.size, n_windows, -1)
        place = places[rows].reshape(wanted.shape)
        # Lane by lane: numpy is slow where the axis is short.
        spread = np.where(wanted, place, np.inf)
        first = functools.reduce(np.minimum, np.moveaxis(spread, 2, 0))
        # A window that no lane reads stands where another one does.
        first = np.floor(np.where(np.isfinite(first), first, first.min(axis=1, keepdims=True)))
        way = place - first[..., None]
        taken = wanted & (way < rooms[rows, None, None])
        rest = np.rint(np.where(taken, way, 0) * 2.0**PLACES).astype(np.int32)
        if n_windows == QUARTERS:
            rest[:, 1::2] += np.int32(LANES << PLACES)
        taken = taken.reshape(rows.size, LANES)
        pending[rows] &= ~taken
        share = np.where(taken, weights[rows], np.float32(0))
        if angles is None:
            scale = share[:, None].astype(np.float32)
        else:
            angle_rad = angles[rows]
            scale = np.stack([share * np.cos(angle_rad), share * np.sin(angle_rad)], axis=1)
        keys.append(rows)
        found.append((
            (rows % n_transmits).astype(np.int32), first.astype(np.int32),
            rest.reshape(rows.size, LANES), scale,
        ))  # fmt: skip
    if not found:
        n_planes = 1 if phase_rad is None else 2
        return np.empty(0, np.int64), (
            np.empty(0, np.int32), np.empty((0, n_windows), np.int32),
            np.empty((0, LANES), np.int32), np.empty((0, n_planes, LANES), np.float32),
        )  # fmt: skip
    of_all = np.concatenate(keys)
    order = np.argsort(of_all, kind="stable")
    tables = tuple(np.concatenate(table)[order] for table in zip(*found, strict=True))
    return of_all[order] // n_transmits, tables
