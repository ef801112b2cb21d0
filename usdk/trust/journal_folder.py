"""The journal on disk: append-only segments, synchronised, shared by processes under a lock.

A crash may leave the last append torn. The next append finds that, cuts it, keeps the bytes beside
the journal, and says so in the chain. Damage that no single append explains is never cut: a new
segment begins after the last good record, and verification tells of the break.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from usdk.errors import DataDamagedError, StorageError
from usdk.files import make_durable_folder, storage_errors, sync_folder
from usdk.trust.journal import (
    MAX_LINE_BYTES,
    SIGNATURE,
    TAIL_CUT,
    JournalEvent,
    JournalRecord,
    chain,
    decode_record,
    encode_record,
    sign_head,
)
from usdk.trust.signer import Signer

__all__ = ["MAX_APPEND_BYTES", "SEGMENT_BYTES", "JournalFolder", "journal_lines", "journal_time"]

MAX_APPEND_BYTES = 1 << 18
"""Longest single write: what a crash can tear."""

SEGMENT_BYTES = 4 << 20
"""A segment that reached this is followed by a new one; an open reads the last one through."""

_BROKEN = "journal damaged"


def journal_time(wall_s: float) -> str:
    """Return a wall clock reading as ISO 8601 in UTC."""
    return datetime.fromtimestamp(wall_s, UTC).isoformat(timespec="milliseconds")


def journal_lines(folder: Path) -> Iterator[bytes]:
    """Yield the lines of all segments in order; a line that is too long comes in pieces.

    Raises
    ------
    StorageError
        There is no journal, or it cannot be read.
    """
    with storage_errors("read the journal"):
        segments = _segments(folder)
        if not segments:
            raise StorageError("there is no journal in this folder: check the path")
        for segment in segments:
            with segment.open("rb") as file:
                while line := file.readline(MAX_LINE_BYTES + 1):
                    yield line


_SEGMENT = re.compile(r"[0-9]{6,}\.jsonl")


def _segments(folder: Path) -> list[Path]:
    try:
        # What else lies there, a copy that somebody named otherwise, is none of the journal.
        return sorted(path for path in folder.iterdir() if _SEGMENT.fullmatch(path.name))
    except FileNotFoundError:
        return []


class JournalFolder:
    """Appends to the journal in a folder, which is made when absent.

    Parameters
    ----------
    folder : Path
        Where the segments are.
    actor : str
        Who appends what the journal says of itself.
    signer : Signer, optional
        Signs the chain's head every ``sign_every`` records.
    subscriber : callable, optional
        Given each record once it is on the disk: the way to a security operations centre. What it
        raises is left to it; a reader that must miss none follows `journal_lines`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        actor: str,
        signer: Signer | None = None,
        sign_every: int = 1000,
        subscriber: Callable[[JournalRecord], None] | None = None,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        self._folder = folder
        self._actor = actor
        self._signer = signer
        self._sign_every = sign_every
        self._subscriber = subscriber
        self._segment_bytes = segment_bytes
        self._segment: Path | None = None
        self._offset = 0
        self._last: JournalRecord | None = None
        self._n_unsigned = 0
        # Threads of a process share the lock on its file.
        self._threads = threading.RLock()
        with storage_errors("make the journal"):
            make_durable_folder(folder)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            self._lock = os.open(folder / "lock", flags, 0o600)

    def close(self) -> None:
        """Close the lock's file; may be called twice."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    @contextmanager
    def locked(self) -> Iterator[JournalRecord | None]:
        """Hold the journal against other processes; yields its last record, the end mended."""
        with self._threads, storage_errors("write the journal"):
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            try:
                self._catch_up()
                yield self._last
            finally:
                fcntl.flock(self._lock, fcntl.LOCK_UN)

    def append_locked(self, events: Sequence[JournalEvent]) -> list[JournalRecord]:
        """Append events within `locked`; they are on the disk when this returns.

        Events that the journal holds already, by their number, are passed over.
        """
        records: list[JournalRecord] = []
        last = self._last
        for event in events:
            if event.number and last is not None and event.number <= last.event.number:
                continue
            last = chain(last, event)
            records.append(last)
            if self._signer is not None and self._n_unsigned + len(records) >= self._sign_every:
                last = sign_head(last, self._signer, actor=self._actor, time=event.time)
                records.append(last)
                self._n_unsigned = -len(records)
        self._write(records)
        self._n_unsigned += len(records)
        return records

    def append(self, events: Sequence[JournalEvent]) -> list[JournalRecord]:
        """Append events; they are on the disk when this returns."""
        with self.locked():
            return self.append_locked(events)

    def _write(self, records: Sequence[JournalRecord]) -> None:
        batch = b""
        for record in records:
            line = encode_record(record)
            if len(batch) + len(line) > MAX_APPEND_BYTES:
                self._write_batch(batch)
                batch = b""
            batch += line
        if batch:
            self._write_batch(batch)
        if records:
            self._last = records[-1]
        for record in records:
            if self._subscriber is not None:
                with suppress(Exception):
                    self._subscriber(record)

    def _write_batch(self, batch: bytes) -> None:
        if self._segment is None or self._offset >= self._segment_bytes:
            self._begin_segment()
        assert self._segment is not None
        descriptor = os.open(self._segment, os.O_WRONLY | os.O_CLOEXEC)
        try:
            view, offset = memoryview(batch), self._offset
            while view:
                n_written = os.pwrite(descriptor, view, offset)
                view, offset = view[n_written:], offset + n_written
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self._offset = offset

    def _begin_segment(self) -> None:
        number = 1 if self._segment is None else int(self._segment.stem) + 1
        path = self._folder / f"{number:06d}.jsonl"
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        sync_folder(self._folder)
        self._segment, self._offset = path, 0

    def _catch_up(self) -> None:
        """Read what other processes appended, and mend an end that a crash left torn."""
        segments = _segments(self._folder)
        if not segments:
            return
        size = segments[-1].stat().st_size
        if segments[-1] == self._segment and size == self._offset:
            return
        for segment in segments[self._first_unread(segments) :]:
            if segment != self._segment:
                self._segment, self._offset = segment, 0
            self._read_on(is_last=segment == segments[-1])

    def _first_unread(self, segments: Sequence[Path]) -> int:
        if self._segment in segments:
            return segments.index(self._segment)
        # The one before the last tells where the chain stands when the last is still empty.
        return max(len(segments) - 2, 0)

    def _read_on(self, *, is_last: bool) -> None:
        assert self._segment is not None
        with self._segment.open("rb") as file:
            file.seek(self._offset)
            while line := file.readline(MAX_LINE_BYTES + 1):
                try:
                    record = decode_record(line)
                except DataDamagedError:
                    break
                foreign = self._last is not None and record.previous != self._last.digest
                if foreign and self._offset:
                    break
                self._last = record
                self._offset += len(line)
                signed = record.event.action == SIGNATURE
                self._n_unsigned = 0 if signed else self._n_unsigned + 1
            else:
                return
            size = os.fstat(file.fileno()).st_size
            file.seek(self._offset)
            rest = file.read(MAX_APPEND_BYTES + 1) if is_last else b""
        if is_last:
            self._mend(rest, size)

    def _mend(self, rest: bytes, size: int) -> None:
        assert self._segment is not None
        digest = hashlib.sha256(rest).hexdigest()
        detail = {"segment": self._segment.name, "offset": str(self._offset)}
        detail |= {"bytes": str(size - self._offset), "sha256": digest}
        now = journal_time(datetime.now(UTC).timestamp())
        if len(rest) <= MAX_APPEND_BYTES:
            self._keep(rest, digest)
            os.truncate(self._segment, self._offset)
            descriptor = os.open(self._segment, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            action = TAIL_CUT
        else:
            self._begin_segment()
            action = _BROKEN
        self._write([chain(self._last, JournalEvent(action, self._actor, now, detail=detail))])

    def _keep(self, rest: bytes, digest: str) -> None:
        path = self._folder / f"torn-{digest[:16]}.bin"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(rest)
            file.flush()
            os.fsync(descriptor)
        sync_folder(self._folder)
