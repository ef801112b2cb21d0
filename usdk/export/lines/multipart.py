"""``multipart/related`` of DICOM files (PS3.18 section 8.6.1, RFC 2387), without I/O."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from usdk.errors import DataDamagedError

__all__ = ["MAX_PART_HEADER_BYTES", "Multipart", "Part", "boundary_of", "read_parts"]

MAX_PART_HEADER_BYTES = 16_384
"""Longest head of one part that is read."""

_CHUNK_BYTES = 1 << 16
_N_BOUNDARY_BYTES = 16
# A part typed with its transfer syntax is dropped without a word by some archives (Orthanc's).
_PART_HEAD = b"Content-Type: application/dicom\r\n\r\n"
_BOUNDARY = re.compile(r';\s*boundary=(?:"([^"]{1,70})"|([^\s";]{1,70}))', re.IGNORECASE)


class Multipart:
    """The body of a request, of known length and never held whole; iterated once for each try.

    Parameters
    ----------
    parts : sequence of (int, callable)
        For each file its length in bytes, and what opens it at its first byte.
    """

    def __init__(self, parts: Sequence[tuple[int, Callable[[], BinaryIO]]]) -> None:
        self._parts = parts
        self.boundary = secrets.token_hex(_N_BOUNDARY_BYTES)
        self._head = f"--{self.boundary}\r\n".encode() + _PART_HEAD
        self._end = f"--{self.boundary}--\r\n".encode()

    @property
    def content_type(self) -> str:
        """The value of Content-Type."""
        return f'multipart/related; type="application/dicom"; boundary={self.boundary}'

    @property
    def n_bytes(self) -> int:
        """Length of the body."""
        heads = len(self._parts) * (len(self._head) + 2) + len(self._end)
        return heads + sum(n_bytes for n_bytes, _ in self._parts)

    def __iter__(self) -> Iterator[bytes]:
        for n_bytes, open_file in self._parts:
            yield self._head
            n_left = n_bytes
            with open_file() as file:
                while n_left:
                    chunk = file.read(min(_CHUNK_BYTES, n_left))
                    if not chunk:
                        raise DataDamagedError(
                            "a queued object is shorter than when it was queued: check the disk"
                        )
                    n_left -= len(chunk)
                    yield chunk
            yield b"\r\n"
        yield self._end


@dataclass(frozen=True)
class Part:
    """One part: its headers, names in lower case, and its content, which is read once."""

    headers: dict[str, str]
    content: Iterator[bytes]


def boundary_of(content_type: str) -> bytes:
    """Return the boundary that a Content-Type of ``multipart/related`` names.

    Raises
    ------
    DataDamagedError
        It is of another type, or names none.
    """
    found = _BOUNDARY.search(content_type)
    if not content_type.strip().lower().startswith("multipart/related") or found is None:
        raise DataDamagedError("not a multipart/related body with a boundary")
    try:
        return (found.group(1) or found.group(2)).encode("ascii")
    except UnicodeEncodeError as error:
        raise DataDamagedError("a multipart boundary that is not ASCII") from error


def read_parts(chunks: Iterable[bytes], boundary: bytes) -> Iterator[Part]:
    """Yield the parts of a body; whatever of a part was not read is skipped.

    Raises
    ------
    DataDamagedError
        The body is cut, or not of this form.
    """
    stream = _Stream(iter(chunks))
    # The first boundary may lie at the very start, without the line break that precedes others.
    stream.buffer = b"\r\n"
    delimiter = b"\r\n--" + boundary
    for _ in stream.until(delimiter, limit=MAX_PART_HEADER_BYTES):
        pass
    while True:
        after = stream.take(2)
        if after == b"--":
            return
        if after != b"\r\n":
            raise DataDamagedError("a multipart boundary is not at the end of its line")
        headers = _headers(stream)
        content = stream.until(delimiter)
        yield Part(headers, content)
        for _ in content:
            pass


def _headers(stream: _Stream) -> dict[str, str]:
    if stream.peek(2) == b"\r\n":
        stream.take(2)
        return {}
    head = b"".join(stream.until(b"\r\n\r\n", limit=MAX_PART_HEADER_BYTES))
    headers = {}
    for line in head.split(b"\r\n"):
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon:
            raise DataDamagedError("a part's head holds a line that is no header")
        headers[name.strip().lower()] = value.strip()
    return headers


class _Stream:
    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self.buffer = b""

    def _fill(self) -> None:
        chunk = next(self._chunks, None)
        if chunk is None:
            raise DataDamagedError("the multipart body is cut before its end")
        self.buffer += chunk

    def peek(self, n_bytes: int) -> bytes:
        while len(self.buffer) < n_bytes:
            self._fill()
        return self.buffer[:n_bytes]

    def take(self, n_bytes: int) -> bytes:
        taken = self.peek(n_bytes)
        self.buffer = self.buffer[n_bytes:]
        return taken

    def until(self, mark: bytes, *, limit: int | None = None) -> Iterator[bytes]:
        """Yield what lies before ``mark`` and take the mark itself."""
        n_seen = 0
        while (at := self.buffer.find(mark)) < 0:
            # The mark's beginning may be the buffer's end.
            n_safe = max(len(self.buffer) - len(mark) + 1, 0)
            safe, self.buffer = self.buffer[:n_safe], self.buffer[n_safe:]
            n_seen += len(safe)
            if limit is not None and n_seen > limit:
                raise DataDamagedError(f"no boundary within {limit} bytes")
            if safe:
                yield safe
            self._fill()
        last, self.buffer = self.buffer[:at], self.buffer[at + len(mark) :]
        if last:
            yield last
