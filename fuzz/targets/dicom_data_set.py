"""Where a DICOM file's data set begins: the same in any chunks, or a typed refusal."""

from __future__ import annotations

import struct

from usdk.errors import DataDamagedError
from usdk.export.lines.data_set import data_set_bytes, same_data_set

MAX_INPUT_BYTES = 2048
"""Cut into chunks of a byte, longer ones take long and tell no more."""


def seeds() -> list[bytes]:
    """Return a file with meta information, one that ends with it, and one without."""
    syntax = struct.pack("<HH2sH", 2, 0x10, b"UI", 20) + b"1.2.840.10008.1.2.1\0"
    version = struct.pack("<HH2sHI", 2, 1, b"OB", 0, 2) + b"\0\1"
    leaf = struct.pack("<HH2sH", 8, 0x60, b"CS", 2) + b"US"
    head = bytes(128) + b"DICM"
    return [b"\x05" + head + version + syntax + leaf, b"\x50" + head + syntax, b"\1" + head + leaf]


def _data_set(file: bytes, n_bytes: int) -> bytes | None:
    chunks = (file[place : place + n_bytes] for place in range(0, len(file), n_bytes))
    try:
        return b"".join(data_set_bytes(chunks))
    except DataDamagedError:
        return None


def one_input(data: bytes) -> None:
    """Cut in chunks of the first byte's size, and at once."""
    if not data:
        return
    file, n_bytes = data[1:], data[0] + 1
    whole = _data_set(file, max(1, len(file)))
    assert whole == _data_set(file, n_bytes)
    if whole is None:
        return
    assert file.endswith(whole)
    pieces = [whole[place : place + n_bytes] for place in range(0, len(whole), n_bytes)]
    assert same_data_set([whole], pieces)
    assert not same_data_set([whole, b"x"], pieces)
