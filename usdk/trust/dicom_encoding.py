"""Data elements as bytes in Explicit VR Little Endian: what a signature adds to a file."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from usdk.trust import dicom_tags as tags
from usdk.trust.dicom_structure import LONG_VRS

__all__ = ["encode_element", "encode_item", "encode_sequence", "encode_tags", "pad_value"]


def pad_value(vr: str, value: bytes) -> bytes:
    """Return ``value`` at even length: text ends with a space, UI and bytes with a null."""
    if len(value) % 2 == 0:
        return value
    return value + (b"\0" if vr in ("UI", "OB", "UN") else b" ")


def encode_element(tag: int, vr: str, value: bytes) -> bytes:
    """Return the bytes of one element of defined length (PS3.5 section 7.1.2)."""
    value = pad_value(vr, value)
    code = vr.encode("ascii")
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + code
    if code in LONG_VRS:
        return head + struct.pack("<HI", 0, len(value)) + value
    return head + struct.pack("<H", len(value)) + value


def encode_item(content: bytes) -> bytes:
    """Return the bytes of one item of defined length around its elements' bytes."""
    return struct.pack("<HHI", tags.ITEM >> 16, tags.ITEM & 0xFFFF, len(content)) + content


def encode_sequence(tag: int, items: Iterable[bytes]) -> bytes:
    """Return the bytes of a sequence of defined length around its items' bytes."""
    return encode_element(tag, "SQ", b"".join(items))


def encode_tags(values: Iterable[int]) -> bytes:
    """Return a value of VR AT: each tag as its group and its element."""
    return b"".join(struct.pack("<HH", tag >> 16, tag & 0xFFFF) for tag in values)
