"""Outbox: objects are kept, whole and in order, until their arrival is proven."""

from __future__ import annotations

import io
import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from usdk.errors import ArgumentError, StateError, UsdkError
from usdk.export.lines.line import Outgoing
from usdk.export.outbox.actor import default_actor
from usdk.export.outbox.claims import claim_accepted, claim_queued, renew
from usdk.export.outbox.clock import ReadClock, read_clock
from usdk.export.outbox.database import Database
from usdk.export.outbox.entry import SELECT_OBJECTS, Entry, Priority
from usdk.export.outbox.examination import Finding, examine
from usdk.export.outbox.intake import Intake
from usdk.export.outbox.journalling import Journalling
from usdk.export.outbox.keys import KeyStore
from usdk.export.outbox.moves import Moment, move, write_event
from usdk.export.outbox.object_store import ObjectStore
from usdk.export.outbox.owner import make_lease, make_owner
from usdk.export.outbox.reading import OutboxReading
from usdk.export.outbox.recovery import complete_arrivals, recover, release_leases
from usdk.export.outbox.room import Room
from usdk.export.outbox.space import RESERVE_BYTES
from usdk.export.outbox.states import UNCONFIRMED, Event, State
from usdk.files import make_durable_folder, open_regular, storage_errors
from usdk.trust import Signer
from usdk.trust.journal import JournalRecord
from usdk.trust.journal_folder import JournalFolder

__all__ = ["ALARM_AFTER_S", "LEASE_S", "RETAIN_S", "SIGN_EVERY", "Outbox"]

LEASE_S = 120.0
"""How long a claim holds without being renewed."""

RETAIN_S = 30 * 86400.0
"""How long a confirmed object stays on the unit."""

ALARM_AFTER_S = 3600.0
"""Age of the oldest unconfirmed object at which the recovery point is an alarm."""

SIGN_EVERY = 100
"""Journal records under one signature: some twenty objects' worth."""

_CLAIM_BYTES = 64 << 20


