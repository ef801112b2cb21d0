"""Claims: which objects go next, and whose they are meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from usdk.export.outbox.database import Database
from usdk.export.outbox.entry import SELECT_OBJECTS, Entry
from usdk.export.outbox.moves import Moment, move
from usdk.export.outbox.recovery import release_leases
from usdk.export.outbox.states import Event

__all__ = ["BACKLOG_AFTER_S", "claim_accepted", "claim_queued", "renew"]

BACKLOG_AFTER_S = 900.0
"""What has waited longer is backlog, and gives way to what is fresh."""


def claim_queued(
    database: Database, moment: Moment, *, n: int, lease_s: float, max_bytes: int
) -> list[Entry]:
    """Take up to ``n`` queued objects of one study: at least one, then ``max_bytes`` together."""
    release_leases(database, moment)
    # A look costs nothing; a transaction that finds nothing would still be synchronised.
    query = "SELECT 1 FROM objects WHERE state = 'queued' AND not_before_s <= ? LIMIT 1"
    if not database.rows(query, (moment.now_s,)):
        return []
    claimed: list[Entry] = []
    with database.transaction() as connection:
        first = connection.execute(
            f"{SELECT_OBJECTS} WHERE state = 'queued' AND not_before_s <= ?"
            " ORDER BY priority DESC, created_s < ?, id LIMIT 1",
            (moment.now_s, moment.now_s - BACKLOG_AFTER_S),
        ).fetchone()
        if first is None:
            return []
        rows = connection.execute(
            f"{SELECT_OBJECTS} WHERE study_instance_uid = ? AND state = 'queued'"
            " AND not_before_s <= ? ORDER BY priority DESC, id LIMIT ?",
            (Entry.from_row(first).study_instance_uid, moment.now_s, n),
        ).fetchall()
        n_bytes = 0
        for entry in map(Entry.from_row, rows):
            n_bytes += entry.size_bytes
            if claimed and n_bytes > max_bytes:
                break
            claimed.append(move(connection, entry, Event.CLAIM, moment, lease_s=lease_s))
    return claimed


def claim_accepted(database: Database, moment: Moment, *, n: int, lease_s: float) -> list[Entry]:
    """Take up to ``n`` accepted objects that are to be asked for, the oldest first."""
    release_leases(database, moment)
    values = (moment.now_s, n)
    query = (
        f"{SELECT_OBJECTS} WHERE state = 'accepted' AND lease_owner = ''"
        " AND not_before_s <= ? ORDER BY not_before_s LIMIT ?"
    )
    if not database.rows(query, values):
        return []
    with database.transaction() as connection:
        entries = [Entry.from_row(row) for row in connection.execute(query, values)]
        until_s = moment.now_s + lease_s
        connection.executemany(
            "UPDATE objects SET lease_owner = ?, lease_until_s = ? WHERE id = ?",
            [(moment.lease, until_s, entry.id) for entry in entries],
        )
    return [replace(entry, lease_owner=moment.lease, lease_until_s=until_s) for entry in entries]


def renew(database: Database, entries: Sequence[Entry], *, lease_s: float) -> None:
    """Hold claims longer, those that are still held."""
    until_s = database.now_s() + lease_s
    with database.transaction() as connection:
        connection.executemany(
            "UPDATE objects SET lease_until_s = ? WHERE id = ? AND lease_owner = ?",
            [(until_s, entry.id, entry.lease_owner) for entry in entries],
        )
