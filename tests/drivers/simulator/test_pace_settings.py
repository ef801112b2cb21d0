from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from usdk.acquisition import Acquisition
from usdk.errors import StateError
from usdk.front_end import HasSettings, change_settings, settings_of, staged
from usdk_drivers.simulator import SimulatedFrontEnd

Maker = Callable[..., Acquisition]


def reading_time_s(front_end: SimulatedFrontEnd) -> float:
    begun_s = time.monotonic()
    front_end.read(6)
    return time.monotonic() - begun_s


def test_a_paced_run_takes_its_time_and_the_next_does_not(recording: Maker) -> None:
    with SimulatedFrontEnd.playing(recording(prf_hz=60.0)) as front_end:
        assert isinstance(front_end, HasSettings)
        front_end.configure()
        with staged(front_end, {"pace.speed": 1.0}) as now:
            assert now["pace.speed"].value == 1.0
            # Six frames at 20 Hz: the last is there after five periods at the earliest.
            assert reading_time_s(front_end) >= 0.25
        assert settings_of(front_end)["pace.speed"].value == 0.0
        assert reading_time_s(front_end) < 0.25


def test_the_pace_does_not_change_in_the_middle_of_a_run(recording: Maker) -> None:
    with SimulatedFrontEnd.playing(recording()) as front_end:
        front_end.configure()
        front_end.start()
        with pytest.raises(StateError, match="running"):
            change_settings(front_end, {"pace.overruns": True})
        front_end.stop()
        assert change_settings(front_end, {"pace.overruns": True})["pace.overruns"].value is True
