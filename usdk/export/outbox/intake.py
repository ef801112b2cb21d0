"""How an object comes into the outbox: its bytes and its row, side by side, then the word of it.

The row is written as *arriving* while the file is still being synchronised, and nobody claims it.
When both are on the disk one step, which need not be synchronised, queues it and has the journal
told: after a power cut that forgets the step, or the file, recovery compares the file with the
digest in its row, and queues the object or forgets it. `add` returns after the step; so what it
returned is there, and what it had not is whole or gone.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import BinaryIO

from usdk.errors import DataDamagedError, StorageError, UsdkError
from usdk.export.outbox.adding import GroupCommit, Pending
from usdk.export.outbox.database import Database
from usdk.export.outbox.entry import SELECT_OBJECTS, Entry, Priority
from usdk.export.outbox.identity import Identity, identify
from usdk.export.outbox.moves import LOST, Moment, complete, insert, move, withdraw
from usdk.export.outbox.object_store import COPY_BYTES, ObjectStore, Stored
from usdk.export.outbox.room import Room
from usdk.export.outbox.states import Event, State
from usdk.files import storage_errors

__all__ = ["Intake"]

GROUP_OBJECTS = 64
"""Objects that are committed together, at most."""

N_WRITERS = 4
"""Files that are written and synchronised at once."""


@dataclass(frozen=True)
class _Begun:
    """A group whose files are being written, and what keeps them from being taken for orphans."""

    outcomes: Iterator[Entry | Pending | Exception]
    adding: ExitStack


class Intake:
    """Adds objects; shared by threads."""

    def __init__(
        self,
        database: Database,
        store: ObjectStore,
        moment: Callable[[], Moment],
        room: Room,
    ) -> None:
        self._database = database
        self._store = store
        self._moment = moment
        self._room = room
        self._commits = GroupCommit(self._commit)
        self._writers = ThreadPoolExecutor(N_WRITERS, "usdk outbox write")
        self._syncers = ThreadPoolExecutor(N_WRITERS, "usdk outbox sync")

    def take(
        self, openers: Iterable[Callable[[], BinaryIO]], priority: Priority
    ) -> Iterator[list[Entry]]:
        """Add objects in groups; yields each group's entries when they are on the disk."""
        source, begun = iter(openers), deque[_Begun]()
        try:
            while chunk := list(islice(source, GROUP_OBJECTS)):
                begun.append(self._begin(chunk, priority))
                # The files of one group are written while the one before is committed.
                if len(begun) > 1:
                    yield self._end(begun.popleft())
            while begun:
                yield self._end(begun.popleft())
        finally:
            # After an error what was begun is kept, too; the first error is the one to tell.
            while begun:
                with suppress(UsdkError):
                    self._end(begun.popleft())

    def _begin(self, chunk: Sequence[Callable[[], BinaryIO]], priority: Priority) -> _Begun:
        work = partial(_outcome, partial(self._write, priority=priority, sync=len(chunk) > 1))
        with ExitStack() as stack:
            stack.enter_context(self._store.adding())
            # Files synchronised side by side share what the file system writes for them; one alone
            # is synchronised beside its row.
            outcomes = self._writers.map(work, chunk) if len(chunk) > 1 else map(work, chunk)
            return _Begun(outcomes, stack.pop_all())

    def _end(self, begun: _Begun) -> list[Entry]:
        with begun.adding:
            outcomes = list(begun.outcomes)
            group = [found for found in outcomes if isinstance(found, Pending)]
            try:
                # Those beside one that failed are whole: they are kept.
                if group:
                    self._commits.submit(group)
            finally:
                self._room.release(sum(one.entry.stored_bytes for one in group))
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

    def _write(
        self, opener: Callable[[], BinaryIO], priority: Priority, *, sync: bool
    ) -> Entry | Pending:
        with storage_errors("read the file to be queued"), opener() as file:
            identity = identify(file)
            size_bytes = file.seek(0, os.SEEK_END)
            file.seek(0)
            known = self._find(identity.sop_instance_uid)
            if known is not None:
                _require_same(known, _digest(file))
                if not _is_lost(known) and not known.is_arriving:
                    return known
                file.seek(0)
            stored = self._store_file(file, size_bytes, sync=sync)
        entry = self._entry(identity, size_bytes, stored, priority)
        return Pending(entry, None if sync else partial(self._store.sync, stored.name))

    def _store_file(self, file: BinaryIO, size_bytes: int, *, sync: bool) -> Stored:
        stored_bytes = self._store.stored_size(size_bytes)
        self._room.take(stored_bytes)
        try:
            return self._store.write(file, size_bytes, sync=sync)
        except BaseException:
            self._room.release(stored_bytes)
            raise
        finally:
            self._room.written(stored_bytes)

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
        """Have bytes, names and rows on the disk; of two with one UID the first is kept."""
        syncs = [self._syncers.submit(self._sync_with_names, group[0])]
        syncs += [self._syncers.submit(one.sync) for one in group[1:] if one.sync is not None]
        try:
            try:
                with self._database.transaction() as connection:
                    for pending in group:
                        self._write_row(connection, pending)
            finally:
                wait(syncs)
            for sync in syncs:
                sync.result()
            self._complete(group)
        except BaseException:
            self._give_up(group)
            raise
        for pending in group:
            if pending.result is None or pending.result.file != pending.entry.file:
                self._drop(pending)

    def _sync_with_names(self, pending: Pending) -> None:
        # In one thread: file systems with a journal have written the name with the bytes.
        if pending.sync is not None:
            pending.sync()
        self._store.sync_names()

    def _write_row(self, connection: sqlite3.Connection, pending: Pending) -> None:
        known = self._find(pending.entry.sop_instance_uid)
        if known is None:
            known = insert(connection, pending.entry)
        else:
            try:
                _require_same(known, pending.entry.sha256)
            except DataDamagedError as error:
                pending.error = error
                return
            if _is_lost(known):
                known = self._restore(connection, known, pending.entry)
        pending.result = known

    def _complete(self, group: Sequence[Pending]) -> None:
        """Queue what is on the disk. After a power cut that forgets this, recovery does it."""
        own = {pending.entry.file for pending in group}
        for pending in group:
            known = pending.result
            if known is not None and known.is_arriving and known.file not in own:
                # Another is adding the same, or ended while it did.
                self._store.require_whole(known)
                self._store.sync(known.file)
        with self._database.transaction(is_synchronised=False) as connection:
            moment = self._moment()
            for pending in group:
                if pending.result is not None and pending.result.is_arriving:
                    pending.result = complete(connection, pending.result, moment)

    def _give_up(self, group: Sequence[Pending]) -> None:
        # What cannot be withdrawn is looked at when the outbox is opened next.
        with suppress(UsdkError), self._database.transaction() as connection:
            for pending in group:
                withdraw(connection, pending.entry)
        for pending in group:
            pending.result = None
            self._drop_unless_known(pending)

    def _restore(self, connection: sqlite3.Connection, known: Entry, entry: Entry) -> Entry:
        connection.execute(
            "UPDATE objects SET file = ?, stored_bytes = ?, key_id = ? WHERE id = ?",
            (entry.file, entry.stored_bytes, entry.key_id, known.id),
        )
        known = replace(
            known, file=entry.file, stored_bytes=entry.stored_bytes, key_id=entry.key_id
        )
        return move(connection, known, Event.RESTORE, self._moment())

    def _drop_unless_known(self, pending: Pending) -> None:
        # A commit that failed to report may have been made: only what surely has no row may go.
        with suppress(UsdkError):
            query = "SELECT COUNT(*) FROM objects WHERE file = ?"
            if self._database.rows(query, (pending.entry.file,)) == [(0,)]:
                self._drop(pending)

    def _drop(self, pending: Pending) -> None:
        # What cannot be removed is an orphan, and goes when the outbox is opened next.
        with suppress(StorageError):
            self._store.remove(pending.entry.file)

    def _find(self, sop_instance_uid: str) -> Entry | None:
        rows = self._database.rows(
            f"{SELECT_OBJECTS} WHERE sop_instance_uid = ?", (sop_instance_uid,)
        )
        return Entry.from_row(rows[0]) if rows else None

    def close(self) -> None:
        """End the threads; may be called twice."""
        self._writers.shutdown()
        self._syncers.shutdown()


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
