"""Switchboard: the lines, which of them is in use, and the word of every change."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence

from usdk.errors import (
    ArgumentError,
    DeliveryRefusedError,
    LineDownError,
    NotTrustedError,
    UsdkError,
)
from usdk.export.delivery.alarms import Alarms
from usdk.export.delivery.line_choice import Health, LineChoice
from usdk.export.delivery.news import News, NewsKind
from usdk.export.lines.line import Line

__all__ = ["Switchboard", "health_after"]


def health_after(error: Exception) -> Health:
    """Return what an error of a line says of its health."""
    if isinstance(error, NotTrustedError):
        return Health.NOT_TRUSTED
    if isinstance(error, DeliveryRefusedError):
        return Health.REFUSED
    return Health.DOWN


class Switchboard:
    """Shared by threads; decisions are `LineChoice`'s.

    Parameters
    ----------
    lines : sequence of Line
        In order of preference, each with a name of its own.
    clock, chance : callable
        Seconds that only rise, and a number in [0, 1).
    tell : callable
        Given news.
    record : callable
        Given an action and a line's name, for the journal.
    """

    def __init__(
        self,
        lines: Sequence[Line],
        *,
        clock: Callable[[], float],
        tell: Callable[[News], None],
        record: Callable[[str, str, str], None],
        alarms: Alarms,
        chance: Callable[[], float] = random.random,
    ) -> None:
        if not lines or len({line.name for line in lines}) != len(lines):
            raise ArgumentError("give at least one line, each with a name of its own")
        self.lines = tuple(lines)
        self._clock = clock
        self._chance = chance
        self._tell = tell
        self._record = record
        self._alarms = alarms
        self._lock = threading.Lock()
        self._choice = LineChoice.of(len(lines))

    def in_use(self) -> int | None:
        """Return the index of the line in use; None when none works."""
        return self._choice.in_use

    def preferred(self, name: str) -> int | None:
        """Return the line of that name if it is up, else the one in use."""
        for index, line in enumerate(self.lines):
            if line.name == name and self._choice.lines[index].health is Health.UP:
                return index
        return self._choice.in_use

    def health(self) -> dict[str, Health]:
        """Return the health of each line, by its name."""
        states = self._choice.lines
        return {line.name: state.health for line, state in zip(self.lines, states, strict=True)}

    def check_in_s(self, index: int) -> float:
        """Return in how many seconds a line is to be checked."""
        return max(self._choice.lines[index].check_at_s - self._clock(), 0.0)

    def check(self, index: int) -> None:
        """Check a line now."""
        started_s = self._clock()
        try:
            self.lines[index].check()
        except Exception as error:  # a line's fault must not end the thread that asks
            self.failed(index, started_s, error)
        else:
            self.succeeded(index)

    def refresh(self) -> None:
        """Let a line that has proven itself return."""
        with self._lock:
            before, self._choice = self._choice, self._choice.at(self._clock())
            after = self._choice
        self._tell_changes(before, after, "")

    def succeeded(self, index: int) -> None:
        """Note that a line answered."""
        with self._lock:
            before = self._choice
            after = self._choice = before.succeeded(index, self._clock())
        self._tell_changes(before, after, "")

    def failed(self, index: int, started_s: float, error: Exception) -> None:
        """Note that a request begun at ``started_s`` failed."""
        health = health_after(error)
        wait_s = (error.retry_after_s or 0.0) if isinstance(error, LineDownError) else 0.0
        with self._lock:
            before = after = self._choice
            line, now_s = before.lines[index], self._clock()
            # Requests that were in flight together fail together: that is one failure.
            if line.health is not health or started_s >= line.since_s:
                after = before.failed(index, now_s, self._chance(), health)
            if wait_s > 0:
                after = after.left_alone(index, now_s + wait_s)
            self._choice = after
        self._tell_changes(before, after, _text(error))

    def _tell_changes(self, before: LineChoice, after: LineChoice, text: str) -> None:
        for line, old, new in zip(self.lines, before.lines, after.lines, strict=True):
            if old.health is new.health:
                continue
            is_up = new.health is Health.UP
            kind = NewsKind.LINE_UP if is_up else NewsKind.LINE_DOWN
            self._record(str(kind), line.name, text)
            self._tell(News(kind, text, line=line.name))
            for health in (Health.NOT_TRUSTED, Health.REFUSED):
                if new.health is health:
                    self._alarms.raise_(f"{health} {line.name}", f"line {line.name}: {text}")
                else:
                    self._alarms.clear(f"{health} {line.name}")
        if before.in_use != after.in_use:
            name = "" if after.in_use is None else self.lines[after.in_use].name
            self._record(str(NewsKind.SWITCHED), name, text)
            self._tell(News(NewsKind.SWITCHED, text, line=name))
        if after.in_use is None:
            self._alarms.raise_("no line", "no line works: objects are kept on this unit")
        else:
            self._alarms.clear("no line")


def _text(error: Exception) -> str:
    # Only usdk's own messages are known to hold nothing of a patient.
    if isinstance(error, UsdkError):
        return str(error)
    return f"the line failed in a way that it must not ({type(error).__name__})"
