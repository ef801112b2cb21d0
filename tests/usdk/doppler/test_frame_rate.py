from __future__ import annotations

import math

import numpy as np
import pytest

from usdk.acquisition import Acquisition, ReceiveSettings
from usdk.doppler import FrameRate
from usdk.errors import ArgumentError
from usdk.probe import Probe
from usdk.sequences import plane_waves

PROBE = Probe.linear(
    "L", n_elements=2, pitch_m=0.3e-3, centre_frequency_hz=5e6, fractional_bandwidth=0.6
)


def frames(numbers: list[int], times_s: list[float]) -> Acquisition:
    return Acquisition(
        data=np.zeros((len(numbers), 1, 2, 8), np.int16),
        probe=PROBE,
        sequence=plane_waves(),
        receive=ReceiveSettings(sampling_frequency_hz=20e6, n_samples=8, time_zero_s=(0.0,)),
        sequence_numbers=np.array(numbers),
        device_timestamps_s=np.array(times_s),
    )


def test_lost_frames_were_made_but_not_received() -> None:
    rate = FrameRate()
    assert math.isnan(rate.made_hz)
    rate.add(frames([0, 1], [0.0, 0.01]))
    rate.add(frames([4], [0.04]))
    assert rate.made_hz == pytest.approx(100)
    assert rate.received_hz == pytest.approx(50)


def test_only_the_last_frames_count() -> None:
    rate = FrameRate(3)
    rate.add(frames([0, 1, 2, 3], [0.0, 1.0, 1.1, 1.2]))
    assert rate.made_hz == pytest.approx(10)


@pytest.mark.parametrize(("number", "time_s"), [(0, 5.0), (3, 0.0)])
def test_a_restart_begins_a_new_measurement(number: int, time_s: float) -> None:
    rate = FrameRate()
    rate.add(frames([1, 2], [1.0, 2.0]))
    rate.add_frame(number, time_s)
    assert math.isnan(rate.received_hz)


def test_frames_without_times_measure_nothing() -> None:
    rate = FrameRate()
    rate.add(frames([0, 1], [math.nan, math.nan]))
    assert math.isnan(rate.made_hz)
    rate.add(frames([0, 1], [0, 1]))
    rate.reset()
    assert math.isnan(rate.made_hz)


def test_a_rate_needs_two_frames() -> None:
    with pytest.raises(ArgumentError, match="n_frames must be 2"):
        FrameRate(1)
