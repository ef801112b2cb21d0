"""How an object comes into the outbox: its bytes first, then its row, then the word of it."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import BinaryIO

from usdk.errors import DataDamagedError, StateError, UsdkError
from usdk.export.outbox.adding import GroupCommit, Pending
from usdk.export.outbox.database import Database
from usdk.export.outbox.entry import COLUMNS, Entry, Priority
from usdk.export.outbox.identity import Identity, identify
from usdk.export.outbox.moves import LOST, Moment, insert, move
from usdk.export.outbox.object_store import COPY_BYTES, ObjectStore, Stored
from usdk.export.outbox.space import Space
from usdk.export.outbox.states import Event, State
from usdk.files import storage_errors

__all__ = ["Intake"]

GROUP_OBJECTS = 64
"""Objects that are committed together, at most."""

N_WRITERS = 4
"""Files that are written and synchronised at once."""

_PURGE_BATCH = 16


class Intake:
    """Adds objects, and makes room for them."""

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
        self._uncommitted_bytes = 0
        self._commits = GroupCommit(self._commit)

    def take(
        self, openers: Iterable[Callable[[], BinaryIO]], priority: Priority
    ) -> Iterator[list[Entry]]:
        """Add objects in groups; yields each group's entries when they are on the disk."""
        source = iter(openers)
        with ThreadPoolExecutor(N_WRITERS, "usdk outbox") as writers:
            while chunk := list(islice(source, GROUP_OBJECTS)):
                with self._store.adding():
                    yield self._take_chunk(chunk, priority, writers)

    def _take_chunk(
        self,
        chunk: Sequence[Callable[[], BinaryIO]],
        priority: Priority,
        writers: ThreadPoolExecutor,
    ) -> list[Entry]:
        # Files that are synchronised side by side share what the file system writes for them.
        work = partial(self._write, priority=priority)
        if len(chunk) == 1:
            outcomes = [_outcome(work, chunk[0])]
        else:
            outcomes = list(writers.map(partial(_outcome, work), chunk))
        group = [found for found in outcomes if isinstance(found, Pending)]
        try:
            # Those beside one that failed are whole: they are kept.
            if group:
                self._commits.submit(group)
        finally:
            with self._guard:
                self._uncommitted_bytes -= sum(one.entry.stored_bytes for one in group)
        return [self._result(found) for found in outcomes]

    def _result(self, found: Entry | Pending | Exception) -> Entry:
        if isinstance(found, Exception):
            raise found
        if isinstance(found, Entry):
            return found
        if found.error is not None:
            raise found.error
        assert found.result is not None
        return found.result

    def _write(self, opener: Callable[[], BinaryIO], priority: Priority) -> Entry | Pending:
        with storage_errors("read the file to be queued"), opener() as file:
            identity = identify(file)
            size_bytes = file.seek(0, os.SEEK_END)
            file.seek(0)
            known = self._find(identity.sop_instance_uid)
            if known is not None:
                _require_same(known, _digest(file))
                if not _is_lost(known):
                    return known
                file.seek(0)
            stored_bytes = self._store.stored_size(size_bytes)
            self._make_room(stored_bytes)
            try:
                stored = self._store.write(file, size_bytes)
            except BaseException:
                with self._guard:
                    self._uncommitted_bytes -= stored_bytes
                raise
        return Pending(self._entry(identity, size_bytes, stored, priority))

    def _entry(
        self, identity: Identity, size_bytes: int, stored: Stored, priority: Priority
    ) -> Entry:
        moment = self._moment()
        return Entry(
            id=0,
            sop_instance_uid=identity.sop_instance_uid,
            sop_class_uid=identity.sop_class_uid,
            study_instance_uid=identity.study_instance_uid,
            series_instance_uid=identity.series_instance_uid,
            transfer_syntax_uid=identity.transfer_syntax_uid,
            size_bytes=size_bytes,
            sha256=stored.sha256,
            file=stored.name,
            stored_bytes=stored.stored_bytes,
            key_id=stored.key_id,
            state=State.QUEUED,
            priority=int(priority),
            created_s=moment.now_s,
            created_wall_s=moment.wall_s,
            changed_s=moment.now_s,
            not_before_s=0.0,
            n_tries=0,
            n_lost=0,
            in_doubt=False,
            reason="",
            line="",
            lease_owner="",
            lease_until_s=0.0,
        )

    def _commit(self, group: Sequence[Pending]) -> None:
        """Have names, then rows, on the disk; of two with one UID the first is kept."""
        try:
            self._store.sync_names()
            results: list[Entry | DataDamagedError] = []
            with self._database.transaction() as connection:
                moment = self._moment()
                for pending in group:
                    known = self._find(pending.entry.sop_instance_uid)
                    if known is None:
                        insert(connection, pending.entry, moment)
                        known = self._find(pending.entry.sop_instance_uid)
                        assert known is not None
                        results.append(known)
                        continue
                    try:
                        _require_same(known, pending.entry.sha256)
                        if _is_lost(known):
                            known = self._restore(connection, known, pending.entry, moment)
                        results.append(known)
                    except DataDamagedError as error:
                        results.append(error)
        except BaseException:
            for pending in group:
                self._drop_unless_known(pending)
            raise
        for pending, result in zip(group, results, strict=True):
            if isinstance(result, DataDamagedError):
                pending.error = result
            else:
                pending.result = result
            if pending.result is None or pending.result.file != pending.entry.file:
                self._drop(pending)

    def _restore(
        self, connection: sqlite3.Connection, known: Entry, entry: Entry, moment: Moment
    ) -> Entry:
        connection.execute(
            "UPDATE objects SET file = ?, stored_bytes = ?, key_id = ? WHERE id = ?",
            (entry.file, entry.stored_bytes, entry.key_id, known.id),
        )
        known = replace(
            known, file=entry.file, stored_bytes=entry.stored_bytes, key_id=entry.key_id
        )
        return move(connection, known, Event.RESTORE, moment)

    def _drop_unless_known(self, pending: Pending) -> None:
        # A commit that failed to report may have been made: only what surely has no row may go.
        with suppress(UsdkError):
            query = "SELECT COUNT(*) FROM objects WHERE file = ?"
            if self._database.rows(query, (pending.entry.file,)) == [(0,)]:
                self._drop(pending)

    def _drop(self, pending: Pending) -> None:
        # What cannot be removed is an orphan, and goes when the outbox is opened next.
        with suppress(OSError):
            self._store.remove(pending.entry.file)

    def _find(self, sop_instance_uid: str) -> Entry | None:
        rows = self._database.rows(
            f"SELECT {COLUMNS} FROM objects WHERE sop_instance_uid = ?", (sop_instance_uid,)
        )
        return Entry.from_row(rows[0]) if rows else None

    def space(self) -> Space:
        """Return what is used and what is left."""
        rows = self._database.rows("SELECT COALESCE(SUM(n_bytes), 0) FROM totals")
        return Space(rows[0][0], self._store.free_bytes(), self._quota_bytes, self._reserve_bytes)

    def _make_room(self, n_bytes: int) -> None:
        """Have room for an object, removing confirmed ones, the oldest first; or refuse."""
        with self._guard:
            self._purge_for(n_bytes)
            self._uncommitted_bytes += n_bytes

    def _purge_for(self, n_bytes: int) -> None:
        while self.space().shortage_bytes(n_bytes):
            rows = self._database.rows(
                f"SELECT {COLUMNS} FROM objects WHERE state IN ('retained', 'confirmed')"
                " ORDER BY changed_s LIMIT ?",
                (_PURGE_BATCH,),
            )
            if not self.purge([Entry.from_row(row) for row in rows]):
                raise self.space().refusal(n_bytes)

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


def _outcome(
    write: Callable[[Callable[[], BinaryIO]], Entry | Pending], opener: Callable[[], BinaryIO]
) -> Entry | Pending | Exception:
    try:
        return write(opener)
    except Exception as error:  # raised to the caller once the others are committed
        return error


def _digest(file: BinaryIO) -> bytes:
    digest = hashlib.sha256()
    while piece := file.read(COPY_BYTES):
        digest.update(piece)
    return digest.digest()


def _is_lost(entry: Entry) -> bool:
    return entry.state is State.HELD and entry.reason == LOST


def _require_same(known: Entry, sha256: bytes) -> None:
    if known.sha256 != sha256:
        raise DataDamagedError(
            "the outbox knows other bytes under this SOP Instance UID: give a changed object a new"
            " UID; see 'usdk outbox show' for the one that is known"
        )
