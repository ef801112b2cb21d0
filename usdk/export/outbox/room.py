"""Room: how much more objects may take, and confirmed ones that give way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from usdk.errors import StateError
from usdk.export.outbox.database import Database
from usdk.export.outbox.entry import SELECT_OBJECTS, Entry
from usdk.export.outbox.moves import Moment, move
from usdk.export.outbox.object_store import ObjectStore
from usdk.export.outbox.space import Space
from usdk.export.outbox.states import Event, State

__all__ = ["Room"]

_PURGE_BATCH = 16


class Room:
    """Shared by threads: what one has taken and not used yet counts for the others."""

    def __init__(
        self,
        database: Database,
        store: ObjectStore,
        moment: Callable[[], Moment],
        quota_bytes: int | None,
        reserve_bytes: int,
    ) -> None:
        self._database = database
        self._store = store
        self._moment = moment
        self._quota_bytes = quota_bytes
        self._reserve_bytes = reserve_bytes
        self._guard = threading.Lock()
        self._unwritten_bytes = 0
        self._without_row_bytes = 0

    def space(self) -> Space:
        """Return what is used and what is left."""
        rows = self._database.rows("SELECT COALESCE(SUM(n_bytes), 0) FROM totals")
        return self._space(rows[0][0] + self._without_row_bytes)

    def _space(self, used_bytes: int) -> Space:
        return Space(
            used_bytes=used_bytes,
            free_bytes=self._store.free_bytes() - self._unwritten_bytes,
            quota_bytes=self._quota_bytes,
            reserve_bytes=self._reserve_bytes,
        )

    def take(self, n_bytes: int) -> None:
        """Have room for an object, removing confirmed ones, the oldest first; or refuse.

        Raises
        ------
        StorageError
            There is none.
        """
        with self._guard:
            while self._shortage_bytes(n_bytes):
                rows = self._database.rows(
                    f"{SELECT_OBJECTS} WHERE state IN ('retained', 'confirmed')"
                    " ORDER BY changed_s LIMIT ?",
                    (_PURGE_BATCH,),
                )
                if not self.purge([Entry.from_row(row) for row in rows]):
                    raise self.space().refusal(n_bytes)
            self._unwritten_bytes += n_bytes
            self._without_row_bytes += n_bytes

    def _shortage_bytes(self, n_bytes: int) -> int:
        # Without a quota what is used does not matter, and need not be asked for.
        space = self._space(0) if self._quota_bytes is None else self.space()
        return space.shortage_bytes(n_bytes)

    def written(self, n_bytes: int) -> None:
        """Say that so much of what was taken is in a file, or was given up."""
        with self._guard:
            self._unwritten_bytes -= n_bytes

    def release(self, n_bytes: int) -> None:
        """Say that so much of what was taken has its row, or was given up."""
        with self._guard:
            self._without_row_bytes -= n_bytes

    def purge(self, entries: Sequence[Entry]) -> int:
        """Remove confirmed objects; returns how many."""
        purged: list[Entry] = []
        if not entries:
            return 0
        with self._database.transaction() as connection:
            moment = self._moment()
            for entry in entries:
                with suppress(StateError):  # another process was first
                    retained = entry
                    if entry.state is State.CONFIRMED:
                        retained = move(connection, entry, Event.RETAIN, moment)
                    purged.append(move(connection, retained, Event.PURGE, moment))
        for entry in purged:
            self._store.remove(entry.file)
        return len(purged)
