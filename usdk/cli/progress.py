"""Progress of a command: stages with counts, rates and times, shown on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

__all__ = ["Progress", "Stage", "make_progress"]


@dataclass
class Stage:
    """One stage of a command.

    Parameters
    ----------
    name, unit : str
        What is done, and to what.
    total : int, optional
        How many there will be, if that is known.
    """

    name: str
    unit: str
    total: int | None = None
    n_done: int = 0
    note: str = ""
    time_s: float = 0.0
    _started_s: float = field(default_factory=time.perf_counter, repr=False)
    _display: Display | None = field(default=None, repr=False)

    def advance(self, n: int = 1, *, note: str | None = None) -> None:
        """Count ``n`` more; ``note`` is a short remark beside the bar, such as losses."""
        self.n_done += n
        self.time_s = time.perf_counter() - self._started_s
        if note is not None:
            self.note = note
        if self._display is not None:
            self._display.update(self)

    @property
    def rate_hz(self) -> float:
        """How many a second, on average."""
        return self.n_done / self.time_s if self.time_s > 0 else 0.0

    def describe(self) -> str:
        """Return one line of plain text."""
        of = f"/{self.total}" if self.total is not None else ""
        line = (
            f"{self.name:<9} {f'{self.n_done}{of}':>9} {self.unit:<7} "
            f"{self.rate_hz:8.1f} /s {self.time_s:7.2f} s"
        )
        return f"{line}  {self.note}".rstrip()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for ``--json``."""
        return {
            "name": self.name,
            "unit": self.unit,
            "n": self.n_done,
            "time_s": round(self.time_s, 6),
            "rate_hz": round(self.rate_hz, 3),
        }


class Display(Protocol):
    """What shows stages."""

    def begin(self, stage: Stage) -> None:
        """Show a new stage."""

    def update(self, stage: Stage) -> None:
        """Show that a stage has come further."""

    def end(self, stage: Stage) -> None:
        """Show that a stage has ended, done or not."""


class Progress:
    """The stages of one command, in order; ``display`` shows them."""

    def __init__(self, display: Display | None) -> None:
        self._display = display
        self.stages: list[Stage] = []

    @contextmanager
    def stage(self, name: str, unit: str, total: int | None = None) -> Iterator[Stage]:
        """Show a stage for the length of a block."""
        stage = Stage(name, unit, total, _display=self._display)
        self.stages.append(stage)
        if self._display is not None:
            self._display.begin(stage)
        try:
            yield stage
        finally:
            stage.advance(0)
            if self._display is not None:
                self._display.end(stage)


class Lines:
    """One line for each stage, when it has ended: for log files and terminals without rich."""

    def begin(self, stage: Stage) -> None:
        """Show nothing yet."""

    def update(self, stage: Stage) -> None:
        """Show nothing yet."""

    def end(self, stage: Stage) -> None:
        """Print the line."""
        if sys.stderr is None:  # what Python makes of a descriptor that is closed
            return
        with suppress(OSError):
            print(stage.describe(), file=sys.stderr, flush=True)


def make_progress(*, quiet: bool) -> Progress:
    """Return bars on a terminal with rich, lines elsewhere, and nothing when quiet."""
    if quiet:
        return Progress(None)
    if sys.stderr is not None and sys.stderr.isatty():
        try:
            from usdk.cli.rich_bars import RichBars
        except ImportError:
            return Progress(Lines())
        return Progress(RichBars())
    return Progress(Lines())
