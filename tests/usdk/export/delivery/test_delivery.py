"""The threads of a delivery: started, woken, failed over and stopped, with real time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from outbox_fixtures import FakeLine, MemoryReceiver

from usdk.errors import ArgumentError, StateError
from usdk.export.delivery import Delivery, News, NewsKind
from usdk.export.outbox import Outbox, State

Make = Callable[..., bytes]
DEADLINE_S = 60.0


@pytest.fixture
def receiver() -> MemoryReceiver:
    return MemoryReceiver()


def own_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("usdk ")]


def test_everything_is_delivered_and_every_thread_ends(
    tmp_path: Path, make_object: Make, receiver: MemoryReceiver
) -> None:
    plain = [make_object(study=f"1.{n // 5}") for n in range(20)]
    with Outbox(tmp_path / "box", reserve_bytes=0) as outbox:
        with Delivery(outbox, [FakeLine("only", receiver)]) as delivery:
            outbox.add_many(plain)
            assert delivery.wait(DEADLINE_S)
            assert delivery.metrics().n_confirmed == 20
            assert outbox.line_in_use() == "only"
        assert outbox.counts()[State.RETAINED].n_objects == 20
        assert outbox.line_in_use() == ""
    assert sorted(receiver.held.values()) == sorted(plain)
    assert receiver.n_twice == 0
    assert own_threads() == []


def test_a_line_that_is_cut_hands_over_to_the_other(
    tmp_path: Path, make_object: Make, receiver: MemoryReceiver
) -> None:
    news: list[News] = []
    lines = [FakeLine("first", receiver), FakeLine("second", receiver)]
    with (
        Outbox(tmp_path / "box", reserve_bytes=0) as outbox,
        Delivery(outbox, lines, tell=news.append) as delivery,
    ):
        outbox.add(make_object())
        assert delivery.wait(DEADLINE_S)
        lines[0].fault = "cut"
        outbox.add(make_object())
        assert delivery.wait(DEADLINE_S)
        assert delivery.metrics().line == "second"
    switched = [one.line for one in news if one.kind is NewsKind.SWITCHED]
    assert switched[-1] == "second"


def test_several_requests_are_in_flight_over_a_long_line(
    tmp_path: Path, make_object: Make, receiver: MemoryReceiver
) -> None:
    line = FakeLine("long", receiver)
    at_once, most = [0], [0]
    lock = threading.Lock()
    send = line.send

    def counted(objects: object) -> object:
        with lock:
            at_once[0] += 1
            most[0] = max(most[0], at_once[0])
        time.sleep(0.2)
        try:
            return send(objects)  # type: ignore[arg-type]
        finally:
            with lock:
                at_once[0] -= 1

    line.send = counted  # type: ignore[method-assign,assignment]
    with Outbox(tmp_path / "box", reserve_bytes=0) as outbox:
        outbox.add_many([make_object(study=f"1.{n}") for n in range(8)])
        with Delivery(outbox, [line], n_senders=4) as delivery:
            assert delivery.wait(DEADLINE_S)
    assert most[0] > 1


def test_a_delivery_is_started_once_and_needs_named_lines(
    tmp_path: Path, receiver: MemoryReceiver
) -> None:
    line = FakeLine("only", receiver)
    with Outbox(tmp_path / "box", reserve_bytes=0) as outbox:
        delivery = Delivery(outbox, [line])
        delivery.start()
        with pytest.raises(StateError, match="once"):
            delivery.start()
        assert delivery.stop(DEADLINE_S)
        assert delivery.stop()
        with pytest.raises(ArgumentError, match="name of its own"):
            Delivery(outbox, [line, line])
        with pytest.raises(ArgumentError, match="at least one line"):
            Delivery(outbox, [])


def test_a_listener_that_fails_stops_nothing(
    tmp_path: Path, make_object: Make, receiver: MemoryReceiver
) -> None:
    def fail(_: News) -> None:
        raise RuntimeError

    with (
        Outbox(tmp_path / "box", reserve_bytes=0) as outbox,
        Delivery(outbox, [FakeLine("only", receiver)], tell=fail) as delivery,
    ):
        outbox.add(make_object())
        assert delivery.wait(DEADLINE_S)
