"""Values of a few elements of a DICOM data set, whatever its encoding; all others are passed over.

Nothing is decoded but tags and lengths (PS3.5 section 7), so that no value can reach a message.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Collection
from dataclasses import dataclass
from typing import BinaryIO

from usdk.trust.dicom_structure import LONG_VRS, SHORT_VRS

__all__ = ["MAX_ELEMENTS", "Encoding", "ForeignBytesError", "find_values"]

MAX_ELEMENTS = 100_000
"""Elements and items that are passed over, at all depths together."""

MAX_DEPTH = 32
"""Sequences within sequences that are followed."""

MAX_VALUE_BYTES = 1024
"""Longest value that is read; a longer one is no value that is asked for."""

_UNDEFINED = 0xFFFFFFFF
_ANY = range(1 << 32)
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD


class ForeignBytesError(Exception):
    """What was read is no data set in the encoding that was told."""


@dataclass(frozen=True)
class Encoding:
    """How elements lie in a data set: with their VR or without; ``order`` as `struct` has it."""

    is_explicit: bool
    order: str


def find_values(
    file: BinaryIO, tags: Collection[int], within: range, encoding: Encoding
) -> dict[int, bytes]:
    """Return the values of those of ``tags`` that are there; stop at a tag that is not ``within``.

    Raises
    ------
    ForeignBytesError
        There are no elements in ascending order, or more than `MAX_ELEMENTS`.
    """
    walk, found, previous = _Walk(file), dict[int, bytes](), -1
    while True:
        start = file.tell()
        head = walk.next_element(encoding, within)
        if head is None:
            file.seek(start)
            return found
        if head.tag <= previous:
            raise ForeignBytesError
        previous = head.tag
        if head.tag in tags and head.n_bytes <= MAX_VALUE_BYTES:
            found[head.tag] = walk.exactly(head.n_bytes)
        else:
            walk.pass_over(head, encoding, 0)


@dataclass(frozen=True, slots=True)
class _Head:
    tag: int
    vr: bytes
    n_bytes: int


class _Walk:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._n_elements = 0

    def exactly(self, n_bytes: int) -> bytes:
        data = self._file.read(n_bytes)
        if len(data) != n_bytes:
            raise ForeignBytesError
        return data

    def next_element(self, encoding: Encoding, within: range = _ANY) -> _Head | None:
        """Read what stands before a value; None at the end of the file or of the range."""
        self._n_elements += 1
        if self._n_elements > MAX_ELEMENTS:
            raise ForeignBytesError
        head = self._file.read(8)
        if not head:
            return None
        if len(head) != 8:
            raise ForeignBytesError
        group, element = struct.unpack_from(encoding.order + "HH", head)
        tag, vr = group << 16 | element, head[4:6]
        if tag not in within:
            return None
        if not encoding.is_explicit or group == _ITEM >> 16:
            return _Head(tag, b"", struct.unpack_from(encoding.order + "I", head, 4)[0])
        if vr in SHORT_VRS:
            return _Head(tag, vr, struct.unpack_from(encoding.order + "H", head, 6)[0])
        if vr not in LONG_VRS:
            raise ForeignBytesError
        return _Head(tag, vr, struct.unpack(encoding.order + "I", self.exactly(4))[0])

    def pass_over(self, head: _Head, encoding: Encoding, depth: int) -> None:
        if head.n_bytes != _UNDEFINED:
            self._file.seek(head.n_bytes, os.SEEK_CUR)
            return
        if depth >= MAX_DEPTH:
            raise ForeignBytesError
        if head.vr == b"UN":
            # PS3.5 section 6.2.2: such a value is a sequence in Implicit VR.
            encoding = Encoding(is_explicit=False, order=encoding.order)
        while (mark := self._next_of(encoding)).tag != _SEQUENCE_END:
            if mark.tag != _ITEM:
                raise ForeignBytesError
            if mark.n_bytes != _UNDEFINED:
                self._file.seek(mark.n_bytes, os.SEEK_CUR)
                continue
            while (inner := self._next_of(encoding)).tag != _ITEM_END:
                self.pass_over(inner, encoding, depth + 1)

    def _next_of(self, encoding: Encoding) -> _Head:
        head = self.next_element(encoding)
        if head is None:
            raise ForeignBytesError
        return head
