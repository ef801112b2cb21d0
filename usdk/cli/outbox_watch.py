"""``usdk outbox watch``: how the delivery goes, live, whichever process does it."""

from __future__ import annotations

import json
import sys
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from usdk.cli.exit_codes import DONE, PROBLEMS_FOUND
from usdk.cli.terminal import say

if TYPE_CHECKING:
    from rich.table import Table

    from usdk.export.outbox import Outbox

__all__ = ["Look", "Looker", "watch"]

EVERY_S = 1.0
WINDOW_S = 30.0


@dataclass(frozen=True)
class Look:
    """The outbox at one moment; rates are over the last half minute."""

    n_by_state: dict[str, int]
    bytes_left: int
    confirmed_per_s: float
    bytes_per_s: float
    eta_s: float | None
    line: str
    oldest_s: float
    oldest_uid: str
    alarm: bool


class Looker:
    """Looks again and again, and so knows rates."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._seen: deque[tuple[float, int, int]] = deque()

    def look(self, now_s: float) -> Look:
        """Look now; ``now_s`` only rises."""
        from usdk.export.outbox import UNCONFIRMED, State

        counts = self._outbox.counts()
        done = (State.CONFIRMED, State.RETAINED, State.PURGED)
        n_done = sum(counts[state].n_objects for state in done)
        n_left = sum(counts[state].n_bytes for state in UNCONFIRMED if state is not State.HELD)
        self._seen.append((now_s, n_done, n_left))
        while now_s - self._seen[0][0] > WINDOW_S:
            self._seen.popleft()
        first_s, first_done, first_left = self._seen[0]
        span_s = max(now_s - first_s, 1e-9)
        rate = max(first_left - n_left, 0) / span_s
        point = self._outbox.recovery_point()
        return Look(
            {str(state): count.n_objects for state, count in counts.items()},
            n_left,
            (n_done - first_done) / span_s,
            rate,
            0.0 if not n_left else (n_left / rate if rate > 0 else None),
            self._outbox.line_in_use(),
            point.age_s,
            point.sop_instance_uid,
            point.alarm,
        )


def watch(outbox: Outbox, *, seconds: float | None, as_json: bool) -> int:
    """Show the outbox until Ctrl-C or for ``seconds``; 10 if the recovery point is an alarm."""
    looker = Looker(outbox)
    end_s = None if seconds is None else time.monotonic() + seconds
    look = looker.look(time.monotonic())
    if as_json or sys.stdout is None or not sys.stdout.isatty():
        while True:
            say(json.dumps(look.__dict__) if as_json else _line(look))
            if not _wait(end_s):
                break
            look = looker.look(time.monotonic())
    else:
        look = _live(looker, look, end_s)
    return PROBLEMS_FOUND if look.alarm else DONE


def _wait(end_s: float | None) -> bool:
    left_s = EVERY_S if end_s is None else min(EVERY_S, end_s - time.monotonic())
    if left_s <= 0:
        return False
    time.sleep(left_s)
    return True


def _live(looker: Looker, look: Look, end_s: float | None) -> Look:
    try:
        from rich.live import Live
    except ImportError:
        while True:
            say(_line(look))
            if not _wait(end_s):
                return look
            look = looker.look(time.monotonic())
    with Live(table_of(look), auto_refresh=False) as live:
        while _wait(end_s):
            look = looker.look(time.monotonic())
            live.update(table_of(look), refresh=True)
    return look


_LABELS = {"retained": "retained (confirmed)"}


def table_of(look: Look) -> Table:
    """Return a look as a table of rich."""
    from rich.table import Table

    table = Table(title="outbox", show_header=False, min_width=52)
    table.add_column(style="bold")
    table.add_column(justify="right")
    for state, n_objects in look.n_by_state.items():
        style = "red" if state == "held" and n_objects else ""
        table.add_row(_LABELS.get(state, state), str(n_objects), style=style)
    table.add_section()
    table.add_row("line in use", look.line or "none", style="" if look.line else "red")
    table.add_row("confirmations", f"{look.confirmed_per_s:.2f} /s")
    table.add_row("rate", f"{look.bytes_per_s * 8 / 1e6:.2f} Mbit/s")
    table.add_row("left", f"{look.bytes_left / 1e6:.1f} MB, {_eta(look.eta_s)}")
    style = "bold red" if look.alarm else ""
    table.add_row("oldest unconfirmed", f"{look.oldest_s:.0f} s", style=style)
    if look.alarm:
        table.add_row("ALARM", "the recovery point is too old", style=style)
    return table


def _line(look: Look) -> str:
    states = " ".join(f"{state}={n}" for state, n in look.n_by_state.items())
    return (
        f"{states} line={look.line or 'none'} {look.bytes_per_s * 8 / 1e6:.2f} Mbit/s "
        f"{_eta(look.eta_s)} oldest={look.oldest_s:.0f}s{' ALARM' if look.alarm else ''}"
    )


def _eta(eta_s: float | None) -> str:
    if eta_s is None:
        return "no end in sight"
    return f"done in {eta_s:.0f} s"
