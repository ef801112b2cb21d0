from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from usdk.errors import ArgumentError, DeviceAbsentError, DeviceTimeoutError, StateError
from usdk.front_end import (
    DeviceChange,
    DeviceEvent,
    DeviceWatcher,
    Found,
    FrontEnd,
    look,
    watcher,
)

POLL_S = 2e-3


class Toy:
    """A driver whose list is what ``ask`` returns."""

    def __init__(
        self, ask: Callable[[], Any], at: Callable[[str], Any] = lambda address: None
    ) -> None:
        self.ask, self.at = ask, at

    def discover(self) -> Any:
        return self.ask()

    def discover_at(self, address: str) -> Any:
        return self.at(address)


@pytest.fixture
def drivers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Toy]:
    """Drivers by scheme, to be filled in by the test."""
    toys: dict[str, Toy] = {}
    monkeypatch.setattr(watcher, "driver_class", toys.__getitem__)
    monkeypatch.setattr(watcher, "own_schemes", lambda: sorted(toys))
    return toys


def found(address: str) -> Found:
    return Found(address=address, description="a device")


def until(is_so: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 5.0
    while not is_so():
        assert time.monotonic() < deadline_s
        time.sleep(POLL_S)


def test_devices_come_go_and_come_back_as_events_and_as_states(drivers: dict[str, Toy]) -> None:
    bus = [found("a:1")]
    drivers["a"] = Toy(lambda: bus)
    events: list[DeviceEvent] = []
    begun_s = time.monotonic()
    with DeviceWatcher(on_event=events.append, poll_s=POLL_S) as watch:
        assert watch.wait_for("a:1", 5.0) == found("a:1")
        assert watch.devices == (found("a:1"),)
        bus.clear()
        watch.wait_until_gone("a:1", 5.0)
        bus.append(found("a:1"))
        assert watch.wait_for("a:", 5.0) == found("a:1")
        assert watch.wait_for(lambda one: "device" in one.description, 5.0) == found("a:1")
    assert [event.change for event in events] == [
        DeviceChange.ARRIVED,
        DeviceChange.LEFT,
        DeviceChange.RETURNED,
    ]
    times_s = [event.time_s for event in events]
    assert begun_s < times_s[0] < times_s[1] < times_s[2] < time.monotonic()


def test_what_does_not_come_or_go_in_time_is_an_error_with_advice(drivers: dict[str, Toy]) -> None:
    drivers["a"] = Toy(lambda: [found("a:1")])
    with DeviceWatcher(poll_s=POLL_S) as watch:
        begun_s = time.monotonic()
        with pytest.raises(DeviceAbsentError, match=r"a:2 was not there within 0\.05 s: plug it"):
            watch.wait_for("a:2", 0.05)
        with pytest.raises(DeviceTimeoutError, match="a:1 was not gone"):
            watch.wait_until_gone("a:1", 0.05)
        with pytest.raises(DeviceTimeoutError, match="a device of a: was not gone"):
            watch.wait_until_gone("a:", 0.0)
        assert time.monotonic() - begun_s < 2.0


def test_a_driver_that_fails_keeps_its_devices_and_harms_no_other(drivers: dict[str, Toy]) -> None:
    is_broken = threading.Event()
    other: list[Found] = []

    def ask() -> list[Found]:
        if is_broken.is_set():
            raise ZeroDivisionError("oops")
        return [found("a:1")]

    drivers |= {"a": Toy(ask), "b": Toy(lambda: other)}
    events: list[DeviceEvent] = []
    with DeviceWatcher(on_event=events.append, poll_s=POLL_S) as watch:
        watch.wait_for("a:1", 5.0)
        assert watch.problems == {}
        is_broken.set()
        until(lambda: bool(watch.problems))
        other.append(found("b:1"))
        watch.wait_for("b:1", 5.0)
        assert watch.problems == {"a": "ZeroDivisionError: oops"}
        assert watch.devices == (found("a:1"), found("b:1"))
        with pytest.raises(DeviceAbsentError, match="a: ZeroDivisionError: oops"):
            watch.wait_for("a:2", 0.02)
        is_broken.clear()
        until(lambda: not watch.problems)
        other.clear()
        watch.wait_until_gone("b:1", 5.0)
    assert [e.found.address for e in events if e.change is DeviceChange.LEFT] == ["b:1"]


@pytest.mark.parametrize("listing", [None, ["a:1"], 7])
def test_a_list_that_is_none_is_the_drivers_failure(
    drivers: dict[str, Toy], listing: object
) -> None:
    drivers |= {"a": Toy(lambda: listing), "b": Toy(lambda: [found("b:1")])}
    with DeviceWatcher(poll_s=POLL_S) as watch:
        watch.wait_for("b:1", 5.0)
        assert watch.problems["a"].startswith("TypeError")


def test_a_device_of_a_driver_that_always_fails_is_not_called_gone(
    drivers: dict[str, Toy],
) -> None:
    drivers["a"] = Toy(lambda: 1 / 0)
    with (
        DeviceWatcher(poll_s=POLL_S) as watch,
        pytest.raises(DeviceTimeoutError, match="ZeroDivisionError"),
    ):
        watch.wait_until_gone("a:1", 0.05)


def test_a_callback_that_raises_is_logged_and_the_watch_goes_on(
    drivers: dict[str, Toy], caplog: pytest.LogCaptureFixture
) -> None:
    bus: list[Found] = []
    drivers["a"] = Toy(lambda: bus)

    def fail(event: DeviceEvent) -> None:
        raise ValueError("no")

    with DeviceWatcher(on_event=fail, poll_s=POLL_S) as watch:
        bus.append(found("a:1"))
        watch.wait_for("a:1", 5.0)
        bus.append(found("a:2"))
        watch.wait_for("a:2", 5.0)
    assert [record.getMessage() for record in caplog.records] == [
        f"a watcher's on_event failed at a:{k}" for k in (1, 2)
    ]


def test_a_stop_wakes_who_waits_and_a_start_begins_anew(drivers: dict[str, Toy]) -> None:
    drivers["a"] = Toy(lambda: [found("a:1")])
    events: list[DeviceEvent] = []
    watch = DeviceWatcher(on_event=events.append, poll_s=POLL_S)
    with pytest.raises(StateError, match="call start"):
        watch.wait_for("a:1", 1.0)
    watch.stop()
    watch.start()
    watch.start()
    threading.Timer(0.05, watch.stop).start()
    with pytest.raises(StateError, match="not looking"):
        watch.wait_for("a:2", 60.0)
    watch.start()
    watch.wait_for("a:1", 5.0)
    watch.stop()
    watch.stop()
    assert {event.change for event in events} == {DeviceChange.ARRIVED}


def test_the_callback_may_stop_the_watch(drivers: dict[str, Toy]) -> None:
    drivers["a"] = Toy(lambda: [found("a:1")])
    stopped = threading.Event()

    def stop(event: DeviceEvent) -> None:
        watch.stop()
        stopped.set()

    watch = DeviceWatcher(on_event=stop, poll_s=POLL_S)
    watch.start()
    assert stopped.wait(5.0)


def test_a_driver_that_hangs_does_not_hang_the_stop(
    drivers: dict[str, Toy], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "STOP_TIMEOUT_S", 0.05)
    release = threading.Event()
    events: list[DeviceEvent] = []
    hangs = Toy(lambda: [found("a:1")] if release.wait(30) else [])
    drivers["a"] = hangs
    watch = DeviceWatcher(on_event=events.append, poll_s=POLL_S)
    watch.start()
    thread = watch._thread
    assert thread is not None
    with pytest.raises(DeviceTimeoutError, match=r"devices \(a\) did not end"):
        watch.stop()
    release.set()
    thread.join(5.0)
    assert not thread.is_alive()
    assert events == []
    assert watch.devices == ()


def test_an_address_that_is_not_watched_is_refused_at_once(drivers: dict[str, Toy]) -> None:
    drivers["a"] = Toy(list)
    with DeviceWatcher(poll_s=POLL_S) as watch:
        for address in ("b:1", "a", ""):
            with pytest.raises(ArgumentError, match="asks the drivers of a, not"):
                watch.wait_for(address, 60.0)
        with pytest.raises(ArgumentError, match="timeout_s"):
            watch.wait_for("a:1", float("inf"))
    with pytest.raises(ArgumentError, match="poll_s"):
        DeviceWatcher(poll_s=0)


def test_a_scheme_that_nobody_claims_is_refused() -> None:
    with pytest.raises(ArgumentError, match="nothing"):
        DeviceWatcher(["nothing"])


def test_own_drivers_are_watched_when_none_is_named() -> None:
    with DeviceWatcher(poll_s=POLL_S) as watch:
        assert watch.wait_for("sim:linear-l11-5v", 10.0).description


def test_an_address_that_no_list_has_is_asked_from_the_wait_on(drivers: dict[str, Toy]) -> None:
    hidden: set[str] = set()
    asked: list[str] = []

    def at(address: str) -> Found | None:
        asked.append(address)
        return found(f"a:{address}") if address in hidden else None

    drivers["a"] = Toy(lambda: [found("a:listed")], at)
    events: list[DeviceEvent] = []
    with DeviceWatcher(on_event=events.append, poll_s=POLL_S) as watch:
        watch.wait_for("a:listed", 5.0)
        assert asked == []
        with pytest.raises(DeviceAbsentError, match="a:1 was not there"):
            watch.wait_for("a:1", 0.05)
        hidden.add("1")
        assert watch.wait_for("a:1", 5.0) == found("a:1")
        hidden.clear()
        watch.wait_until_gone("a:1", 5.0)
        hidden.add("1")
        assert watch.wait_for("a:1", 5.0) == found("a:1")
        assert watch.devices == (found("a:listed"), found("a:1"))
    assert set(asked) == {"1"}
    assert [event.change.value for event in events if event.found.address == "a:1"] == [
        "arrived",
        "left",
        "returned",
    ]


def test_addresses_may_be_watched_from_the_start(drivers: dict[str, Toy]) -> None:
    drivers |= {"a": Toy(list), "b": Toy(list, lambda rest: found(f"b:{rest}"))}
    with DeviceWatcher(["a"], poll_s=POLL_S, addresses=["b:1", "b:1"]) as watch:
        until(lambda: watch.devices == (found("b:1"),))
        assert watch.wait_for("b:", 5.0) == found("b:1")


def test_an_address_that_was_not_asked_yet_is_not_called_gone(drivers: dict[str, Toy]) -> None:
    drivers["a"] = Toy(list, lambda rest: found(f"a:{rest}"))
    with DeviceWatcher(poll_s=POLL_S) as watch:
        until(lambda: "a" in watch._presence.schemes)
        with pytest.raises(DeviceTimeoutError, match="a:1 was not gone"):
            watch.wait_until_gone("a:1", 0.1)


@pytest.mark.parametrize("answer", ["a:1", Found(address="a:2", description="another")])
def test_an_address_whose_driver_fails_stays_as_it_was(
    drivers: dict[str, Toy], answer: object
) -> None:
    is_broken = threading.Event()
    drivers["a"] = Toy(
        lambda: [found("a:listed")], lambda rest: answer if is_broken.is_set() else found("a:1")
    )
    with DeviceWatcher(poll_s=POLL_S) as watch:
        watch.wait_for("a:1", 5.0)
        is_broken.set()
        until(lambda: bool(watch.problems))
        assert watch.problems["a"].startswith("a:1: TypeError: discover_at must return a Found")
        assert watch.devices == (found("a:listed"), found("a:1"))
        with pytest.raises(DeviceTimeoutError, match="discover_at"):
            watch.wait_until_gone("a:1", 0.02)


def test_a_driver_that_says_nothing_of_addresses_is_asked_for_its_list() -> None:
    class Listed(FrontEnd):
        scheme = "a"

        @classmethod
        def discover(cls) -> list[Found]:
            return [found("a:1")]

    assert Listed.discover_at("1") == found("a:1")
    assert Listed.discover_at("2") is None


def test_more_addresses_than_a_watcher_asks_are_refused(
    drivers: dict[str, Toy], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look, "MAX_ADDRESSES", 2)
    drivers["a"] = Toy(list)
    with pytest.raises(ArgumentError, match="up to 2 addresses: make another"):
        DeviceWatcher(addresses=["a:1", "a:2", "a:3"])
    with DeviceWatcher(poll_s=POLL_S, addresses=["a:1", "a:2"]) as watch:
        for address in ("a:1", "a:2"):
            watch.wait_until_gone(address, 5.0)
        with pytest.raises(ArgumentError, match="up to 2"):
            watch.wait_for("a:3", 60.0)


@pytest.mark.parametrize("addresses", ["a:1", 7, ["a"], [":1"], ["a:"], [7]])
def test_what_is_no_list_of_addresses_is_refused(drivers: dict[str, Toy], addresses: Any) -> None:
    drivers["a"] = Toy(list)
    with pytest.raises(ArgumentError, match="address"):
        DeviceWatcher(addresses=addresses)


def test_what_is_wanted_must_be_said(drivers: dict[str, Toy]) -> None:
    drivers["a"] = Toy(list)
    with DeviceWatcher(poll_s=POLL_S) as watch, pytest.raises(ArgumentError, match="wanted"):
        watch.wait_for(None, 1.0)  # type: ignore[arg-type]
