"""Group commit: additions that come together are synchronised together.

Whoever holds the lock commits for all that wait: names synchronised once, one transaction. Ten
threads that add, or one call that adds ten, so pay for one commit and not for ten.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from usdk.export.outbox.entry import Entry

__all__ = ["GroupCommit", "Pending"]


@dataclass(eq=False)
class Pending:
    """One object whose file is written and whose row is not: what becomes of it.

    ``sync`` has its bytes on the disk; None where they are there already.
    """

    entry: Entry
    sync: Callable[[], None] | None = None
    result: Entry | None = None
    error: BaseException | None = None
    is_done: threading.Event = field(default_factory=threading.Event)


class GroupCommit:
    """Gathers what threads want committed; ``commit`` does it for a batch."""

    def __init__(self, commit: Callable[[Sequence[Pending]], None]) -> None:
        self._commit = commit
        self._turn = threading.Lock()
        self._waiting: list[Pending] = []
        self._guard = threading.Lock()

    def submit(self, batch: Sequence[Pending]) -> None:
        """Return when every one of ``batch`` has its result or its error."""
        with self._guard:
            self._waiting += batch
        with self._turn:
            if all(pending.is_done.is_set() for pending in batch):
                return
            with self._guard:
                group, self._waiting = self._waiting, []
            try:
                self._commit(group)
            except BaseException as error:
                for pending in group:
                    if pending.result is None and pending.error is None:
                        pending.error = error
                raise
            finally:
                for pending in group:
                    pending.is_done.set()
