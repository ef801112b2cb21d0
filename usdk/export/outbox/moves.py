"""Changes of state, each in one transaction with the event that the journal will tell of it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace

from usdk.errors import StateError
from usdk.export.outbox.entry import ARRIVING_S, COLUMNS, Entry
from usdk.export.outbox.states import Event, State, next_state
from usdk.trust.journal_folder import journal_time

__all__ = ["LOST", "Moment", "complete", "insert", "move", "withdraw", "write_event"]

LOST = "its file on this unit is missing or damaged: add it again from its source"
"""Reason of what is held for want of its bytes."""

MAX_REASON = 400
"""Longest reason that is kept."""

_DOUBT = {
    Event.INTERRUPT: True,
    Event.RETRY: True,
    Event.RELEASE: True,
    Event.ABSENT: False,
    Event.REFUSE: False,
}

_INSERTED = [name for name in COLUMNS.split(", ") if name != "id"]
_STATE, _NOT_BEFORE = _INSERTED.index("state"), _INSERTED.index("not_before_s")
_PLACES = ", ".join("?" * len(_INSERTED))
# The names of a class and question marks, and nothing from outside.
_INSERT = f"INSERT INTO objects ({', '.join(_INSERTED)}) VALUES ({_PLACES})"  # nosec B608


@dataclass(frozen=True)
class Moment:
    """When something happens and who does it: service time s, wall clock s, actor, lease."""

    now_s: float
    wall_s: float
    actor: str
    lease: str


def insert(connection: sqlite3.Connection, entry: Entry) -> Entry:
    """Write down a new object whose bytes may not be on the disk: it arrives."""
    values = [getattr(entry, name) for name in _INSERTED]
    values[_STATE], values[_NOT_BEFORE] = str(entry.state), ARRIVING_S
    number = connection.execute(_INSERT, values).lastrowid
    assert number is not None
    return replace(entry, id=number, not_before_s=ARRIVING_S)


def complete(connection: sqlite3.Connection, entry: Entry, moment: Moment) -> Entry:
    """Note that a new object is on the disk; only now is it queued, and told of."""
    changed = connection.execute(
        "UPDATE objects SET not_before_s = 0 WHERE file = ? AND not_before_s = ?",
        (entry.file, ARRIVING_S),
    ).rowcount
    if changed:
        detail = {"bytes": str(entry.size_bytes), "sha256": entry.sha256.hex()}
        write_event(connection, Event.ADD, entry.sop_instance_uid, moment, detail)
    return replace(entry, not_before_s=0.0)


def withdraw(connection: sqlite3.Connection, entry: Entry) -> bool:
    """Forget an object whose addition failed; False if it was completed meanwhile."""
    return bool(
        connection.execute(
            "DELETE FROM objects WHERE file = ? AND not_before_s = ?", (entry.file, ARRIVING_S)
        ).rowcount
    )


def move(
    connection: sqlite3.Connection,
    entry: Entry,
    event: Event,
    moment: Moment,
    *,
    delay_s: float = 0.0,
    lease_s: float = 0.0,
    reason: str = "",
    line: str = "",
) -> Entry:
    """Move an object to the state that an event leads to, and write the event down.

    Raises
    ------
    StateError
        The event cannot happen in its state, or another process moved it meanwhile.
    """
    if entry.is_arriving:
        raise StateError("the object is being queued: try again in a moment")
    state = next_state(entry.state, event)
    reason = " ".join(reason.split())[:MAX_REASON]
    moved = replace(
        entry,
        state=state,
        changed_s=moment.now_s if state != entry.state else entry.changed_s,
        not_before_s=moment.now_s + delay_s,
        n_tries=entry.n_tries + (event is Event.CLAIM),
        n_lost=entry.n_lost + (event is Event.ABSENT and entry.state is State.ACCEPTED),
        in_doubt=_DOUBT.get(event, entry.in_doubt),
        reason=reason,
        line=line or entry.line,
        stored_bytes=0 if state is State.PURGED else entry.stored_bytes,
        lease_owner=moment.lease if lease_s else "",
        lease_until_s=moment.now_s + lease_s if lease_s else 0.0,
    )
    changed = connection.execute(
        "UPDATE objects SET state = ?, changed_s = ?, not_before_s = ?, n_tries = ?, n_lost = ?,"
        " in_doubt = ?, reason = ?, line = ?, stored_bytes = ?, lease_owner = ?,"
        " lease_until_s = ? WHERE id = ? AND state = ? AND lease_owner = ?",
        (
            str(moved.state),
            moved.changed_s,
            moved.not_before_s,
            moved.n_tries,
            moved.n_lost,
            moved.in_doubt,
            moved.reason,
            moved.line,
            moved.stored_bytes,
            moved.lease_owner,
            moved.lease_until_s,
            entry.id,
            str(entry.state),
            entry.lease_owner,
        ),
    ).rowcount
    if not changed:
        raise StateError(
            "another process took this object over, as the lease had run out: leave it to that one"
        )
    if state != entry.state or event in (Event.RETRY, Event.LOSE):
        facts = {"from": str(entry.state), "to": str(state), "reason": reason, "line": line}
        detail = {name: text for name, text in facts.items() if text}
        write_event(connection, event, entry.sop_instance_uid, moment, detail)
    return moved


def write_event(
    connection: sqlite3.Connection,
    action: str,
    uid: str,
    moment: Moment,
    detail: Mapping[str, str],
) -> None:
    """Write down what the journal shall tell; it is durable with the transaction."""
    connection.execute(
        "INSERT INTO events (time, actor, action, uid, detail) VALUES (?, ?, ?, ?, ?)",
        (journal_time(moment.wall_s), moment.actor, str(action), uid, json.dumps(dict(detail))),
    )
