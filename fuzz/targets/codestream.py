"""The first bytes of compressed pixels: a kind that is known, or none."""

from __future__ import annotations

import struct

from usdk.trust.codestream import stream_kind

_KINDS = {
    *("baseline", "extended", "lossless", "JPEG-LS", "JPEG-LS near-lossless"),
    *("JPEG 2000", "HTJ2K", "RLE", None),
}


def seeds() -> list[bytes]:
    """Return the beginning of a stream of each kind."""
    application = b"\xff\xe0" + struct.pack(">H", 16) + bytes(14)
    frame = struct.pack(">HBHHBBBB", 11, 8, 8, 8, 1, 1, 0x11, 0)
    scan = b"\xff\xda" + struct.pack(">HBBBBBB", 8, 1, 1, 0, 0, 0, 0)
    jpeg = [
        b"\xff\xd8" + application + bytes((0xFF, process)) + frame + scan
        for process in (0xC0, 0xC1, 0xC3, 0xF7)
    ]
    size = b"\xff\x4f\xff\x51" + struct.pack(">HH", 41, 0) + bytes(37)
    capabilities = b"\xff\x50" + struct.pack(">HIH", 8, 1 << 17, 0)
    box = b"\0\0\0\x0cjP  \r\n\x87\n"
    rle = struct.pack("<16I", 1, 64, *([0] * 14))
    return [*jpeg, size, size + capabilities, box + bytes(20) + size, rle]


def one_input(data: bytes) -> None:
    """Tell the kind."""
    assert stream_kind(data) in _KINDS
