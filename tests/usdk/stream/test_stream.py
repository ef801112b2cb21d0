"""The live loop: every frame accounted for, nothing that hangs, nothing left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import usdk
from usdk.acquisition import Acquisition
from usdk.errors import (
    ArgumentError,
    DeviceAbsentError,
    DeviceFailedError,
    DeviceTimeoutError,
    EndOfRecordingError,
    StateError,
)
from usdk.stream import Planned, Stream, StreamState

Toy = Callable[..., Any]


def numbers(acquisition: Acquisition) -> int:
    return int(acquisition.sequence_numbers[0])


def test_a_consumer_gets_every_frame_in_order(toy: Toy) -> None:
    stream = Stream(toy(*range(20)))
    seen: list[int] = []
    stream.to(lambda a: seen.append(numbers(a)), name="all", when_full="block")
    stream.start()
    stream.wait(10)
    assert seen == list(range(20))
    statistics = stream.statistics()
    assert statistics.state is StreamState.ENDED
    assert statistics.source.adds_up
    assert statistics["all"].n_done == 20
    assert statistics["all"].adds_up
    assert statistics["all"].latency.n == 20


def test_results_go_on_to_the_branches_behind_one_by_one(toy: Toy) -> None:
    stream = Stream(toy(*range(5)))
    twice = stream.to(lambda a: [numbers(a)] * 2, name="twice", when_full="block")
    odd = twice.to(lambda n: n if n % 2 else None, name="odd", when_full="block")
    outlet = odd.outlet(capacity=16)
    with stream:
        assert list(outlet) == [1, 1, 3, 3]
    assert stream.statistics()["odd"].n_done == 10
    assert stream.statistics()["odd"].consumer_of == "twice"


def test_losses_are_told_by_cause_and_add_up(toy: Toy) -> None:
    stream = Stream(toy("lose", 0, 1, "damage", "damage", 2, "lose"))
    stream.to(numbers, name="n", when_full="block")
    stream.start()
    stream.wait(10)
    source = stream.statistics().source
    assert (source.n_frames_sent, source.n_frames_received) == (7, 3)
    assert (source.n_frames_lost, source.n_frames_damaged) == (2, 2)
    assert source.adds_up


def test_a_slow_display_drops_the_oldest_and_a_recorder_beside_it_loses_none(toy: Toy) -> None:
    stream = Stream(toy(*range(60), pause_s=1e-3))
    shown: list[int] = []
    kept: list[int] = []

    def show(acquisition: Acquisition) -> None:
        time.sleep(0.01)
        shown.append(numbers(acquisition))

    stream.to(show, name="display", capacity=1)
    stream.to(lambda a: kept.append(numbers(a)), name="record", capacity=64, when_full="stop")
    stream.start()
    stream.wait(10)
    assert kept == list(range(60))
    assert shown == sorted(shown)
    assert shown[-1] == 59
    display = stream.statistics()["display"]
    assert display.n_dropped > 0
    assert display.n_done + display.n_dropped == 60
    assert display.adds_up


def test_a_recorder_that_is_too_slow_stops_the_stream_and_says_so(toy: Toy) -> None:
    stream = Stream(toy(*range(1000)))
    stream.to(lambda a: time.sleep(0.02), name="record", capacity=2, when_full="stop")
    stream.start()
    with pytest.raises(StateError, match="record"):
        stream.wait(10)
    assert stream.state is StreamState.FAILED
    assert stream.statistics()["record"].adds_up


def test_a_consumer_that_raises_ends_the_stream_with_its_error(toy: Toy) -> None:
    stream = Stream(toy(*range(1000), pause_s=1e-3))

    def fail(acquisition: Acquisition) -> None:
        raise ZeroDivisionError

    stream.to(fail, name="fails")
    stream.start()
    with pytest.raises(ZeroDivisionError):
        stream.wait(10)
    assert stream.state is StreamState.FAILED
    assert stream.statistics()["fails"].n_failed >= 1
    assert stream.statistics()["fails"].adds_up
    stream.stop()


def test_the_counts_add_up_at_every_moment(toy: Toy) -> None:
    stream = Stream(toy(*range(100)))
    middle = stream.to(numbers, name="middle", capacity=2)
    middle.to(lambda n: time.sleep(1e-4), name="end", capacity=2, when_full="block")
    with stream:
        while stream.state is StreamState.RUNNING:
            assert all(branch.adds_up for branch in stream.statistics().branches)


def test_a_stream_stops_and_starts_again_with_new_counts(toy: Toy) -> None:
    front_end = toy(*range(10_000), pause_s=1e-3)
    stream = Stream(front_end)
    stream.to(numbers, name="n")
    for _ in range(2):
        stream.start()
        while not stream.statistics()["n"].n_done:
            time.sleep(1e-3)
        stream.stop()
        assert stream.state is StreamState.STOPPED
        assert stream.statistics().source.n_frames_sent < 5_000
        assert stream.statistics().source.adds_up
    assert front_end.n_closed == 0


def test_leaving_the_loop_over_an_outlet_does_not_hang(toy: Toy) -> None:
    stream = Stream(toy(*range(100_000)))
    outlet = stream.outlet(capacity=1, when_full="block")
    begun_s = time.monotonic()
    with stream:
        for _ in outlet:
            break
    assert time.monotonic() - begun_s < 2
    assert len(list(outlet)) <= 1
    with pytest.raises(EndOfRecordingError):
        outlet.get(timeout_s=1.0)


def test_an_outlet_that_brings_nothing_in_time_says_so(toy: Toy) -> None:
    stream = Stream(toy("silence", "silence", 0), timeout_s=30.0)
    outlet = stream.outlet()
    with stream, pytest.raises(DeviceTimeoutError):
        outlet.get(timeout_s=0.05)


def test_a_silent_device_times_out(toy: Toy) -> None:
    stream = Stream(toy(0, *["silence"] * 100), timeout_s=0.3)
    stream.start()
    with pytest.raises(DeviceTimeoutError):
        stream.wait(10)


def test_a_front_end_that_was_given_open_is_not_opened_again(toy: Toy) -> None:
    stream = Stream(toy(0, "leave"))
    stream.start()
    with pytest.raises(DeviceAbsentError):
        stream.wait(10)


def test_a_device_that_comes_back_goes_on_and_its_absence_is_counted(
    plug: Callable[..., Any],
) -> None:
    absent = DeviceAbsentError("not yet")
    starting = DeviceFailedError("starting up")
    opened = plug([0, 1, "lose", "leave"], absent, starting, [0, 1, 2])
    states: list[StreamState] = []
    stream = Stream("toy:", depth_m=0.01, on_state=states.append)
    seen: list[int] = []
    stream.to(lambda a: seen.append(numbers(a)), name="n", when_full="block")
    stream.start()
    stream.wait(10)
    assert seen == [0, 1, 0, 1, 2]
    assert states == [
        StreamState.RUNNING,
        StreamState.ABSENT,
        StreamState.RUNNING,
        StreamState.ENDED,
    ]
    source = stream.statistics().source
    assert source.n_departures == 1
    assert source.absent_s > 0
    assert source.adds_up
    assert [front_end.n_closed for front_end in opened] == [1, 1]


def test_a_device_that_stays_away_is_given_up_after_the_time_allowed(
    plug: Callable[..., Any],
) -> None:
    plug([0, "leave"])
    stream = Stream("toy:", depth_m=0.01, return_timeout_s=0.2)
    stream.start()
    with pytest.raises(DeviceAbsentError, match="come back"):
        stream.wait(10)


def test_a_stream_that_waits_for_its_device_stops_at_once(plug: Callable[..., Any]) -> None:
    plug([0, "leave"])
    stream = Stream("toy:", depth_m=0.01)
    stream.start()
    while stream.state is not StreamState.ABSENT:
        time.sleep(1e-3)
    begun_s = time.monotonic()
    stream.stop()
    assert time.monotonic() - begun_s < 1
    assert stream.state is StreamState.STOPPED


def test_a_device_that_keeps_failing_after_its_return_ends_the_stream(
    plug: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("usdk.stream.source.SETTLING_S", 0.25)
    plug([0, "leave"], *[DeviceFailedError("broken")] * 100)
    stream = Stream("toy:", depth_m=0.01)
    stream.start()
    with pytest.raises(DeviceFailedError):
        stream.wait(10)


def test_no_thread_is_left_behind(toy: Toy) -> None:
    before = threading.active_count()
    front_end = toy(*range(100_000))
    stream = Stream(front_end)
    stream.to(numbers, name="a").to(lambda n: None, name="b")
    for _ in range(100):
        with stream:
            pass
    assert threading.active_count() == before


def test_a_listener_that_fails_does_not_stop_the_stream(toy: Toy) -> None:
    def fail(state: StreamState) -> None:
        raise RuntimeError

    stream = Stream(toy(0, 1), on_state=fail)
    stream.start()
    stream.wait(10)
    assert stream.statistics().source.n_frames_received == 2


def test_only_so_many_frames_are_read_as_wanted(toy: Toy) -> None:
    stream = Stream(toy(*range(10)), n_frames=3)
    stream.start()
    stream.wait(10)
    assert stream.statistics().source.n_frames_received == 3
    assert stream.state is StreamState.ENDED


def test_what_cannot_be_a_stream_is_refused(toy: Toy) -> None:
    with pytest.raises(ArgumentError):
        Stream(3)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError):
        Stream("toy:", timeout_s=0.0)
    with pytest.raises(ArgumentError):
        Stream("toy:", return_timeout_s=-1.0)
    stream = Stream(toy(*range(1000), pause_s=1e-3))
    branch = stream.to(numbers, name="n")
    with pytest.raises(ArgumentError, match="names"):
        branch.outlet(name="n")
    with pytest.raises(ArgumentError):
        stream.to(3, name="m")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError):
        stream.to(numbers, name="m", when_full="perhaps")
    with pytest.raises(ArgumentError):
        stream.to(numbers, name="m", capacity=0)
    with stream:
        with pytest.raises(StateError):
            stream.outlet()
        with pytest.raises(StateError):
            stream.start()


def test_a_simulated_probe_makes_frames_while_it_is_unplugged_again_and_again() -> None:
    stream = Stream(
        "sim:linear-l11-5v?scene=points&faults=unplug@7",
        sequence=usdk.plane_waves((-10, 0, 10)),
        depth_m=20e-3,
        n_frames=5,
    )
    outlet = stream.to(
        Planned(usdk.BMode, dynamic_range_db=50.0), name="b-mode", when_full="block"
    ).outlet(capacity=16)
    with stream:
        frames = list(outlet)
    assert [frame.sequence_number for frame in frames] == [0, 1, 0, 1, 0]
    assert stream.statistics().source.n_departures == 2
    assert stream.statistics().source.adds_up
    assert np.array_equal(frames[0].pixels, frames[2].pixels)


def test_another_kind_of_acquisition_is_planned_anew(toy: Toy) -> None:
    made: list[int] = []

    def plan(acquisition: Acquisition, gain: int) -> Callable[[Acquisition], int]:
        made.append(gain)
        return lambda acquisition: acquisition.n_frames

    planned = Planned(plan, gain=2)
    front_end = toy(0, 1, 2)
    first, second = front_end.read(), front_end.read()
    assert (planned(first), planned(second)) == (1, 1)
    assert made == [2]
    front_end.stop()
    front_end.configure(usdk.plane_waves((5,)), depth_m=0.01)
    planned(front_end.read())
    assert made == [2, 2]
