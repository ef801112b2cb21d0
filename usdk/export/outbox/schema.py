"""The tables of the outbox, and how an older file becomes a newer one."""

from __future__ import annotations

import sqlite3

from usdk.errors import StorageError

__all__ = ["SCHEMA_VERSION", "migrate"]

_FIRST = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE objects (
    id INTEGER PRIMARY KEY,
    sop_instance_uid TEXT NOT NULL UNIQUE,
    sop_class_uid TEXT NOT NULL,
    study_instance_uid TEXT NOT NULL,
    series_instance_uid TEXT NOT NULL,
    transfer_syntax_uid TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    file TEXT NOT NULL UNIQUE,
    stored_bytes INTEGER NOT NULL,
    key_id TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL,
    priority INTEGER NOT NULL,
    created_s REAL NOT NULL,
    created_wall_s REAL NOT NULL,
    changed_s REAL NOT NULL,
    not_before_s REAL NOT NULL DEFAULT 0,
    n_tries INTEGER NOT NULL DEFAULT 0,
    in_doubt INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '',
    line TEXT NOT NULL DEFAULT '',
    lease_owner TEXT NOT NULL DEFAULT '',
    lease_until_s REAL NOT NULL DEFAULT 0
);
CREATE TABLE events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    time TEXT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    uid TEXT NOT NULL,
    detail TEXT NOT NULL
);
"""

# Counts are kept, not counted: a look at ten thousand objects costs what a look at one does.
_TOTALS = """
ALTER TABLE objects ADD COLUMN n_lost INTEGER NOT NULL DEFAULT 0;
CREATE INDEX objects_by_state ON objects (state, created_s);
CREATE INDEX objects_by_study ON objects (study_instance_uid, state);
CREATE TABLE totals (
    state TEXT PRIMARY KEY, n_objects INTEGER NOT NULL, n_bytes INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO totals SELECT state, COUNT(*), SUM(stored_bytes) FROM objects GROUP BY state;
CREATE TRIGGER objects_added AFTER INSERT ON objects BEGIN
    INSERT INTO totals VALUES (NEW.state, 1, NEW.stored_bytes)
    ON CONFLICT (state) DO UPDATE SET
        n_objects = n_objects + 1, n_bytes = n_bytes + NEW.stored_bytes;
END;
CREATE TRIGGER objects_moved AFTER UPDATE OF state, stored_bytes ON objects BEGIN
    UPDATE totals SET n_objects = n_objects - 1, n_bytes = n_bytes - OLD.stored_bytes
        WHERE state = OLD.state;
    INSERT INTO totals VALUES (NEW.state, 1, NEW.stored_bytes)
    ON CONFLICT (state) DO UPDATE SET
        n_objects = n_objects + 1, n_bytes = n_bytes + NEW.stored_bytes;
END;
CREATE TRIGGER objects_removed AFTER DELETE ON objects BEGIN
    UPDATE totals SET n_objects = n_objects - 1, n_bytes = n_bytes - OLD.stored_bytes
        WHERE state = OLD.state;
END;
"""

_STEPS = (_FIRST, _TOTALS)
SCHEMA_VERSION = len(_STEPS)
"""The version this program writes; ``PRAGMA user_version`` of the file."""


def migrate(connection: sqlite3.Connection, *, up_to: int = SCHEMA_VERSION) -> None:
    """Bring an open file to version ``up_to``, each step whole or not at all.

    Raises
    ------
    StorageError
        The file was written by a newer program.
    """
    while True:
        if _version(connection) == up_to:
            return
        connection.execute("BEGIN EXCLUSIVE")
        try:
            version = _version(connection)  # again: another process may have been first
            if version > up_to:
                raise StorageError(
                    f"the outbox is of version {version}, newer than this program's {up_to}:"
                    " update usdk"
                )
            if version < up_to:
                for statement in _statements(_STEPS[version]):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {version + 1}")
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _statements(script: str) -> list[str]:
    """Split a script; `executescript` would commit each step's transaction early."""
    found, text = [], ""
    for piece in script.split(";"):
        text += piece + ";"
        if sqlite3.complete_statement(text):
            found.append(text.strip())
            text = ""
    return [statement for statement in found if statement != ";"]
