"""The reader of elements: whatever it reads lies within the file, and in order."""

from __future__ import annotations

import struct

from usdk.errors import DataDamagedError
from usdk.trust.byte_source import MemorySource
from usdk.trust.dicom_elements import read_dicom
from usdk.trust.dicom_structure import Element
from usdk.trust.mac_stream import signed_bytes

_HEAD = bytes(128) + b"DICM"


def _file(syntax: bytes, body: bytes) -> bytes:
    syntax += b"\0" * (len(syntax) % 2)
    return _HEAD + struct.pack("<HH2sH", 2, 0x10, b"UI", len(syntax)) + syntax + body


WEIGHT = 10
"""Share of a campaign's time, where others have 1."""


def seeds() -> list[bytes]:
    """Return files with each kind of element."""
    leaf = struct.pack("<HH2sH", 8, 0x60, b"CS", 2) + b"US"
    item = struct.pack("<HHI", 0xFFFE, 0xE000, len(leaf)) + leaf
    open_item = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF) + leaf
    open_item += struct.pack("<HHI", 0xFFFE, 0xE00D, 0)
    end = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    closed = struct.pack("<HH2sHI", 8, 0x2218, b"SQ", 0, len(item)) + item
    opened = struct.pack("<HH2sHI", 8, 0x2218, b"SQ", 0, 0xFFFFFFFF) + open_item + end
    unknown = struct.pack("<HH2sHI", 9, 0x1001, b"UN", 0, 0xFFFFFFFF) + end
    fragment = struct.pack("<HHI", 0xFFFE, 0xE000, 4) + b"abcd"
    pixels = struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OB", 0, 0xFFFFFFFF) + fragment * 2 + end
    native = struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OW", 0, 4) + b"abcd"
    bodies = [leaf, leaf + closed, leaf + opened + unknown, leaf + closed + native, b""]
    files = [_file(b"1.2.840.10008.1.2.1", body) for body in bodies]
    return [*files, _file(b"1.2.840.10008.1.2.4.80", leaf + opened + pixels)]


def _check(elements: tuple[Element, ...], start: int, stop: int) -> None:
    at, previous = start, -1
    for element in elements:
        assert at <= element.offset <= element.value_offset <= element.value_end <= element.end
        assert element.tag > previous
        at, previous = element.end, element.tag
        for item in element.items or ():
            assert element.value_offset <= item.offset <= item.end <= element.value_end
            _check(item.elements, item.offset + 8, item.end)
        for begin, end in element.fragments or ():
            assert element.value_offset <= begin <= end <= element.value_end
    assert at <= stop


def one_input(data: bytes) -> None:
    """Read; elements must lie in order within the file, and be streamed once."""
    source = MemorySource(data)
    try:
        file = read_dicom(source)
    except DataDamagedError:
        return
    _check(file.meta, 132, len(data))
    _check(file.elements, 132, len(data))
    n_bytes = sum(map(len, signed_bytes(source, file.elements, source, ())))
    # A sequence of defined length gains a delimitation; nothing else grows.
    assert n_bytes <= 2 * len(data)
