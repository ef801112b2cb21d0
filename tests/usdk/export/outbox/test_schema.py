from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from usdk.errors import StorageError
from usdk.export.outbox import Outbox, State
from usdk.export.outbox.schema import SCHEMA_VERSION, migrate

OLD_ROW = (
    "INSERT INTO objects (sop_instance_uid, sop_class_uid, study_instance_uid,"
    " series_instance_uid, transfer_syntax_uid, size_bytes, sha256, file, stored_bytes, state,"
    " priority, created_s, created_wall_s, changed_s)"
    " VALUES ('1.2.{n}', '1.2', '1.3', '1.4', '1.5', 3, x'{sha}', '{file}', 3, 'queued', 1,"
    " {n}, 0, {n})"
)


def old_file(folder: Path) -> None:
    """An outbox of version 1 with two objects, as its program left it."""
    (folder / "objects").mkdir(parents=True)
    connection = sqlite3.connect(folder / "outbox.sqlite3", isolation_level=None)
    migrate(connection, up_to=1)
    for n in (1, 2):
        name = f"{n:032x}"
        (folder / "objects" / name).write_bytes(b"abc")
        connection.execute(OLD_ROW.format(n=n, sha="00" * 32, file=name))
    connection.close()


def test_an_old_file_is_migrated_and_nothing_in_it_lost(tmp_path: Path) -> None:
    old_file(tmp_path / "box")
    with Outbox(tmp_path / "box") as outbox:
        assert [entry.sop_instance_uid for entry in outbox.list()] == ["1.2.1", "1.2.2"]
        assert outbox.counts()[State.QUEUED].n_objects == 2
        assert outbox.counts()[State.QUEUED].n_bytes == 6
        assert outbox.recovery.n_lost == 0
    connection = sqlite3.connect(tmp_path / "box/outbox.sqlite3")
    assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    connection.close()


def test_a_newer_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    Outbox(tmp_path / "box").close()
    connection = sqlite3.connect(tmp_path / "box/outbox.sqlite3")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(StorageError, match="update usdk"):
        Outbox(tmp_path / "box")


def test_a_migration_that_fails_leaves_the_old_version(tmp_path: Path) -> None:
    old_file(tmp_path / "box")
    connection = sqlite3.connect(tmp_path / "box/outbox.sqlite3", isolation_level=None)
    connection.execute("CREATE TABLE totals (in_the_way)")
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection)
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    columns = [row[1] for row in connection.execute("PRAGMA table_info(objects)")]
    assert "n_lost" not in columns
    connection.close()
