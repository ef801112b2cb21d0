"""What ``doctor`` looks at: state, files, journal, space; it changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from usdk.errors import UsdkError
from usdk.export.outbox.database import Database
from usdk.export.outbox.entry import Entry, RecoveryPoint
from usdk.export.outbox.object_store import ObjectStore
from usdk.export.outbox.space import Space
from usdk.export.outbox.states import State
from usdk.trust.journal import verify_chain
from usdk.trust.journal_folder import journal_lines

__all__ = ["Finding", "examine"]


@dataclass(frozen=True)
class Finding:
    """One thing that was found: a problem or a remark."""

    is_problem: bool
    text: str


def examine(
    database: Database,
    store: ObjectStore,
    journal: Path,
    point: RecoveryPoint,
    entries: Sequence[Entry],
    space: Space,
    *,
    deep: bool,
) -> tuple[Finding, ...]:
    """Return what was found, the problems first."""
    found = [*_state(database), *_files(store, entries), *_journal(journal)]
    if deep:
        found += _objects(store, entries)
    held = [entry for entry in entries if entry.state is State.HELD]
    found += [Finding(True, f"{entry.sop_instance_uid} is held: {entry.reason}") for entry in held]
    if point.alarm:
        found.append(Finding(True, f"the oldest unconfirmed object waits for {point.age_s:.0f} s"))
    if space.free_bytes < space.reserve_bytes:
        found.append(Finding(True, f"{space.free_bytes} bytes are free, less than the reserve"))
    n_plain = sum(not entry.key_id and entry.state is not State.PURGED for entry in entries)
    if n_plain:
        found.append(Finding(False, f"{n_plain} objects are not encrypted at rest"))
    return tuple(sorted(found, key=lambda finding: not finding.is_problem))


def _state(database: Database) -> list[Finding]:
    try:
        rows = database.rows("PRAGMA quick_check(10)")
    except UsdkError as error:
        return [Finding(True, str(error))]
    return [Finding(True, f"the state is damaged: {row[0]}") for row in rows if row[0] != "ok"]


def _files(store: ObjectStore, entries: Sequence[Entry]) -> list[Finding]:
    sizes = store.sizes()
    kept = [entry for entry in entries if entry.state is not State.PURGED]
    return [
        Finding(True, f"{entry.sop_instance_uid}: its file is missing or cut short")
        for entry in kept
        if sizes.get(entry.file) != entry.stored_bytes
    ]


def _journal(folder: Path) -> list[Finding]:
    try:
        report = verify_chain(journal_lines(folder))
    except UsdkError as error:
        return [Finding(False, str(error))]
    found = [Finding(True, f"journal: {problem}") for problem in report.problems]
    if report.n_cuts:
        found.append(Finding(False, f"journal: {report.n_cuts} torn ends were cut after crashes"))
    found.append(Finding(False, f"journal: {report.n_records} records, head {report.head}"))
    return found


def _objects(store: ObjectStore, entries: Sequence[Entry]) -> list[Finding]:
    found = []
    for entry in entries:
        if entry.state is State.PURGED:
            continue
        try:
            store.require_whole(entry)
        except UsdkError as error:
            found.append(Finding(True, f"{entry.sop_instance_uid}: {error}"))
    return found
