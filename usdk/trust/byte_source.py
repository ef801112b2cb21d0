"""Bytes that are read where they lie: a file of any size, or bytes in memory."""

from __future__ import annotations

import io
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

from usdk.errors import DataDamagedError
from usdk.files import open_regular, storage_errors

__all__ = ["CHUNK_BYTES", "ByteSource", "FileSource", "MemorySource"]

CHUNK_BYTES = 1 << 20
"""Bytes that are held at once while a long value passes through."""

_WINDOW_BYTES = 1 << 16


class ByteSource(ABC):
    """Random access to ``size`` bytes.

    A file is read by position rather than mapped: a mapped file that another process truncates
    ends this process with SIGBUS, and a read ends with `DataDamagedError`.
    """

    size: int

    def __init__(self) -> None:
        self._window = b""
        self._window_offset = 0

    def as_file(self) -> io.BufferedReader:
        """Return the same bytes as a binary file for reading, with a position of its own."""
        return io.BufferedReader(_RawBytes(self), _WINDOW_BYTES)

    @abstractmethod
    def _read_at(self, offset: int, n_bytes: int) -> bytes: ...

    def read(self, offset: int, n_bytes: int) -> bytes:
        """Return exactly ``n_bytes`` at ``offset``, or raise `DataDamagedError`."""
        if offset < 0 or n_bytes < 0 or offset + n_bytes > self.size:
            raise DataDamagedError(
                f"{n_bytes} bytes at offset {offset} are beyond the end at {self.size}:"
                " fetch the file again"
            )
        if n_bytes > _WINDOW_BYTES:
            return self._exactly(offset, n_bytes)
        start = offset - self._window_offset
        if start < 0 or start + n_bytes > len(self._window):
            self._window = self._exactly(offset, min(_WINDOW_BYTES, self.size - offset))
            self._window_offset = offset
            start = 0
        return self._window[start : start + n_bytes]

    def chunks(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the bytes from ``start`` to ``stop`` in pieces of at most `CHUNK_BYTES`."""
        if stop - start <= _WINDOW_BYTES:
            yield self.read(start, stop - start)
            return
        for offset in range(start, stop, CHUNK_BYTES):
            yield self.read(offset, min(CHUNK_BYTES, stop - offset))

    def _exactly(self, offset: int, n_bytes: int) -> bytes:
        data = self._read_at(offset, n_bytes)
        if len(data) != n_bytes:
            raise DataDamagedError(
                f"the file became shorter than {offset + n_bytes} bytes while it was read:"
                " fetch it again"
            )
        return data


class _RawBytes(io.RawIOBase):
    name = ""
    """Asked for by readers that note where a file was; these bytes have no path that lasts."""

    def __init__(self, source: ByteSource) -> None:
        super().__init__()
        self._source = source
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._source.size}
        position = start[whence] + offset
        if position < 0:
            raise ValueError("negative position")
        self._position = position
        return position

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        n_bytes = max(0, min(len(view), self._source.size - self._position))
        if n_bytes:
            view[:n_bytes] = self._source.read(self._position, n_bytes)
            self._position += n_bytes
        return n_bytes


class MemorySource(ByteSource):
    """Bytes in memory."""

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        super().__init__()
        self._data = memoryview(data).cast("B")
        self.size = len(self._data)

    def _read_at(self, offset: int, n_bytes: int) -> bytes:
        return bytes(self._data[offset : offset + n_bytes])


class FileSource(ByteSource):
    """A regular file, opened for reading; a context manager.

    Raises
    ------
    StorageError
        The file is missing, cannot be read, or is not a regular file.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__()
        self._descriptor = open_regular(path, "the file")
        self.size = os.fstat(self._descriptor).st_size

    def _read_at(self, offset: int, n_bytes: int) -> bytes:
        pieces = []
        while n_bytes:
            with storage_errors("read the file"):
                piece = os.pread(self._descriptor, n_bytes, offset)
            if not piece:
                break
            pieces.append(piece)
            offset += len(piece)
            n_bytes -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        """Close the file; may be called again."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
