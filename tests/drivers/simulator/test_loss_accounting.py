"""Lost frames reported are lost frames injected, for every kind of fault."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from usdk.acquisition import Acquisition, Gap, ReceiveSettings
from usdk.errors import (
    DeviceAbsentError,
    DeviceFailedError,
    DeviceTimeoutError,
    EndOfRecordingError,
)
from usdk.probe import Probe
from usdk.sequences import plane_waves
from usdk_drivers.simulator import Fault, FaultPlan, SimulatedFrontEnd

N_TRANSMITS = 3
TERMINAL = {Fault.UNPLUG, Fault.SILENCE, Fault.OVERHEAT}
HARMLESS = {None, Fault.DUPLICATE, Fault.REORDER, Fault.NAK}
UNSEEN = {Fault.DROP, Fault.STALL, Fault.CORRUPT_HEADER}


def whole_frames(fault: Callable[[int], Fault | None], n_frames: int) -> list[int]:
    """Return the frames that a host can get, by what the faults are said to do."""
    end = n_frames * N_TRANSMITS
    order: list[int] = []
    held: int | None = None
    for packet in range(end):
        if fault(packet) is Fault.REORDER and held is None:
            held = packet
            continue
        order += [packet] if held is None else [packet, held]
        held = None
    order += [end] if held is None else [end, held]
    newest, n_came = 0, np.zeros(n_frames + 1, int)
    for packet in order:
        frame, what = packet // N_TRANSMITS, fault(packet)
        is_seen = what not in UNSEEN and not (packet == end and what is Fault.CORRUPT)
        newest = max(newest, frame) if is_seen else newest
        # A packet that comes after one of a later frame comes too late.
        n_came[frame] += what in HARMLESS and frame >= newest
    return np.flatnonzero(n_came[:n_frames] == N_TRANSMITS).tolist()


def tiny(n_frames: int) -> Acquisition:
    random = np.random.default_rng(3)
    probe = Probe.linear(
        "tiny", n_elements=2, pitch_m=0.3e-3, centre_frequency_hz=5e6, fractional_bandwidth=0.6
    )
    return Acquisition(
        data=random.integers(-99, 99, (n_frames, N_TRANSMITS, 2, 4), dtype=np.int16),
        probe=probe,
        sequence=plane_waves((-5, 0, 5), prf_hz=5000),
        receive=ReceiveSettings(
            sampling_frequency_hz=20e6, n_samples=4, time_zero_s=(0.0,) * N_TRANSMITS
        ),
    )


def read_all(
    front_end: SimulatedFrontEnd, original: Acquisition, n_at_once: int
) -> tuple[list[int], list[Gap]]:
    received: list[int] = []
    gaps: list[Gap] = []
    try:
        while True:
            acquisition = front_end.read(n_at_once, timeout_s=20)
            numbers = acquisition.sequence_numbers
            assert np.array_equal(acquisition.data, original.data[numbers])
            received += numbers.tolist()
            gaps += acquisition.gaps
    except EndOfRecordingError:
        return received, gaps


PASSING = sorted(set(Fault) - TERMINAL)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(
    at=st.dictionaries(st.integers(0, 27), st.sampled_from(PASSING), max_size=14),
    n_at_once=st.integers(1, 9),
)
def test_every_lost_frame_is_reported_and_no_other(at: dict[int, Fault], n_at_once: int) -> None:
    original = tiny(9)
    plan = FaultPlan(at=at, nak_s=1e-3)
    with SimulatedFrontEnd.playing(original, faults=plan) as front_end:
        front_end.configure()
        try:
            received, gaps = read_all(front_end, original, n_at_once)
        except DeviceFailedError:
            # Endpoints that halt four times in a row are given up, and only they.
            assert sum(fault is Fault.STALL for fault in at.values()) > 3
            return
        status = front_end.status()
    expected = whole_frames(at.get, 9)
    assert received == expected
    assert (status.n_frames_received, status.n_frames_lost) == (len(expected), 9 - len(expected))
    lost = [gap.first_sequence_number + k for gap in gaps for k in range(gap.n_frames)]
    missing = sorted(set(range(9)) - set(expected))
    # What is lost after the last whole frame may have no acquisition to come with.
    assert lost == missing[: len(lost)]
    assert all(n > max(expected, default=-1) for n in missing[len(lost) :])


@pytest.mark.parametrize(
    ("packet", "whole"), [(6, range(6)), (7, range(6)), (8, [0, 1, 3, 4, 5]), (17, range(5))]
)
def test_packets_that_are_swapped_cost_a_frame_only_across_its_end(
    packet: int, whole: list[int]
) -> None:
    original = tiny(6)
    plan = FaultPlan(at={packet: Fault.REORDER})
    with SimulatedFrontEnd.playing(original, faults=plan) as front_end:
        front_end.configure()
        received, _ = read_all(front_end, original, 6)
        status = front_end.status()
    assert received == list(whole)
    assert status.n_frames_lost == status.n_packets_lost == 6 - len(received)


def test_a_pause_is_as_long_as_it_is_said_and_costs_nothing() -> None:
    original = tiny(6)
    plan = FaultPlan(at={7: Fault.NAK}, nak_s=0.3)
    with SimulatedFrontEnd.playing(original, faults=plan) as front_end:
        front_end.configure()
        assert front_end.read(2).n_frames == 2
        started_s = time.monotonic()
        with pytest.raises(DeviceTimeoutError):
            front_end.read(timeout_s=0.1)
        assert front_end.read(4).sequence_numbers.tolist() == [2, 3, 4, 5]
        assert 0.29 < time.monotonic() - started_s < 1.5
        assert front_end.status().n_frames_lost == 0


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        (Fault.UNPLUG, DeviceAbsentError, "plug it in"),
        (Fault.SILENCE, DeviceTimeoutError, "1 lost"),
        (Fault.OVERHEAT, DeviceFailedError, r"too hot \(60 °C\)"),
    ],
)
def test_what_ends_a_run_is_a_typed_error_after_what_came(
    fault: Fault, error: type[Exception], message: str
) -> None:
    original = tiny(6)
    plan = FaultPlan(at={4: Fault.DROP, 10: fault})
    with SimulatedFrontEnd.playing(original, faults=plan) as front_end:
        front_end.configure()
        acquisition = front_end.read(6, timeout_s=0.5)
        assert acquisition.sequence_numbers.tolist() == [0, 2]
        with pytest.raises(error, match=message):
            front_end.read(timeout_s=0.5)
        assert acquisition.n_frames_lost == 1


def test_a_device_heats_up_freezes_and_goes_on_after_a_new_start() -> None:
    original = tiny(6)
    plan = FaultPlan(at={11: Fault.OVERHEAT})
    with SimulatedFrontEnd.playing(original, faults=plan) as front_end:
        front_end.configure()
        temperatures = [front_end.status().temperature_celsius]
        for _ in range(3):
            front_end.read()
            temperatures.append(front_end.status().temperature_celsius)
        with pytest.raises(DeviceFailedError, match="started again"):
            front_end.read()
        temperatures.append(front_end.status().temperature_celsius)
        assert temperatures == sorted(set(temperatures))
        assert temperatures[0] == pytest.approx(31.5)
        assert temperatures[-1] == 60.0
        front_end.stop()
        assert front_end.read(3).n_frames == 3


@pytest.mark.slow
def test_over_many_frames_the_account_is_exact() -> None:
    """A sample of 15,000 frames; all 100,000 where USDK_TEST_WHOLE is set."""
    n_frames = 100_000 if os.environ.get("USDK_TEST_WHOLE") else 15_000
    original = tiny(n_frames)
    plan = FaultPlan(rates=dict.fromkeys(PASSING, 2e-3), seed=5, nak_s=1e-4)
    with SimulatedFrontEnd.playing(original, faults=plan) as front_end:
        front_end.configure()
        received, gaps = read_all(front_end, original, 1000)
        status = front_end.status()
    expected = whole_frames(plan.fault, n_frames)
    assert received == expected
    n_lost = n_frames - len(expected)
    assert n_lost > n_frames / 50
    assert (status.n_frames_received, status.n_frames_lost) == (len(expected), n_lost)
    assert sum(gap.n_frames for gap in gaps) == n_lost
