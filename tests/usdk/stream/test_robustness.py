"""A stream used at the wrong moment, by the wrong thread, or by consumers that do not end well."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from usdk.errors import ArgumentError, DeviceTimeoutError, StateError
from usdk.stream import Planned, Stream, StreamState

Toy = Callable[..., Any]


def test_waiting_for_a_stream_that_was_never_started_does_not_hang(toy: Toy) -> None:
    with pytest.raises(StateError, match="start"):
        Stream(toy(0)).wait()


@pytest.mark.parametrize("timeout_s", ["soon", float("nan"), -1.0])
def test_a_time_that_is_none_is_refused(toy: Toy, timeout_s: Any) -> None:
    stream = Stream(toy(0))
    outlet = stream.outlet()
    with pytest.raises(ArgumentError):
        outlet.get(timeout_s)
    with stream, pytest.raises(ArgumentError):
        stream.wait(timeout_s)


def test_an_endless_time_may_be_given_as_infinity(toy: Toy) -> None:
    stream = Stream(toy(0, 1))
    outlet = stream.outlet()
    stream.start()
    outlet.get(float("inf"))
    stream.wait(float("inf"))


def test_consumers_that_are_slow_are_waited_for(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("usdk.stream.stream.STOP_TIMEOUT_S", 0.3)
    stream = Stream(toy(*range(8)))
    stream.to(lambda a: time.sleep(0.1), name="slow", capacity=8)
    stream.start()
    stream.wait()
    assert stream.statistics()["slow"].n_done == 8


def test_waiting_ends_in_time_though_a_consumer_still_works(toy: Toy) -> None:
    stream = Stream(toy(*range(4)))
    stream.to(lambda a: time.sleep(0.1), name="slow")
    stream.start()
    with pytest.raises(DeviceTimeoutError):
        stream.wait(0.1)
    stream.stop()
    assert stream.statistics()["slow"].n_done == 4


def test_a_consumer_that_hangs_is_named_and_can_be_waited_for_once_more(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("usdk.stream.stream.STOP_TIMEOUT_S", 0.1)
    release = threading.Event()
    stream = Stream(toy(0))
    stream.to(lambda a: release.wait(30), name="stuck")
    stream.start()
    for end in (stream.wait, stream.stop):
        with pytest.raises(StateError, match="stuck"):
            end()
    release.set()
    stream.wait(10)
    assert stream.statistics()["stuck"].n_done == 1


def test_a_consumer_that_asks_for_the_interpreters_end_fails_like_any_other(toy: Toy) -> None:
    def leave(acquisition: Any) -> None:
        raise SystemExit(3)

    stream = Stream(toy(*range(1000)))
    stream.to(leave, name="leaves", capacity=1, when_full="block")
    stream.start()
    with pytest.raises(SystemExit):
        stream.wait(10)
    assert stream.state is StreamState.FAILED
    assert stream.statistics()["leaves"].adds_up
    assert stream.statistics()["leaves"].n_at_work == 0


def test_a_consumer_may_end_the_stream_though_the_source_waits_for_it(toy: Toy) -> None:
    stream = Stream(toy(*range(100_000)))
    stream.to(lambda a: stream.stop(discard=True), name="enough", capacity=1, when_full="block")
    begun_s = time.monotonic()
    stream.start()
    stream.wait(10)
    assert time.monotonic() - begun_s < 2
    assert stream.state is StreamState.STOPPED
    assert stream.statistics()["enough"].adds_up


def test_a_consumer_cannot_wait_for_its_own_end(toy: Toy) -> None:
    stream = Stream(toy(0))
    stream.to(lambda a: stream.wait(), name="waits")
    stream.start()
    with pytest.raises(StateError, match="own end"):
        stream.wait(10)


def test_a_listener_of_states_may_end_the_stream(toy: Toy) -> None:
    stream = Stream(toy(*range(100_000)), on_state=lambda state: stream.stop())
    stream.to(lambda a: None, name="n")
    stream.start()
    stream.wait(10)
    assert stream.state is StreamState.STOPPED


def test_what_waits_behind_a_slow_consumer_is_discarded_too(toy: Toy) -> None:
    stream = Stream(toy(*range(100_000)))
    first = stream.to(lambda a: a, name="first", when_full="block")
    first.to(lambda a: time.sleep(0.2), name="slow", capacity=100, when_full="block")
    stream.start()
    while stream.statistics()["slow"].n_waiting < 50:
        time.sleep(1e-3)
    begun_s = time.monotonic()
    stream.stop(discard=True)
    assert time.monotonic() - begun_s < 2
    assert all(branch.adds_up for branch in stream.statistics().branches)


def test_a_reader_that_came_before_the_start_gets_every_item(toy: Toy) -> None:
    stream = Stream(toy(*range(5)))
    outlet = stream.outlet(capacity=8, when_full="block")
    read: list[Any] = []
    reader = threading.Thread(target=lambda: read.extend(outlet))
    reader.start()
    time.sleep(0.02)
    stream.start()
    stream.wait(10)
    reader.join(10)
    assert not reader.is_alive()
    assert len(read) == 5


def test_an_error_in_the_block_is_told_though_a_consumer_hangs(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("usdk.stream.stream.STOP_TIMEOUT_S", 0.1)
    release = threading.Event()
    stream = Stream(toy(0))
    stream.to(lambda a: release.wait(30), name="stuck")

    def fail_in_the_block() -> None:
        with stream:
            while not stream.statistics()["stuck"].n_at_work:
                time.sleep(1e-3)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_in_the_block()
    release.set()
    stream.stop()


def test_of_many_that_start_at_once_one_does(toy: Toy) -> None:
    stream = Stream(toy(*range(100_000), pause_s=1e-3))
    stream.to(lambda a: None, name="n")
    refused: list[StateError] = []

    def start() -> None:
        try:
            stream.start()
        except StateError as error:
            refused.append(error)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(refused) == 7
    stream.stop()


def test_a_start_that_fails_leaves_nothing_and_the_next_one_works(
    plug: Callable[..., Any],
) -> None:
    plug(DeviceTimeoutError("not yet"), [0, 1])
    before = threading.active_count()
    stream = Stream("toy:", depth_m=0.01)
    stream.to(lambda a: None, name="n", when_full="block")
    with pytest.raises(DeviceTimeoutError):
        stream.start()
    assert stream.state is StreamState.STOPPED
    assert threading.active_count() == before
    stream.stop()
    stream.start()
    stream.wait(10)
    assert stream.statistics()["n"].n_done == 2


def test_a_failure_is_told_once_and_stays_until_the_next_start(toy: Toy) -> None:
    states: list[StreamState] = []
    stream = Stream(toy(*range(6), pause_s=1e-3), on_state=states.append)

    def fail(acquisition: Any) -> None:
        raise ZeroDivisionError

    stream.to(fail, name="fails", capacity=8)
    stream.start()
    with pytest.raises(ZeroDivisionError):
        stream.wait(10)
    assert states == [StreamState.RUNNING, StreamState.FAILED]
    assert stream.state is StreamState.FAILED
    stream.start()
    assert states[2] is StreamState.RUNNING
    with suppress(ZeroDivisionError):
        stream.stop(discard=True)


@pytest.mark.parametrize("name", ["", 3, ["a"], None])
def test_a_branch_has_a_text_for_a_name(toy: Toy, name: Any) -> None:
    with pytest.raises(ArgumentError, match="names"):
        Stream(toy(0)).to(print, name=name)


def test_what_cannot_be_called_is_refused_at_once(toy: Toy) -> None:
    with pytest.raises(ArgumentError, match="on_state"):
        Stream(toy(0), on_state=3)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="plan"):
        Planned(3)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="Acquisition"):
        Planned(lambda a: print)(3)  # type: ignore[arg-type]
