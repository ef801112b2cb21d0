"""The size that a compressed stream says it has: told, or none, and the search ends."""

from __future__ import annotations

import struct

import numpy as np
from pydicom.uid import UID

from usdk.dicom.codecs import CODECS
from usdk.dicom.stream_size import stream_size
from usdk.errors import MissingExtraError

_NUMBERS = (50, 51, 57, 70, 80, 81, 90, 91, 201, 202)
_SYNTAXES = (
    *(UID(f"1.2.840.10008.1.2.4.{number}") for number in _NUMBERS),
    UID("1.2.840.10008.1.2.5"),
)


def seeds() -> list[bytes]:
    """Return a frame of every codec that is installed, behind its syntax."""
    found = []
    for codec in CODECS.values():
        if codec.transfer_syntax_uid in _SYNTAXES:
            try:
                stream = bytes(codec.encode(np.zeros((8, 9, 3), np.uint8)))
            except MissingExtraError:
                continue
            found.append(bytes((_SYNTAXES.index(UID(codec.transfer_syntax_uid)),)) + stream)
    jpeg = bytes.fromhex("ffd8ffe00004000000ffc0000b080008000901011100ffda")
    return [*found, b"\0" + jpeg]


def one_input(data: bytes) -> None:
    """Read the size of the rest, of the syntax that the first byte names."""
    if not data:
        return
    try:
        size = stream_size(data[1:], _SYNTAXES[data[0] % len(_SYNTAXES)])
    except (ValueError, struct.error, IndexError):
        # What it says that it raises; its callers make one type of it.
        return
    assert size is None or len(size) == 4
