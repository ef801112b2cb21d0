from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from usdk.acquisition import Acquisition, Gap, ReceiveSettings, require_like, time_zero_s
from usdk.errors import ArgumentError, DataDamagedError
from usdk.probe import Probe
from usdk.sequences import plane_waves, single_elements

PROBE = Probe.linear(
    "L", n_elements=8, pitch_m=0.3e-3, centre_frequency_hz=5e6, fractional_bandwidth=0.7
)
SEQUENCE = plane_waves([-5, 5])
RECEIVE = ReceiveSettings(sampling_frequency_hz=20e6, n_samples=100, time_zero_s=(0.0, -1e-6))


def acquisition(n_frames: int = 3, **changes: Any) -> Acquisition:
    entries: dict[str, Any] = {
        "data": np.zeros((n_frames, 2, 8, 100), np.int16),
        "probe": PROBE,
        "sequence": SEQUENCE,
        "receive": RECEIVE,
    }
    return Acquisition(**(entries | changes))


def settings(**changes: Any) -> ReceiveSettings:
    entries: dict[str, Any] = {"sampling_frequency_hz": 20e6, "n_samples": 9, "time_zero_s": (0,)}
    return ReceiveSettings(**(entries | changes))


def test_json_gives_the_same_settings_back() -> None:
    wild = settings(
        n_samples=np.int64(9),
        wanted_depth_m=np.float32(0.5),
        time_zero_s=np.zeros(2),
        sampling_frequency_hz=np.float32(1e7),
    )
    for receive in (RECEIVE, wild):
        assert ReceiveSettings.from_dict(json.loads(json.dumps(receive.to_dict()))) == receive


def test_the_samples_reach_to_the_last_echo_and_the_depth_is_what_was_asked_for() -> None:
    receive = settings(n_samples=2001, time_zero_s=(-1e-6, 0.0), sound_speed_m_s=1500.0)
    assert receive.reach_m == pytest.approx((2000 / 20e6 - 1e-6) * 750)
    assert receive.depth_m == receive.reach_m
    assert replace(receive, wanted_depth_m=0.03).depth_m == 0.03
    assert replace(receive, wanted_depth_m=9.0).depth_m == receive.reach_m


@pytest.mark.parametrize(
    "changes",
    [
        {"sampling_frequency_hz": 0.0},
        {"sampling_frequency_hz": math.nan},
        {"sampling_frequency_hz": "20 MHz"},
        {"sampling_frequency_hz": None},
        {"sound_speed_m_s": -1.0},
        {"sound_speed_m_s": math.inf},
        {"sound_speed_m_s": 10**400},
        {"demodulation_frequency_hz": -1.0},
        {"demodulation_frequency_hz": math.nan},
        {"n_samples": 0},
        {"n_samples": 9.5},
        {"wanted_depth_m": 0.0},
        {"wanted_depth_m": math.nan},
        {"wanted_depth_m": "deep"},
        {"time_zero_s": ()},
        {"time_zero_s": (0.0, math.nan)},
        {"time_zero_s": 0.0},
    ],
)
def test_settings_that_cannot_be_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        settings(**changes)


@pytest.mark.parametrize(
    "plain",
    [{}, None, [1], RECEIVE.to_dict() | {"gain": 1}, RECEIVE.to_dict() | {"n_samples": "many"}],
)
def test_damaged_settings_are_refused(plain: Any) -> None:
    with pytest.raises(DataDamagedError, match="not receive settings"):
        ReceiveSettings.from_dict(plain)


def test_what_is_not_said_is_counted_or_unknown() -> None:
    frames = acquisition()
    assert frames.n_frames == 3
    assert not frames.is_iq
    assert frames.sequence_numbers.tolist() == [0, 1, 2]
    assert np.all(np.isnan(frames.device_timestamps_s))
    assert np.all(np.isnan(frames.host_timestamps_s))
    assert frames.transmit_frequency_hz == 5e6
    faster = acquisition(sequence=plane_waves([-5, 5], frequency_hz=6e6))
    assert faster.transmit_frequency_hz == 6e6


