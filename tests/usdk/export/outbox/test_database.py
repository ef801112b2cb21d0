"""Who reads the state need not wait for who writes it, and sees whole transactions alone."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from usdk.errors import StateError, StorageError
from usdk.export.outbox.clock import read_clock
from usdk.export.outbox.database import Database

QUERY = "SELECT value FROM meta WHERE key = 'n'"


@pytest.fixture
def database(tmp_path: Path):
    found = Database(tmp_path / "outbox.sqlite3", read_clock)
    yield found
    found.close()


def put(database: Database, value: int) -> None:
    with database.transaction() as connection:
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('n', ?)", (value,))


def test_a_transaction_sees_itself_and_others_what_is_committed(database: Database) -> None:
    put(database, 1)
    seen = []
    with database.transaction() as connection:
        connection.execute("UPDATE meta SET value = 2 WHERE key = 'n'")
        assert database.rows(QUERY) == [(2,)]
        other = threading.Thread(target=lambda: seen.append(database.rows(QUERY)))
        other.start()
        other.join(30)
        assert seen == [[(1,)]]
    assert database.rows(QUERY) == [(2,)]


def test_what_was_rolled_back_is_not_seen(database: Database) -> None:
    put(database, 1)

    def fail() -> None:
        with database.transaction() as connection:
            connection.execute("UPDATE meta SET value = 2 WHERE key = 'n'")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert database.rows(QUERY) == [(1,)]


def test_a_query_does_not_write(database: Database) -> None:
    with pytest.raises(StorageError, match="read-only"):
        database.rows("DELETE FROM meta")


def test_threads_read_while_others_write(database: Database) -> None:
    put(database, 0)
    failures = []

    def read() -> None:
        last = 0
        for _ in range(300):
            ((value,),) = database.rows(QUERY)
            if value < last:
                failures.append((last, value))
            last = value

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for value in range(1, 40):
        put(database, value)
        assert database.rows(QUERY) == [(value,)]
    for reader in readers:
        reader.join(60)
    assert failures == []


def test_closing_leaves_one_file_and_refuses_what_comes(tmp_path: Path) -> None:
    database = Database(tmp_path / "outbox.sqlite3", read_clock)
    put(database, 1)
    database.close()
    database.close()
    assert [path.name for path in tmp_path.iterdir()] == ["outbox.sqlite3"]
    with pytest.raises(StateError, match="closed"):
        database.rows(QUERY)
    with pytest.raises(StateError, match="closed"):
        put(database, 2)


RACE = """
import multiprocessing, sys
from pathlib import Path
from usdk.export.outbox.clock import read_clock
from usdk.export.outbox.database import Database

def open_one(path, begin):
    begin.wait(60)
    Database(path, read_clock).close()

fork = multiprocessing.get_context("fork")
for n in range(40):
    begin = fork.Barrier(4)
    path = Path(sys.argv[1]) / f"{n}.sqlite3"
    processes = [fork.Process(target=open_one, args=(path, begin)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 4
"""


def test_processes_that_open_a_new_file_together_all_get_it(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", RACE, str(tmp_path)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
