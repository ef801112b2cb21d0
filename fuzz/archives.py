"""NumPy archives put together from the fuzzer's bytes, with checksums that are right."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence

__all__ = ["RAW", "archive_of", "pieces_of"]

RAW = 0xFF
"""As the first byte: the rest is the archive itself. Any other: entries follow."""

_LENGTH = struct.Struct("<H")


def archive_of(data: bytes, names: Sequence[str]) -> bytes:
    """Return an archive of the named entries: each a length and its bytes, in turn.

    An entry without bytes is left out.
    """
    if data[:1] == bytes((RAW,)):
        return data[1:]
    content, place = io.BytesIO(), 1
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            if place + _LENGTH.size > len(data):
                break
            (n_bytes,) = _LENGTH.unpack_from(data, place)
            entry = data[place + _LENGTH.size : place + _LENGTH.size + n_bytes]
            place += _LENGTH.size + n_bytes
            if entry:
                archive.writestr(zipfile.ZipInfo(name), entry)
    return content.getvalue()


def pieces_of(entries: Mapping[str, bytes], names: Sequence[str]) -> bytes:
    """Return the input from which `archive_of` makes an archive of these entries."""
    pieces = (entries.get(name, b"") for name in names)
    return b"\0" + b"".join(_LENGTH.pack(len(piece)) + piece for piece in pieces)