def test_data_are_shared_when_contiguous_and_copied_when_not() -> None:
    data = np.zeros((1, 2, 8, 100), np.float32)
    assert np.shares_memory(acquisition(data=data).data, data)
    backwards = np.zeros((100, 8, 2, 1), np.float32).T
    assert acquisition(data=backwards).data.flags.c_contiguous


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": np.zeros((1, 2, 8, 100))}, "float64"),
        ({"data": np.zeros((1, 2, 8, 100), ">i2")}, "astype"),
        ({"data": np.zeros((1, 2, 8, 100), np.uint8)}, "uint8"),
        ({"data": np.zeros((2, 8, 100), np.int16)}, "shape"),
        ({"data": np.zeros((0, 2, 8, 100), np.int16)}, "shape"),
        ({"data": np.zeros((1, 1, 8, 100), np.int16)}, "shape"),
        ({"data": np.zeros((1, 2, 9, 100), np.int16)}, "shape"),
        ({"data": np.zeros((1, 2, 8, 99), np.int16)}, "shape"),
        ({"data": np.zeros((1, 2, 8, 100), np.complex64)}, "demodulation_frequency_hz"),
        ({"receive": settings(n_samples=100)}, "time_zero_s has 1 entries for 2"),
        (
            {"receive": settings(n_samples=100, time_zero_s=(0, 0), demodulation_frequency_hz=5e6)},
            "demodulation_frequency_hz",
        ),
        ({"sequence_numbers": np.arange(2)}, "sequence_numbers"),
        ({"device_timestamps_s": np.zeros((3, 1))}, "device_timestamps_s"),
        ({"host_timestamps_s": np.zeros(4)}, "host_timestamps_s"),
    ],
)
def test_data_that_do_not_fit_their_description_are_refused(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ArgumentError, match=message):
        acquisition(**changes)


def test_a_slice_takes_frames_with_their_numbers_and_times() -> None:
    frames = acquisition(
        sequence_numbers=np.array([4, 5, 9]), device_timestamps_s=np.array([0.1, 0.2, 0.3])
    )
    part = frames[1:]
    assert np.shares_memory(part.data, frames.data)
    assert part.sequence_numbers.tolist() == [5, 9]
    assert part.device_timestamps_s.tolist() == [0.2, 0.3]
    assert frames[::2].sequence_numbers.tolist() == [4, 9]


def test_a_slice_that_is_none_or_empty_is_refused() -> None:
    with pytest.raises(ArgumentError, match="slice"):
        acquisition()[1]  # type: ignore[index]
    with pytest.raises(ArgumentError, match="none of the 3 frames"):
        acquisition()[3:]


def test_every_gap_goes_with_the_frame_after_it() -> None:
    before, between, after = (Gap(first_sequence_number=n, n_frames=2) for n in (2, 6, 11))
    frames = acquisition(
        n_frames=4, sequence_numbers=np.array([4, 5, 9, 10]), gaps=(before, between, after)
    )
    assert frames.n_frames_lost == 6
    owned = [frames.gaps_before(frame) for frame in range(4)]
    assert owned == [(before,), (), (between,), (after,)]
    assert [frames.is_after_gap(frame) for frame in range(4)] == [True, False, True, False]
    assert frames[:2].gaps == (before,)
    assert frames[1:2].gaps == ()
    assert frames[2:].gaps == (between, after)
    halves = frames[:3].n_frames_lost + frames[3:].n_frames_lost
    assert halves == frames.n_frames_lost


def test_a_foreign_clock_is_converted_by_its_delays() -> None:
    own_s = SEQUENCE.delays_s(PROBE, 1540.0)
    foreign_s = own_s - own_s.min(axis=1, keepdims=True)
    times_s = time_zero_s(SEQUENCE, PROBE, 1540.0, delays_s=foreign_s, first_sample_s=2e-6)
    assert times_s == pytest.approx(2e-6 + own_s.min(axis=1), abs=1e-15)
    # A list will do, and the mirrored waves differ by as much the other way.
    again_s = time_zero_s(SEQUENCE, PROBE, 1540.0, delays_s=foreign_s.tolist(), first_sample_s=2e-6)
    assert again_s == times_s


def test_silent_elements_do_not_count_for_the_clock() -> None:
    sequence = single_elements([2, 5])
    foreign_s = np.where(np.isnan(sequence.delays_s(PROBE, 1540.0)), np.nan, 3e-6)
    times_s = time_zero_s(sequence, PROBE, 1540.0, delays_s=foreign_s, first_sample_s=0.0)
    assert times_s == pytest.approx((-3e-6, -3e-6))


def test_delays_of_other_waves_are_refused() -> None:
    own_s = SEQUENCE.delays_s(PROBE, 1540.0)
    for delays_s in (own_s[::-1], own_s[:1], np.where(own_s > 0, np.nan, own_s), own_s * 1.1):
        with pytest.raises(ArgumentError, match="delays_s"):
            time_zero_s(SEQUENCE, PROBE, 1540.0, delays_s=delays_s, first_sample_s=0.0)


@pytest.mark.parametrize(
    "changes",
    [
        {"sequence": plane_waves([-5, 6])},
        {"receive": replace(RECEIVE, sampling_frequency_hz=21e6)},
        {"probe": replace(PROBE, centre_frequency_hz=6e6)},
    ],
)
def test_a_plan_takes_the_kind_that_it_was_made_for(changes: dict[str, Any]) -> None:
    kind = (PROBE, SEQUENCE, RECEIVE)
    require_like(acquisition(1), kind, "Plan")
    with pytest.raises(ArgumentError, match="make a new Plan"):
        require_like(acquisition(**changes), kind, "Plan")
    with pytest.raises(ArgumentError, match=r"give a usdk\.Acquisition"):
        require_like(np.zeros(3), kind, "Plan")  # type: ignore[arg-type]
