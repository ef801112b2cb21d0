"""Entries of transmits: what the tables say of every point, against arrival times and weights."""

from __future__ import annotations

import numpy as np
import pytest

from usdk.acquisition import ReceiveSettings
from usdk.beamform.geometry import Geometry
from usdk.beamform.options import Method, TransmitWeighting
from usdk.beamform.transmit_entries import TransmitEntries, transmit_entries
from usdk.beamform.transmit_weights import transmit_weights
from usdk.probe import Probe
from usdk.scan import LinearScan
from usdk.transmit import DivergingWave, FocusedWave, TransmitSequence
from usdk_kernels.das_lattice import LANES, PLACES, QUARTERS

FS, FC, C = 20e6, 5e6, 1540.0
PROBE = Probe.linear(
    "L", n_elements=24, pitch_m=0.3e-3, lens_delay_s=0.1e-6, centre_frequency_hz=FC,
    fractional_bandwidth=0.6,
)  # fmt: skip
SCAN = LinearScan(x_m=PROBE.element_positions_m[:, 0], z_m=np.linspace(2e-3, 18e-3, 250))
N_RUNS = -(-250 // LANES)
FOCUSED = tuple(FocusedWave(focus_m=(x, 0.0, 11e-3), origin_m=(x, 0.0, 0.0)) for x in
                (-3e-3, -1e-3, 1e-3, 3e-3))  # fmt: skip
DIVERGING = (DivergingWave(source_m=(0.0, 0.0, -5e-3)), DivergingWave(source_m=(2e-3, 0.0, -9e-3)))


def geometry(iq: bool, waves: tuple[FocusedWave, ...] | tuple[DivergingWave, ...]) -> Geometry:
    receive = ReceiveSettings(
        sampling_frequency_hz=FS, n_samples=600, sound_speed_m_s=C,
        time_zero_s=tuple(1e-6 * k for k in range(len(waves))),
        demodulation_frequency_hz=FC if iq else 0.0,
    )  # fmt: skip
    return Geometry(PROBE, TransmitSequence(transmits=waves), receive, SCAN)


def entries_of(of: Geometry, weighting: TransmitWeighting, n_windows: int) -> TransmitEntries:
    room = np.full(N_RUNS, 14.0 if n_windows == 1 else 6.0)
    how = Method(f_number=1.0, weighting=weighting)
    found = transmit_entries(of, how, room, n_windows, 10**9)
    assert found is not None
    return found


@pytest.mark.parametrize("iq", [False, True], ids=["RF", "IQ"])
@pytest.mark.parametrize("n_windows", [1, QUARTERS])
@pytest.mark.parametrize("weighting", list(TransmitWeighting))
@pytest.mark.parametrize("waves", [FOCUSED, DIVERGING], ids=["focused", "diverging"])
def test_every_transmit_has_each_point_once(
    waves: tuple[FocusedWave, ...], weighting: TransmitWeighting, n_windows: int, iq: bool
) -> None:
    if waves is DIVERGING and weighting is TransmitWeighting.LINES:
        pytest.skip("diverging waves have no lines")
    of = geometry(iq, waves)
    entries = entries_of(of, weighting, n_windows)
    n_lines, n_ranges = SCAN.shape
    points_m = SCAN.points_m().reshape(-1, 3)
    weights = transmit_weights(of, points_m, weighting)
    time_s = np.stack([w.arrival_time_s(points_m, PROBE, C) + 0.2e-6 for w in waves])
    samples = ((time_s - np.array(of.receive.time_zero_s)[:, None]) * FS).reshape(
        -1, n_lines, n_ranges
    )
    expected = (weights * np.exp(2j * np.pi * FC * time_s * iq)).reshape(samples.shape)
    found = np.zeros((len(waves), n_lines, N_RUNS * LANES), complex)
    part = np.arange(LANES) * n_windows // LANES
    for line, run in np.ndindex(n_lines, N_RUNS):
        first, stop = entries.first_entry[line * N_RUNS + run :][:2]
        here = slice(run * LANES, min((run + 1) * LANES, n_ranges))
        n = here.stop - here.start
        for i in range(first, stop):
            t = entries.transmit[i]
            weight = entries.weight[i, 0] + 1j * (entries.weight[i, 1] if iq else 0)
            assert not (found[t, line, run * LANES : (run + 1) * LANES] * weight).any()
            found[t, line, run * LANES : (run + 1) * LANES] += weight
            rest = entries.rel[i] - (part % 2) * (LANES << PLACES)
            place = (entries.base[i, part] + rest / 2.0**PLACES)[:n]
            is_in = weight[:n] != 0
            np.testing.assert_allclose(place[is_in], samples[t, line, here][is_in], atol=1e-6)
            assert rest.min() >= 0
            assert rest.max() < (14.0 if n_windows == 1 else 6.0) * 2**PLACES
    np.testing.assert_allclose(found[..., :n_ranges], expected, rtol=0, atol=1e-6)
    amount = np.abs(weights).sum(axis=0, dtype=float).reshape(n_lines, n_ranges)
    np.testing.assert_allclose(entries.amount, amount, rtol=1e-6)


def test_arrival_times_that_jump_at_a_focus_make_more_entries() -> None:
    far = entries_of(geometry(False, DIVERGING), TransmitWeighting.COMPOUND, 1)
    assert far.transmit.size == len(DIVERGING) * SCAN.shape[0] * N_RUNS
    jump = entries_of(geometry(False, FOCUSED), TransmitWeighting.COMPOUND, 1)
    assert jump.transmit.size > len(FOCUSED) * SCAN.shape[0] * N_RUNS


def test_tables_above_the_limit_are_not_made() -> None:
    of, room = geometry(True, DIVERGING), np.full(N_RUNS, 14.0)
    how = Method(f_number=1.0)
    whole = transmit_entries(of, how, room, 1, 10**9)
    assert whole is not None
    assert transmit_entries(of, how, room, 1, whole.n_bytes // 2) is None
