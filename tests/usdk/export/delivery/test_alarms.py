from __future__ import annotations

import threading

from usdk.export.delivery.alarms import MAX_ALARMS, Alarms
from usdk.export.delivery.news import News, NewsKind


def test_an_alarm_is_raised_once_and_taken_back_once() -> None:
    told: list[News] = []
    alarms = Alarms(told.append)
    alarms.raise_("line", "the line is down")
    alarms.raise_("line", "the line is still down")
    assert alarms.texts() == ("the line is down",)
    alarms.clear("line")
    alarms.clear("line")
    assert alarms.texts() == ()
    assert [one.kind for one in told] == [NewsKind.ALARM, NewsKind.ALARM_OVER]


def test_alarms_are_bounded_and_the_oldest_stay() -> None:
    alarms = Alarms(lambda _: None)
    for number in range(MAX_ALARMS + 10):
        alarms.raise_(str(number), f"alarm {number}")
    assert len(alarms.texts()) == MAX_ALARMS
    assert alarms.texts()[0] == "alarm 0"


def test_a_listener_may_ask_which_are_raised() -> None:
    seen: list[int] = []
    done = threading.Event()
    alarms = Alarms(lambda _: seen.append(len(alarms.texts())))
    thread = threading.Thread(target=lambda: (alarms.raise_("a", "a"), done.set()), daemon=True)
    thread.start()
    assert done.wait(30)
    assert seen == [1]
