"""Whether two DICOM files hold the same data set, byte for byte; without I/O.

The preamble and the file meta information (PS3.10 section 7.1) are the receiver's own to write,
and say nothing of the object.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from usdk.errors import DataDamagedError

__all__ = ["MAX_META_BYTES", "chunks_of", "data_set_bytes", "same_data_set"]

MAX_META_BYTES = 1 << 20
"""Longest file meta information."""

_CHUNK_BYTES = 1 << 16
_META_START = 132
_LONG = (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV")


def chunks_of(file: BinaryIO) -> Iterator[bytes]:
    """Yield a stream's bytes to its end."""
    while chunk := file.read(_CHUNK_BYTES):
        yield chunk


def data_set_bytes(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the bytes of a file after its file meta information.

    Raises
    ------
    DataDamagedError
        It is no DICOM file, or its meta information is cut or too long.
    """
    rest = iter(chunks)
    buffer = b""
    offset = _META_START
    while True:
        end = _element_end(buffer, offset)
        if end == offset:
            break
        if end is not None and end <= len(buffer):
            offset = end
            continue
        if max(end or 0, len(buffer)) > MAX_META_BYTES:
            raise DataDamagedError("the file meta information is too long")
        chunk = next(rest, None)
        if chunk is None:
            if offset == len(buffer) > _META_START:
                return
            raise DataDamagedError("the DICOM file is cut within its meta information")
        buffer += chunk
    if buffer[offset:]:
        yield buffer[offset:]
    yield from rest


def _element_end(buffer: bytes, offset: int) -> int | None:
    """Return where the meta element at ``offset`` ends, ``offset`` if none is there, or None."""
    if len(buffer) >= _META_START and buffer[128:_META_START] != b"DICM":
        raise DataDamagedError("not a DICOM file: no 'DICM' at offset 128")
    if len(buffer) < offset + 8:
        return None
    if buffer[offset : offset + 2] != b"\x02\x00":
        return offset
    if buffer[offset + 4 : offset + 6] not in _LONG:
        return offset + 8 + int.from_bytes(buffer[offset + 6 : offset + 8], "little")
    if len(buffer) < offset + 12:
        return None
    return offset + 12 + int.from_bytes(buffer[offset + 8 : offset + 12], "little")


def same_data_set(ours: Iterable[bytes], theirs: Iterable[bytes]) -> bool:
    """Compare two data sets, in pieces of any length, and stop at the first difference."""
    mine, other = iter(ours), iter(theirs)
    a = b = b""
    while True:
        while not a:
            found = next(mine, None)
            if found is None:
                return not b and not any(other)
            a = found
        while not b:
            found = next(other, None)
            if found is None:
                return False
            b = found
        n_bytes = min(len(a), len(b))
        if a[:n_bytes] != b[:n_bytes]:
            return False
        a, b = a[n_bytes:], b[n_bytes:]
