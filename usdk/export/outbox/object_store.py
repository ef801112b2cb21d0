"""Objects as files: written whole, then named; sealed where there are keys."""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from usdk.errors import DataDamagedError, NotTrustedError
from usdk.export.outbox.entry import Entry
from usdk.export.outbox.keys import KeyStore
from usdk.export.outbox.sealed_file import SealedReader, SealedWriter, sealed_size
from usdk.files import make_durable_folder, storage_errors, sync_folder

__all__ = ["COPY_BYTES", "ObjectStore", "Stored"]

COPY_BYTES = 1 << 20
"""Bytes held at once while an object is copied."""

_PART = ".part"


@dataclass(frozen=True)
class Stored:
    """A file that was written: its name, length, key and the object's digest."""

    name: str
    stored_bytes: int
    key_id: str
    sha256: bytes


class ObjectStore:
    """The folder of objects. A file's name is random: it tells nothing, and is never used twice."""

    def __init__(self, folder: Path, keys: KeyStore | None) -> None:
        self._folder = folder
        self._keys = keys
        with storage_errors("make the outbox"):
            make_durable_folder(folder)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            os.close(os.open(self._adding, flags, 0o600))

    @property
    def _adding(self) -> Path:
        return self._folder / "adding.lock"

    def stored_size(self, size_bytes: int) -> int:
        """Return how many bytes an object of ``size_bytes`` takes on the disk."""
        return size_bytes if self._keys is None else sealed_size(size_bytes)

    def free_bytes(self) -> int:
        """Return what is left on the disk for this user."""
        with storage_errors("look at the disk"):
            status = os.statvfs(self._folder)
        return status.f_bavail * status.f_frsize

    @contextmanager
    def adding(self) -> Iterator[None]:
        """Keep `remove_orphans` of other processes away while files have no rows yet."""
        with storage_errors("lock the outbox"), self._adding.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            yield

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Keep additions away, of any process; yields False, and does not, while one is on."""
        with storage_errors("lock the outbox"), self._adding.open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    def write(self, source: BinaryIO, size_bytes: int, *, sync: bool) -> Stored:
        """Copy an object into a new file, and give it its name once it is whole.

        Its bytes are on the disk if ``sync``, or after `sync`; its name only after `sync_names`.
        """
        name = secrets.token_hex(16)
        part = self._folder / (name + _PART)
        with storage_errors("write an object into the outbox"):
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    digest, key_id, n_bytes = self._copy(source, file, name)
                    if n_bytes != size_bytes:
                        raise DataDamagedError(
                            "the file changed its length while it was queued: queue it again once"
                            " it is written whole"
                        )
                    stored_bytes = file.tell()
                    if sync:
                        file.flush()
                        os.fsync(descriptor)
                part.rename(self._folder / name)
            except BaseException:
                with suppress(OSError):
                    part.unlink()
                raise
        return Stored(name, stored_bytes, key_id, digest)

    def _copy(self, source: BinaryIO, file: BinaryIO, name: str) -> tuple[bytes, str, int]:
        sealed = None if self._keys is None else SealedWriter(file, self._keys, name)
        digest, n_bytes = hashlib.sha256(), 0
        while piece := source.read(COPY_BYTES):
            digest.update(piece)
            n_bytes += len(piece)
            if sealed is not None:
                sealed.write(piece)
            else:
                file.write(piece)
        if sealed is not None:
            sealed.finish()
        return digest.digest(), "" if sealed is None else sealed.key_id, n_bytes

    def sync(self, name: str) -> None:
        """Have the bytes of a file on the disk."""
        with storage_errors("write an object into the outbox"):
            descriptor = os.open(self._folder / name, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def require_whole(self, entry: Entry) -> None:
        """Read an object through; raises as reading what `open` returned does."""
        with storage_errors("read an object of the outbox"), self.open(entry) as file:
            while file.read(COPY_BYTES):
                pass

    def sync_names(self) -> None:
        """Have the names of the files written so far on the disk."""
        with storage_errors("write the outbox"):
            sync_folder(self._folder)

    def open(self, entry: Entry) -> BinaryIO:
        """Open an object as the file that was added.

        What was damaged on the disk is never read to its end: `DataDamagedError` comes first.
        """
        with storage_errors("read an object of the outbox"):
            file = (self._folder / entry.file).open("rb")
        try:
            if entry.key_id:
                if self._keys is None:
                    raise NotTrustedError(
                        "the objects of this outbox are encrypted: open it with its key store"
                    )
                return io.BufferedReader(SealedReader(file, self._keys, entry.file), COPY_BYTES)
            return io.BufferedReader(_DigestReader(file, entry.sha256, entry.size_bytes))
        except BaseException:
            file.close()
            raise

    def remove(self, name: str) -> None:
        """Remove a file that no row names any more."""
        with storage_errors("remove an object from the outbox"), suppress(FileNotFoundError):
            (self._folder / name).unlink()

    def sizes(self) -> dict[str, int]:
        """Return the files that have a name, and their lengths."""
        with storage_errors("read the outbox"), os.scandir(self._folder) as files:
            return {file.name: file.stat().st_size for file in files if _is_object(file.name)}

    def remove_orphans(self, read_known: Callable[[], set[str]]) -> list[str] | None:
        """Remove what a crash left without a row; None while an addition is under way."""
        with storage_errors("tidy the outbox"), self.alone() as is_alone:
            if not is_alone:
                return None
            # Not before the lock: what was added meanwhile is known by now.
            known = read_known()
            with os.scandir(self._folder) as files:
                names = [
                    file.name
                    for file in files
                    if file.name not in known
                    and (_is_object(file.name) or file.name.endswith(_PART))
                ]
            for name in names:
                (self._folder / name).unlink(missing_ok=True)
            return names


def _is_object(name: str) -> bool:
    return len(name) == 32 and all(letter in "0123456789abcdef" for letter in name)


class _DigestReader(io.RawIOBase):
    """A plain file whose last bytes come only if all of them are what was added."""

    def __init__(self, file: BinaryIO, sha256: bytes, size_bytes: int) -> None:
        super().__init__()
        self._file = file
        self._expected = sha256
        self._size = size_bytes
        self._digest = hashlib.sha256()
        self._n_digested = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._file.tell()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a position."""
        return self._file.seek(offset, whence)

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read; raises `DataDamagedError` in place of the end of a file that is not the one."""
        start = self._file.tell()
        data = self._file.read(len(buffer))
        stop = start + len(data)
        if start <= self._n_digested < stop:
            self._digest.update(data[self._n_digested - start :])
            self._n_digested = stop
        is_end = stop >= self._size or (not data and len(buffer) > 0)
        if is_end and not self._is_as_added():
            raise DataDamagedError(
                "an object is damaged on this unit's disk: export it again from its source"
            )
        buffer[: len(data)] = data
        return len(data)

    def _is_as_added(self) -> bool:
        # Who jumped to the end has not read all: what was passed over is read now.
        position = self._file.tell()
        self._file.seek(self._n_digested)
        while piece := self._file.read(COPY_BYTES):
            self._digest.update(piece)
            self._n_digested += len(piece)
        self._file.seek(position)
        return self._digest.digest() == self._expected

    def close(self) -> None:
        """Close the file below."""
        if not self.closed:
            self._file.close()
        super().close()
