"""Which line is used: the first that is up, with patience before one returns. No I/O, no clock.

Lines stand in order of preference. A line that fails is down at once, as nothing may wait for it;
the next that is up takes over. A line that answers again must keep answering for a while before it
is preferred over one that works, or a line that flaps would take every examination down with it;
where no other works it is used at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from usdk.export.delivery.backoff import CAP_S, backoff_s

__all__ = ["CHECK_EVERY_S", "RETURN_AFTER_S", "Health", "LineChoice", "LineState"]

CHECK_EVERY_S = 10.0
"""How often a line that is up is asked whether it still is, s."""

RETURN_AFTER_S = 15.0
"""How long a line must have been up before it takes over from one that works, s."""

CHECK_CAP_S = 30.0
"""Longest wait between checks of a line that is down, s."""


class Health(StrEnum):
    """What is known of a line."""

    UNKNOWN = "unknown"
    UP = "up"
    DOWN = "down"
    NOT_TRUSTED = "not trusted"
    """Its receiver did not prove who it is: for a security officer."""
    REFUSED = "refused"
    """Its receiver refuses this sender: for whoever runs the receiver."""


@dataclass(frozen=True)
class LineState:
    """One line: its health, since when, failures in a row, and when it is checked next, s."""

    health: Health = Health.UNKNOWN
    since_s: float = 0.0
    n_failures: int = 0
    check_at_s: float = 0.0


@dataclass(frozen=True)
class LineChoice:
    """All lines in order of preference, and the one in use (None: none works)."""

    lines: tuple[LineState, ...]
    in_use: int | None = None

    @classmethod
    def of(cls, n_lines: int) -> LineChoice:
        """Return the choice among lines of which nothing is known yet."""
        return cls(tuple(LineState() for _ in range(n_lines)))

    def succeeded(self, index: int, now_s: float) -> LineChoice:
        """Return the choice after a check or a request on a line succeeded."""
        line = self.lines[index]
        since_s = line.since_s if line.health is Health.UP else now_s
        if line.health is Health.UNKNOWN:
            since_s -= RETURN_AFTER_S  # it has never failed, and has nothing to prove
        return self._with(index, LineState(Health.UP, since_s, 0, now_s + CHECK_EVERY_S)).at(now_s)

    def failed(
        self, index: int, now_s: float, chance: float, health: Health = Health.DOWN
    ) -> LineChoice:
        """Return the choice after a line failed; ``chance`` is uniform in [0, 1)."""
        line = self.lines[index]
        since_s = line.since_s if line.health is health else now_s
        n_failures = line.n_failures + 1
        cap_s = CHECK_CAP_S if health is Health.DOWN else CAP_S
        wait_s = backoff_s(n_failures, chance, cap_s=cap_s)
        return self._with(index, LineState(health, since_s, n_failures, now_s + wait_s)).at(now_s)

    def left_alone(self, index: int, until_s: float) -> LineChoice:
        """Return the choice with a line that is not checked before a time, as its receiver asks."""
        line = self.lines[index]
        return self._with(index, replace(line, check_at_s=max(line.check_at_s, until_s)))

    def at(self, now_s: float) -> LineChoice:
        """Return the choice as it is at a time: a line that proved itself may return."""
        up = [index for index, line in enumerate(self.lines) if line.health is Health.UP]
        if not up:
            return replace(self, in_use=None)
        if self.in_use not in up:
            return replace(self, in_use=up[0])
        for index in up:
            if index == self.in_use:
                break
            if now_s - self.lines[index].since_s >= RETURN_AFTER_S:
                return replace(self, in_use=index)
        return self

    def due(self, now_s: float) -> list[int]:
        """Return the lines that are to be checked."""
        return [index for index, line in enumerate(self.lines) if line.check_at_s <= now_s]

    def next_check_s(self) -> float:
        """Return when the next check is due, s."""
        return min(line.check_at_s for line in self.lines)

    def _with(self, index: int, line: LineState) -> LineChoice:
        return replace(self, lines=(*self.lines[:index], line, *self.lines[index + 1 :]))
