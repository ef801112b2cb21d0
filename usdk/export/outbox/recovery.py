"""What is put right as an outbox is opened, after a crash at any point or none."""

from __future__ import annotations

from dataclasses import dataclass

from usdk.errors import DataDamagedError, NotTrustedError, StorageError
from usdk.export.outbox.database import Database
from usdk.export.outbox.entry import ARRIVING_S, SELECT_OBJECTS, Entry
from usdk.export.outbox.moves import LOST, Moment, complete, move, withdraw, write_event
from usdk.export.outbox.object_store import ObjectStore
from usdk.export.outbox.owner import is_surely_dead
from usdk.export.outbox.states import Event, State

__all__ = ["Recovery", "complete_arrivals", "recover", "release_leases"]


@dataclass(frozen=True)
class Recovery:
    """What was found: leases of the dead, files without a row, rows whose file is not right."""

    n_leases: int
    n_orphans: int
    n_lost: int


def recover(database: Database, store: ObjectStore, moment: Moment) -> Recovery:
    """Release what dead processes held, remove files without rows, hold rows without files."""
    n_leases = release_leases(database, moment, all_dead=True)
    _retain_confirmed(database, moment)

    def known() -> set[str]:
        return {
            row[0]
            for row in database.rows("SELECT file FROM objects WHERE state != ?", (State.PURGED,))
        }

    complete_arrivals(database, store, moment)
    orphans = store.remove_orphans(known) or []
    if orphans:
        with database.transaction() as connection:
            detail = {"files": str(len(orphans))}
            write_event(connection, "orphans removed", "", moment, detail)
    return Recovery(n_leases, len(orphans), _hold_lost(database, store, moment))


def complete_arrivals(database: Database, store: ObjectStore, moment: Moment) -> int:
    """Queue what whoever added it could not, being ended; forget what never came to the disk.

    Returns how many are queued now. While an addition is under way, nothing is done. An object
    whose key is not held stays as it is.
    """
    query = f"{SELECT_OBJECTS} WHERE state = 'queued' AND not_before_s = ?"
    if not database.rows(query, (ARRIVING_S,)):
        return 0
    with store.alone() as is_alone:
        if not is_alone:
            return 0
        whole, gone = [], []
        for entry in map(Entry.from_row, database.rows(query, (ARRIVING_S,))):
            try:
                store.require_whole(entry)
                store.sync(entry.file)
                whole.append(entry)
            except NotTrustedError:
                continue
            except (DataDamagedError, StorageError):
                gone.append(entry)
        store.sync_names()
        with database.transaction() as connection:
            for entry in whole:
                complete(connection, entry, moment)
            # `add` had not returned: whoever called it still has the object.
            for entry in gone:
                withdraw(connection, entry)
        for entry in gone:
            store.remove(entry.file)
    return len(whole)


def release_leases(
    database: Database, moment: Moment, *, all_dead: bool = False, of: str | None = None
) -> int:
    """Release leases that ran out and, when asked, those of the surely dead or of one owner.

    What was being sent goes back to the queue, in doubt whether it arrived.
    """
    rows = database.rows(
        "SELECT id, lease_owner, lease_until_s FROM objects"
        " WHERE state IN ('sending', 'accepted') AND lease_owner != ''"
    )
    dead: dict[str, bool] = {}
    ids = []
    for number, owner, until_s in rows:
        if all_dead and owner not in dead:
            dead[owner] = is_surely_dead(owner)
        if (
            until_s <= moment.now_s
            or (of is not None and owner.startswith(of))
            or dead.get(owner, False)
        ):
            ids.append((number, owner))
    if not ids:
        return 0
    with database.transaction() as connection:
        for number, owner in ids:
            row = connection.execute(
                f"{SELECT_OBJECTS} WHERE id = ? AND lease_owner = ?", (number, owner)
            ).fetchone()
            if row is None:
                continue
            entry = Entry.from_row(row)
            event = Event.INTERRUPT if entry.state is State.SENDING else Event.WAIT
            move(connection, entry, event, moment, reason="the sender ended")
    return len(ids)


def _retain_confirmed(database: Database, moment: Moment) -> None:
    query = f"{SELECT_OBJECTS} WHERE state = 'confirmed'"
    if not database.rows(query):
        return
    with database.transaction() as connection:
        for row in connection.execute(query).fetchall():
            move(connection, Entry.from_row(row), Event.RETAIN, moment)


def _hold_lost(database: Database, store: ObjectStore, moment: Moment) -> int:
    # Files first: one that is added in between has its row by then, and is not in the list.
    newest = database.rows("SELECT COALESCE(MAX(id), 0) FROM objects")[0][0]
    sizes = store.sizes()
    rows = database.rows(
        "SELECT id, file, stored_bytes FROM objects"
        " WHERE state != 'purged' AND id <= ? AND reason != ? AND not_before_s != ?",
        (newest, LOST, ARRIVING_S),
    )
    lost = [number for number, file, stored in rows if sizes.get(file) != stored]
    for number in lost:
        with database.transaction() as connection:
            row = connection.execute(f"{SELECT_OBJECTS} WHERE id = ?", (number,)).fetchone()
            entry = Entry.from_row(row)
            # Another process may have purged it since.
            if entry.state is not State.PURGED:
                move(connection, entry, Event.LOSE, moment, reason=LOST)
    return len(lost)
