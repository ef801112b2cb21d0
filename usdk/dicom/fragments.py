"""Where the fragments of encapsulated Pixel Data lie, and what their table says (PS3.5 A.4)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from usdk.dicom.pydicom_extra import Dataset

__all__ = ["Fragments", "open_value", "walk_fragments"]

_PIXEL_DATA = 0x7FE00010
_ITEM = 0xE000FFFE
_END = 0xE0DDFFFE
_MAX_FRAGMENTS = 2**22
_MAX_TABLE_BYTES = 2**24


@dataclass(frozen=True)
class Fragments:
    """Offsets are from the first byte after the table's item, as in the Basic Offset Table."""

    table: tuple[int, ...]
    places: tuple[tuple[int, int, int], ...]
    """Offset of each fragment's item, and begin and length of its bytes in the stream."""


@contextmanager
def open_value(dataset: Dataset) -> Iterator[BinaryIO]:
    """Open the value of Pixel Data where it lies, in memory or in its file."""
    element: Any = dataset.get_item(_PIXEL_DATA, keep_deferred=True)
    if element.value is None and getattr(element, "value_tell", None) is not None:
        with Path(dataset.filename).open("rb") as file:
            file.seek(element.value_tell)
            yield file
        return
    yield BytesIO(element.value or b"")


def walk_fragments(stream: BinaryIO) -> Fragments:
    """Read the heads of all items, and nothing of what they hold but the offset table.

    Raises
    ------
    ValueError
        They are not items, or end too early; the message says which.
    """
    n_bytes = _item(stream, "the offset table")
    if n_bytes is None or n_bytes % 4 or n_bytes > _MAX_TABLE_BYTES:
        raise ValueError("has no Basic Offset Table item before its fragments")
    table = stream.read(n_bytes)
    if len(table) != n_bytes:
        raise ValueError("ends within its offset table")
    origin = stream.tell()
    end = stream.seek(0, 2)
    stream.seek(origin)
    places: list[tuple[int, int, int]] = []
    while (length := _item(stream, f"fragment {len(places) + 1}")) is not None:
        begin = stream.tell()
        if begin + length > end:
            raise ValueError(f"ends within fragment {len(places) + 1}")
        if len(places) >= _MAX_FRAGMENTS:
            raise ValueError(f"has more than {_MAX_FRAGMENTS} fragments")
        places.append((begin - 8 - origin, begin, length))
        stream.seek(length, 1)
    return Fragments(struct.unpack(f"<{n_bytes // 4}I", table), tuple(places))


def _item(stream: BinaryIO, what: str) -> int | None:
    """Return the length of the item that begins here, None at the end of them."""
    head = stream.read(8)
    if not head:
        return None  # In memory the delimiter is left out.
    if len(head) < 8:
        raise ValueError(f"ends within the head of {what}")
    tag, length = struct.unpack("<II", head)
    if tag == _END:
        return None
    if tag != _ITEM or length == 0xFFFFFFFF:
        raise ValueError(f"has something else where {what} should begin")
    return int(length)