class Outbox(OutboxReading):
    """A durable store-and-forward queue in a folder, shared by any number of processes.

    What `add` returned is on the disk, and stays until it is confirmed and its retention is over,
    or until a person discards it. A context manager.

    Parameters
    ----------
    folder : path-like
        Made when absent, for its owner alone.
    keys : KeyStore, optional
        Encrypts objects at rest. Without it they lie there as plain DICOM files.
    quota_bytes : int, optional
        Bytes that objects may take together.
    reserve_bytes : int
        Bytes kept free on the disk.
    alarm_after_s : float
        Age of the oldest unconfirmed object that is an alarm, s.
    retain_s : float
        How long a confirmed object is kept, s; sooner removed when its room is needed.
    actor : str, optional
        Who acts, for the journal; the user of the system when absent.
    signer : Signer, optional
        Signs the journal's head.
    sign_every : int
        Records after which it is signed again.
    subscriber : callable, optional
        Given each `JournalRecord` once it is on the disk.
    read_clock : callable
        The clocks of the machine.

    Raises
    ------
    StorageError
        The folder cannot be used, or was written by a newer program.
    DataDamagedError
        The state is damaged.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        keys: KeyStore | None = None,
        quota_bytes: int | None = None,
        reserve_bytes: int = RESERVE_BYTES,
        alarm_after_s: float = ALARM_AFTER_S,
        retain_s: float = RETAIN_S,
        actor: str | None = None,
        signer: Signer | None = None,
        sign_every: int = SIGN_EVERY,
        subscriber: Callable[[JournalRecord], None] | None = None,
        read_clock: ReadClock = read_clock,
    ) -> None:
        if (quota_bytes is not None and quota_bytes <= 0) or reserve_bytes < 0:
            raise ArgumentError("quota_bytes must be positive, and reserve_bytes not negative")
        if sign_every < 1:
            raise ArgumentError("sign_every must be at least 1")
        self.folder = Path(folder)
        self._retain_s = retain_s
        self._actor = default_actor() if actor is None else actor
        self._owner = make_owner()
        with storage_errors("make the outbox"):
            make_durable_folder(self.folder)
        self._store = ObjectStore(self.folder / "objects", keys)
        super().__init__(Database(self.folder / "outbox.sqlite3", read_clock), alarm_after_s)
        self._journal = JournalFolder(
            self.journal_folder,
            actor=self._actor,
            signer=signer,
            sign_every=sign_every,
            subscriber=subscriber,
        )
        self._journalling = Journalling(self._database, self._journal)
        self._room = Room(self._database, self._store, self._moment, quota_bytes, reserve_bytes)
        self._intake = Intake(self._database, self._store, self._moment, self._room)
        try:
            self.recovery = recover(self._database, self._store, self._moment())
            self._journalling.flush()
        except BaseException:
            self._journal.close()
            self._database.close()
            raise

    @property
    def journal_folder(self) -> Path:
        """Where the journal is."""
        return self.folder / "journal"

    def _moment(self) -> Moment:
        database = self._database
        lease = make_lease(self._owner)
        return Moment(database.now_s(), database.wall_s(), self._actor, lease)

    def add(
        self,
        source: str | os.PathLike[str] | bytes,
        *,
        priority: Priority = Priority.ROUTINE,
    ) -> Entry:
        """Queue a DICOM file, by its path or its bytes; it is on the disk when this returns.

        An object that is known, in any state, is not queued again. Calls from several threads
        share the cost of synchronising.

        Raises
        ------
        DataDamagedError
            It is no DICOM file, or the outbox knows other bytes under its SOP Instance UID.
        StorageError
            It cannot be read, or there is no room for it.
        """
        return self.add_many([source], priority=priority)[0]

    def add_many(
        self,
        sources: Iterable[str | os.PathLike[str] | bytes],
        *,
        priority: Priority = Priority.ROUTINE,
    ) -> list[Entry]:
        """Queue several files, synchronised in groups; raises as `add` does.

        After an error those before it may be queued; to call again with all of them is safe.
        """
        openers: Iterable[Callable[[], BinaryIO]] = (partial(_open, source) for source in sources)
        entries: list[Entry] = []
        for group in self._intake.take(openers, Priority(priority)):
            entries += group
            self._journalling.note(len(group))
        return entries

    def claim(
        self, n: int = 1, *, lease_s: float = LEASE_S, max_bytes: int = _CLAIM_BYTES
    ) -> list[Entry]:
        """Take up to ``n`` queued objects of one study for sending; they are nobody else's.

        The most urgent first, and of equals what is fresh before a backlog. At least one, however
        large; then no more than ``max_bytes`` together. Each must be settled, or renewed before
        the lease runs out.
        """
        claimed = claim_queued(
            self._database, self._moment(), n=n, lease_s=lease_s, max_bytes=max_bytes
        )
        self._journalling.note(len(claimed))
        return claimed

    def claim_accepted(self, n: int = 1, *, lease_s: float = LEASE_S) -> list[Entry]:
        """Take up to ``n`` accepted objects that are to be asked for, the oldest first."""
        return claim_accepted(self._database, self._moment(), n=n, lease_s=lease_s)

    def renew(self, entries: Sequence[Entry], *, lease_s: float = LEASE_S) -> None:
        """Hold claims longer; one that another process took over meanwhile stays with that."""
        renew(self._database, entries, lease_s=lease_s)

    def settle(
        self,
        entry: Entry,
        event: Event,
        *,
        delay_s: float = 0.0,
        reason: str = "",
        line: str = "",
    ) -> Entry:
        """Say what became of a claimed object; returns it as it is now.

        Raises
        ------
        StateError
            The event cannot follow, or the lease ran out and another process has the object.
        """
        with self._database.transaction() as connection:
            moved = move(
                connection, entry, event, self._moment(), delay_s=delay_s, reason=reason, line=line
            )
        self._journalling.note(1)
        return moved

    def confirm(self, entry: Entry, *, reason: str = "", line: str = "") -> Entry:
        """Settle a claimed object as confirmed, and retain it: one transaction."""
        with self._database.transaction() as connection:
            moment = self._moment()
            confirmed = move(connection, entry, Event.CONFIRM, moment, reason=reason, line=line)
            retained = move(connection, confirmed, Event.RETAIN, moment, reason=reason)
        self._journalling.note(2)
        return retained

    def open(self, entry: Entry) -> BinaryIO:
        """Open the file of an object, decrypted, from its first byte.

        Raises
        ------
        DataDamagedError
            On opening or reading: the bytes are not those that were added.
        NotTrustedError
            The key is not held.
        StorageError
            The file cannot be read.
        """
        if entry.state is State.PURGED:
            raise StateError("the object was removed after it had been confirmed")
        return self._store.open(entry)

    def outgoing(self, entry: Entry) -> Outgoing:
        """Return what a line must know of an object."""
        return Outgoing(
            entry.sop_class_uid,
            entry.sop_instance_uid,
            entry.study_instance_uid,
            entry.series_instance_uid,
            entry.transfer_syntax_uid,
            entry.size_bytes,
            partial(self.open, entry),
        )

    def retry(self, sop_instance_uid: str, *, priority: Priority | None = None) -> Entry:
        """Send an object again now: one that is held, waits, or was accepted and never confirmed.

        The receiver is asked for it first. `ArgumentError` if there is no such object.
        """
        with self._database.transaction() as connection:
            entry = self._known(sop_instance_uid)
            moved = move(connection, entry, Event.RETRY, self._moment())
            if priority is not None:
                moved = replace(moved, priority=int(Priority(priority)))
                connection.execute(
                    "UPDATE objects SET priority = ? WHERE id = ?", (moved.priority, moved.id)
                )
        self._journalling.note(1)
        return moved

    def purge(self, sop_instance_uid: str | None = None, *, discard: bool = False) -> int:
        """Remove bytes from the unit; returns how many objects.

        Without a UID: every confirmed object whose retention is over. With one: that object, if it
        is confirmed; with ``discard`` even if it never was, which is journalled as such.

        Raises
        ------
        StateError
            The object is not confirmed.
        """
        if sop_instance_uid is None:
            return self._purge_old()
        with self._database.transaction() as connection:
            entry = self._known(sop_instance_uid)
            if entry.state is State.PURGED:
                return 0
            if entry.state in UNCONFIRMED and not discard:
                raise StateError(
                    "the object is not confirmed, and the unit may hold the only copy: deliver it,"
                    " or discard it on purpose"
                )
            self._remove(connection, entry)
        self._store.remove(entry.file)
        self._journalling.note(2)
        return 1

    def _remove(self, connection: sqlite3.Connection, entry: Entry) -> None:
        moment = self._moment()
        if entry.state in UNCONFIRMED:
            move(connection, entry, Event.DISCARD, moment)
            return
        if entry.state is State.CONFIRMED:
            entry = move(connection, entry, Event.RETAIN, moment)
        move(connection, entry, Event.PURGE, moment)

    def _purge_old(self) -> int:
        before_s = self._database.now_s() - self._retain_s
        rows = self._database.rows(
            f"{SELECT_OBJECTS} WHERE state = 'retained' AND changed_s <= ? ORDER BY id LIMIT 1000",
            (before_s,),
        )
        return self._room.purge([Entry.from_row(row) for row in rows])

    def _known(self, sop_instance_uid: str) -> Entry:
        entry = self.get(sop_instance_uid)
        if entry is None:
            raise ArgumentError(
                "the outbox knows no object with this SOP Instance UID: see 'usdk outbox list'"
            )
        return entry

    def record(self, action: str, uid: str = "", **detail: str) -> None:
        """Have the journal tell of something else than a change of state; never of a patient."""
        with self._database.transaction() as connection:
            write_event(connection, action, uid, self._moment(), detail)
        self._journalling.note(1)

    def set_line_in_use(self, name: str) -> None:
        """Note which line a delivery uses, for whoever looks; empty for none."""
        with self._database.transaction() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO meta VALUES (?, ?)",
                [("line_in_use", name), ("line_user", self._owner)],
            )

    def complete_arrivals(self) -> int:
        """Queue what a process could not that ended while it added; returns how many objects."""
        n_completed = complete_arrivals(self._database, self._store, self._moment())
        self._journalling.note(n_completed)
        return n_completed

    def flush_journal(self) -> None:
        """Have the journal tell everything up to now."""
        self._journalling.flush()

    def doctor(self, *, deep: bool = False) -> tuple[Finding, ...]:
        """Examine state, files, journal and space; ``deep`` reads every object through."""
        found: tuple[Finding, ...] = ()
        try:
            self._journalling.flush()
        except UsdkError as error:  # a full disk is what one asks a doctor about
            found = (Finding(True, str(error)),)
        return found + examine(
            self._database,
            self._store,
            self.journal_folder,
            self.recovery_point(),
            self.list(),
            self._room.space(),
            deep=deep,
        )

    def close(self) -> None:
        """Give back what was claimed, have the journal tell everything, and close.

        May be called twice.
        """
        try:
            release_leases(self._database, self._moment(), of=self._owner)
            self._journalling.flush()
        except StateError:
            return  # closed already
        finally:
            self._intake.close()
            self._journal.close()
            self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _open(source: str | os.PathLike[str] | bytes) -> BinaryIO:
    if isinstance(source, bytes | bytearray | memoryview):
        return io.BytesIO(source)
    return os.fdopen(open_regular(source, "the file to be queued"), "rb")
