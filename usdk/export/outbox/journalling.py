"""From the events in the database to the journal, each exactly once.

An event is durable with the change that it tells of, in one transaction. Later it is appended to
the journal and synchronised, and only then removed from the database. After a crash between the
two, its number tells that the journal has it already.
"""

from __future__ import annotations

import json
import threading
import time

from usdk.export.outbox.database import Database
from usdk.trust.journal import JournalEvent
from usdk.trust.journal_folder import JournalFolder

__all__ = ["FLUSH_AFTER_EVENTS", "FLUSH_AFTER_S", "Journalling"]

FLUSH_AFTER_EVENTS = 256
FLUSH_AFTER_S = 1.0
"""Events wait in the database for company no longer than this while the outbox is in use."""

_BATCH = 512


class Journalling:
    """Appends pending events now and then, when told that there are some."""

    def __init__(self, database: Database, journal: JournalFolder) -> None:
        self._database = database
        self._journal = journal
        self._lock = threading.Lock()
        self._n_pending = 0
        self._flushed_s = time.monotonic()

    def note(self, n_events: int) -> None:
        """Count events that were written down, and flush when it is time."""
        with self._lock:
            self._n_pending += n_events
            waited_s = time.monotonic() - self._flushed_s
            is_due = self._n_pending >= FLUSH_AFTER_EVENTS or waited_s >= FLUSH_AFTER_S
            if not is_due:
                return
            self._n_pending, self._flushed_s = 0, time.monotonic()
        self.flush()

    def flush(self) -> None:
        """Append every pending event; returns when they are on the disk."""
        if not self.n_pending():
            return
        with self._journal.locked() as last:
            reached = 0 if last is None else last.event.number
            # What the journal tells the database must know for good, or a power cut would give
            # its number to another event: not every transaction is synchronised as it ends.
            with self._database.transaction() as connection:
                newest = connection.execute("SELECT COALESCE(MAX(number), 0) FROM events")
                upto = int(newest.fetchone()[0])
            # What a crash left after the append and before the removal is in the journal already.
            while events := self._events_after(reached, upto):
                self._journal.append_locked(events)
                reached = events[-1].number
            with self._database.transaction() as connection:
                connection.execute("DELETE FROM events WHERE number <= ?", (reached,))

    def n_pending(self) -> int:
        """Return how many events are not in the journal yet."""
        return int(self._database.rows("SELECT COUNT(*) FROM events")[0][0])

    def _events_after(self, number: int, upto: int) -> list[JournalEvent]:
        rows = self._database.rows(
            "SELECT action, actor, time, uid, detail, number FROM events WHERE number > ?"
            " AND number <= ? ORDER BY number LIMIT ?",
            (number, upto, _BATCH),
        )
        return [
            JournalEvent(action, actor, when, uid, json.loads(detail), number)
            for action, actor, when, uid, detail, number in rows
        ]
