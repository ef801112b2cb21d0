from __future__ import annotations

import threading

import pytest

from usdk.conformance.watchdog import EscapedError, HungError, within


def test_what_is_returned_and_raised_comes_out() -> None:
    assert within(1.0, lambda: 7, "seven") == 7
    with pytest.raises(ZeroDivisionError):
        within(1.0, lambda: 1 // 0, "nothing")


def test_what_would_end_the_process_is_named() -> None:
    def leave() -> None:
        raise SystemExit(3)

    with pytest.raises(EscapedError, match="SystemExit was raised"):
        within(1.0, leave, "leave")


def test_what_hangs_is_left_behind_and_it_is_said_where() -> None:
    event = threading.Event()

    def waits_for_ever() -> None:
        event.wait(5.0)

    with pytest.raises(HungError, match=r"within 0\.05 s; it was in .*waits_for_ever \(test_watch"):
        within(0.05, waits_for_ever, "wait")
    event.set()
