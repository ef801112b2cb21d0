"""The outbox's state on disk: one SQLite file, write-ahead log, full synchronisation."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from usdk.errors import DataDamagedError, StateError, StorageError, UsdkError
from usdk.export.outbox.clock import ReadClock, ServiceClock
from usdk.export.outbox.schema import migrate
from usdk.files import storage_advice, sync_folder

__all__ = ["BUSY_TIMEOUT_S", "Database"]

BUSY_TIMEOUT_S = 60.0
"""How long a process waits for another's transaction; those last milliseconds."""

_RETRY_S = 0.005
_CORRUPT = ("SQLITE_CORRUPT", "SQLITE_NOTADB")


class Database:
    """Two connections, each used by the threads of a process one at a time.

    One is for transactions. The other reads what is committed, and need not wait for them.
    """

    def __init__(self, path: Path, read: ReadClock) -> None:
        self._lock = threading.RLock()
        self._reading = threading.Lock()
        self._writer: int | None = None
        self._read = read
        self._is_open = True
        with database_errors("open the outbox"):
            is_new = not path.exists()
            if is_new:
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._connection = _connect(path)
            self._reader: sqlite3.Connection | None = None
            try:
                _log_ahead(self._connection)
                self._connection.execute("PRAGMA synchronous = FULL")
                migrate(self._connection)
                if is_new:
                    sync_folder(path.parent)
                self._clock = self._resume_clock()
                self._reader = _connect(path)
                self._reader.execute("PRAGMA query_only = ON")
            except BaseException:
                self.close()
                raise

    def now_s(self) -> float:
        """Return the service time, s."""
        return self._clock.at(self._read())

    def wall_s(self) -> float:
        """Return the wall clock, s since 1970."""
        return self._read().wall_s

    @contextmanager
    def transaction(self, *, is_synchronised: bool = True) -> Iterator[sqlite3.Connection]:
        """Begin a transaction that writes; it is on the disk when the block has ended.

        One that is not synchronised is whole or absent after a power cut, and on the disk with the
        next that is.
        """
        with self._lock, database_errors("write the outbox"):
            self._require_open()
            with self._synchronised(is_synchronised), self._begun():
                self._writer = threading.get_ident()
                try:
                    yield self._connection
                finally:
                    self._writer = None

    @contextmanager
    def _synchronised(self, is_synchronised: bool) -> Iterator[None]:
        if is_synchronised:
            yield
            return
        self._connection.execute("PRAGMA synchronous = NORMAL")
        try:
            yield
        finally:
            self._connection.execute("PRAGMA synchronous = FULL")

    @contextmanager
    def _begun(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._note_time()
            self._connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise

    def rows(self, statement: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query; inside a transaction, as that has left them."""
        with database_errors("read the outbox"):
            if self._writer == threading.get_ident():
                return self._connection.execute(statement, values).fetchall()
            with self._reading:
                if self._reader is None:
                    raise _closed()
                return self._reader.execute(statement, values).fetchall()

    def close(self) -> None:
        """Close the file; may be called twice."""
        with self._lock, self._reading:
            self._is_open = False
            # The last one to close clears the write-ahead log away, which a reader may not.
            if self._reader is not None:
                self._reader.close()
                self._reader = None
            self._connection.close()

    def _require_open(self) -> None:
        if not self._is_open:
            raise _closed()

    def _resume_clock(self) -> ServiceClock:
        with self.transaction() as connection:
            meta = dict(connection.execute("SELECT key, value FROM meta"))
            saved = None
            if "boot_id" in meta:
                saved = ServiceClock(meta["boot_id"], meta["base_s"])
            clock = ServiceClock.resume(
                saved, meta.get("seen_s", 0.0), meta.get("seen_wall_s", 0.0), self._read()
            )
            self._clock = clock
            values = (("boot_id", clock.boot_id), ("base_s", clock.base_s))
            connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values)
        return clock

    def _note_time(self) -> None:
        reading = self._read()
        values = (("seen_s", self._clock.at(reading)), ("seen_wall_s", reading.wall_s))
        self._connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def _log_ahead(connection: sqlite3.Connection) -> None:
    """Have a write-ahead log; of two processes that open a new file SQLite refuses one at once."""
    end_s = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end_s:
                raise
        time.sleep(_RETRY_S)


def _closed() -> StateError:
    return StateError("the outbox is closed: open it again")


@contextmanager
def database_errors(task: str) -> Iterator[None]:
    """Turn what SQLite raises into an error that says what to do."""
    try:
        yield
    except UsdkError:
        raise
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith(_CORRUPT):
            raise DataDamagedError(
                f"cannot {task}: its file is damaged; keep the folder as it is, and recover the"
                " objects with 'usdk outbox doctor'"
            ) from error
        advice = {
            "SQLITE_FULL": "the disk is full: free space",
            "SQLITE_BUSY": "another process holds it: try again",
            "SQLITE_READONLY": "it is read-only: check who may write there",
            "SQLITE_CANTOPEN": "check the folder, and who may write there",
        }.get(name, f"SQLite says {name or type(error).__name__}: check the disk")
        raise StorageError(f"cannot {task}: {advice}") from error
    except OSError as error:
        raise StorageError(f"cannot {task}: {storage_advice(error)}") from error
