from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np
import pytest

from usdk.acquisition import Acquisition
from usdk.errors import ArgumentError
from usdk_drivers.recorded_pace import recorded_frame_rate_hz
from usdk_drivers.simulator import SimulatedFrontEnd

Maker = Callable[..., Acquisition]


def test_timestamps_tell_the_rate_lost_frames_included(recording: Maker) -> None:
    acquisition = recording(
        prf_hz=1.0,
        sequence_numbers=np.array([0, 1, 2, 5, 6, 8]),
        device_timestamps_s=3.0 + np.array([0, 1, 2, 5, 6, 8]) / 50,
    )
    assert recorded_frame_rate_hz(acquisition) == pytest.approx(50.0)


def test_without_timestamps_the_prf_tells_it(recording: Maker) -> None:
    assert recorded_frame_rate_hz(recording(prf_hz=60.0)) == 20.0
    assert math.isnan(recorded_frame_rate_hz(recording(prf_hz=None)))
    stuck = recording(prf_hz=None, device_timestamps_s=np.zeros(6))
    assert math.isnan(recorded_frame_rate_hz(stuck))


def test_a_recording_is_played_at_its_own_speed_or_a_multiple(recording: Maker) -> None:
    for speed in (1.0, 4.0):
        with SimulatedFrontEnd.playing(recording(prf_hz=60.0), speed=speed) as front_end:
            front_end.configure()
            front_end.start()
            began_s = time.monotonic()
            assert front_end.read(6).n_frames == 6
            # Five periods of 1/20 s; nothing is lost however slow the host is.
            assert time.monotonic() - began_s >= 5 / 20 / speed - 0.02


def test_a_speed_without_a_rate_is_refused(recording: Maker) -> None:
    with pytest.raises(ArgumentError, match="leave speed out"):
        SimulatedFrontEnd.playing(recording(prf_hz=None), speed=1.0)


def test_a_recording_without_a_rate_plays_with_an_unknown_one(recording: Maker) -> None:
    with SimulatedFrontEnd.playing(recording(prf_hz=None)) as front_end:
        assert math.isnan(front_end.configure().frame_rate_hz)
        assert front_end.read(6).n_frames == 6
