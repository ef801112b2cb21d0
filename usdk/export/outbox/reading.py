"""What an outbox tells of its objects: entries, counts, ages and the recovery point."""

from __future__ import annotations

from collections.abc import Iterable

from usdk.export.outbox.database import Database
from usdk.export.outbox.entry import SELECT_OBJECTS, Count, Entry, RecoveryPoint
from usdk.export.outbox.owner import is_surely_dead
from usdk.export.outbox.states import UNCONFIRMED, State

__all__ = ["OutboxReading"]


class OutboxReading:
    """The part of an outbox that changes nothing."""

    def __init__(self, database: Database, alarm_after_s: float) -> None:
        self._database = database
        self._alarm_after_s = alarm_after_s

    def get(self, sop_instance_uid: str) -> Entry | None:
        """Return the entry of an object, or None."""
        rows = self._database.rows(
            f"{SELECT_OBJECTS} WHERE sop_instance_uid = ?", (sop_instance_uid,)
        )
        return Entry.from_row(rows[0]) if rows else None

    def list(
        self, *, states: Iterable[State] = tuple(State), limit: int | None = None
    ) -> list[Entry]:
        """Return entries, the oldest first, at most ``limit``."""
        chosen = [str(State(state)) for state in states]
        rows = self._database.rows(
            f"{SELECT_OBJECTS} WHERE state IN ({', '.join('?' * len(chosen))}) ORDER BY id LIMIT ?",
            (*chosen, -1 if limit is None else limit),
        )
        return [Entry.from_row(row) for row in rows]

    def counts(self) -> dict[State, Count]:
        """Return how many objects are in each state, and their bytes on the disk."""
        rows = self._database.rows("SELECT state, n_objects, n_bytes FROM totals")
        found = {state: Count(n_objects, n_bytes) for state, n_objects, n_bytes in rows}
        return {state: found.get(state, Count(0, 0)) for state in State}

    def recovery_point(self) -> RecoveryPoint:
        """Return the age of the oldest object that is not confirmed, and whether it is an alarm."""
        counts = self.counts()
        n_unconfirmed = sum(counts[state].n_objects for state in UNCONFIRMED)
        oldest = [
            row
            for state in UNCONFIRMED
            for row in self._database.rows(
                "SELECT created_s, sop_instance_uid FROM objects WHERE state = ?"
                " ORDER BY created_s LIMIT 1",
                (str(state),),
            )
        ]
        if not oldest:
            return RecoveryPoint(0.0, 0, False)
        created_s, uid = min(oldest)
        age_s = max(self._database.now_s() - created_s, 0.0)
        return RecoveryPoint(age_s, n_unconfirmed, age_s > self._alarm_after_s, uid)

    def age_s(self, entry: Entry) -> float:
        """Return how long ago an object was added, s."""
        return max(self._database.now_s() - entry.created_s, 0.0)

    def waited_s(self, entry: Entry) -> float:
        """Return how long ago the state of an object changed, s."""
        return max(self._database.now_s() - entry.changed_s, 0.0)

    def next_due_s(self) -> float | None:
        """Return in how many seconds something may be sent or asked for; None when nothing."""
        rows = self._database.rows(
            "SELECT MIN(not_before_s) FROM objects WHERE state = 'queued'"
            " OR state = 'accepted' AND lease_owner = ''"
        )
        due_s = rows[0][0]
        return None if due_s is None else max(due_s - self._database.now_s(), 0.0)

    def line_in_use(self) -> str:
        """Return which line a delivery says it uses; empty when none, or when it has ended."""
        rows = self._database.rows(
            "SELECT key, value FROM meta WHERE key IN ('line_in_use', 'line_user')"
        )
        said = {str(key): str(value) for key, value in rows}
        # Who was killed could not take its word back.
        return "" if is_surely_dead(said.get("line_user", "")) else said.get("line_in_use", "")
