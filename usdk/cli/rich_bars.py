"""Progress bars by rich, which is in the extra ``cli``."""

from __future__ import annotations

import sys
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from usdk.cli.progress import Stage

__all__ = ["RichBars"]


class RichBars:
    """One bar for each stage; it stays on the screen when the stage has ended."""

    def __init__(self) -> None:
        self._console = Console(file=sys.stderr)
        self._bars: Progress | None = None
        self._task = TaskID(0)

    def begin(self, stage: Stage) -> None:
        """Show a new bar."""
        self._bars = Progress(
            TextColumn("{task.description:<9}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]:<7}{task.fields[rate]:>8} /s {task.fields[time]:>7} s"),
            TextColumn("{task.fields[note]}"),
            console=self._console,
        )
        self._task = self._bars.add_task(
            stage.name, total=stage.total, unit=stage.unit, **_texts(stage)
        )
        self._bars.start()

    def update(self, stage: Stage) -> None:
        """Move the bar."""
        if self._bars is not None:
            self._bars.update(self._task, completed=stage.n_done, **_texts(stage))

    def end(self, stage: Stage) -> None:
        """Leave the bar as it is."""
        if self._bars is not None:
            if stage.total is None:
                self._bars.update(self._task, total=stage.n_done)
            self._bars.stop()
            self._bars = None


def _texts(stage: Stage) -> dict[str, Any]:
    return {
        "rate": f"{stage.rate_hz:.1f}",
        "time": f"{stage.time_s:.2f}",
        "note": stage.note,
    }
