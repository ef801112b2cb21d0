from __future__ import annotations

import pytest
from outbox_fixtures import FakeLine, MemoryReceiver

from usdk.errors import ArgumentError, DeliveryRefusedError, LineDownError, NotTrustedError
from usdk.export.delivery import Health, News, NewsKind
from usdk.export.delivery.alarms import Alarms
from usdk.export.delivery.line_choice import RETURN_AFTER_S
from usdk.export.delivery.switchboard import Switchboard, health_after


class Board:
    """A switchboard of two lines, with what it told and what it recorded."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.told: list[News] = []
        self.recorded: list[tuple[str, str]] = []
        receiver = MemoryReceiver()
        self.lines = [FakeLine("fibre", receiver), FakeLine("mobile", receiver)]
        self.alarms = Alarms(self.told.append)
        self.board = Switchboard(
            self.lines,
            clock=lambda: self.now_s,
            chance=lambda: 0.5,
            tell=self.told.append,
            record=lambda action, line, _: self.recorded.append((action, line)),
            alarms=self.alarms,
        )
        for index in (0, 1):
            self.board.check(index)


@pytest.fixture
def unit() -> Board:
    return Board()


@pytest.mark.parametrize(
    ("error", "health"),
    [
        (NotTrustedError("x"), Health.NOT_TRUSTED),
        (DeliveryRefusedError("x"), Health.REFUSED),
        (LineDownError("x"), Health.DOWN),
        (RuntimeError("x"), Health.DOWN),
    ],
)
def test_an_error_tells_of_the_lines_health(error: Exception, health: Health) -> None:
    assert health_after(error) is health


def test_switch_and_return_are_told_and_recorded(unit: Board) -> None:
    assert unit.board.in_use() == 0
    unit.board.failed(0, unit.now_s, LineDownError("cut"))
    assert unit.board.in_use() == 1
    unit.board.succeeded(0)
    assert unit.board.in_use() == 1
    unit.now_s += RETURN_AFTER_S + 1
    unit.board.refresh()
    assert unit.board.in_use() == 0
    switched = [line for action, line in unit.recorded if action == NewsKind.SWITCHED]
    assert switched == ["fibre", "mobile", "fibre"]
    assert [one.line for one in unit.told if one.kind is NewsKind.SWITCHED] == switched


def test_requests_that_fail_together_are_one_failure(unit: Board) -> None:
    unit.now_s = 5.0
    unit.board.failed(0, 4.0, LineDownError("cut"))
    first_s = unit.board.check_in_s(0)
    for _ in range(5):
        unit.board.failed(0, 4.0, LineDownError("cut"))
    assert unit.board.check_in_s(0) == first_s
    assert sum(one.kind is NewsKind.LINE_DOWN for one in unit.told) == 1


def test_with_no_line_there_is_an_alarm_until_one_returns(unit: Board) -> None:
    for index in (0, 1):
        unit.board.failed(index, unit.now_s, LineDownError("cut"))
    assert unit.board.in_use() is None
    assert any("no line works" in text for text in unit.alarms.texts())
    unit.board.succeeded(1)
    assert unit.board.in_use() == 1
    assert unit.alarms.texts() == ()


def test_a_stranger_is_an_alarm_of_its_own(unit: Board) -> None:
    unit.board.failed(0, unit.now_s, NotTrustedError("who is that"))
    assert unit.alarms.texts() == ("line fibre: who is that",)
    unit.board.succeeded(0)
    assert unit.alarms.texts() == ()


def test_what_no_line_may_raise_is_not_quoted(unit: Board) -> None:
    unit.board.failed(0, unit.now_s, KeyError("Must^Not^Appear"))
    assert "Must" not in repr(unit.told)
    assert any("KeyError" in one.text for one in unit.told)


def test_the_line_that_took_an_object_is_asked_if_it_is_up(unit: Board) -> None:
    assert unit.board.preferred("mobile") == 1
    assert unit.board.preferred("unheard of") == 0
    unit.board.failed(1, unit.now_s, LineDownError("cut"))
    assert unit.board.preferred("mobile") == 0


def test_lines_need_names_of_their_own() -> None:
    lines = [FakeLine("one", MemoryReceiver()), FakeLine("one", MemoryReceiver())]
    for wrong in ([], lines):
        with pytest.raises(ArgumentError, match="name of its own"):
            Switchboard(
                wrong,
                clock=lambda: 0.0,
                tell=lambda _: None,
                record=lambda *_: None,
                alarms=Alarms(lambda _: None),
            )
