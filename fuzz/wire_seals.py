"""Checksums of the wire protocol made right again, so that what they guard is fuzzed, too."""

from __future__ import annotations

import struct
import zlib

from usdk_drivers.wire import MESSAGE_HEADER_BYTES, PACKET_HEADER_BYTES, DataType
from usdk_drivers.wire.packet import PACKET_MAGIC

__all__ = ["seal_message", "seal_packets"]

_DATA_TYPE = 36
_SHAPE = struct.Struct("<HII")
_SHAPE_AT = 38
_PAYLOAD_CRC_AT = 56
_HEADER_CRC_AT = 60
_SIZES = {int(kind): kind.dtype.itemsize for kind in DataType}


def seal_packets(stream: bytes) -> bytes:
    """Return the stream with lengths and checksums that fit each packet's shape and bytes."""
    sealed = bytearray(stream)
    place = sealed.find(PACKET_MAGIC)
    while 0 <= place <= len(sealed) - PACKET_HEADER_BYTES:
        n_elements, n_samples, _ = _SHAPE.unpack_from(sealed, place + _SHAPE_AT)
        n_bytes = n_elements * n_samples * _SIZES.get(sealed[place + _DATA_TYPE], 1)
        n_bytes &= 0xFFFFFFFF
        _SHAPE.pack_into(sealed, place + _SHAPE_AT, n_elements, n_samples, n_bytes)
        start = place + PACKET_HEADER_BYTES
        payload = zlib.crc32(sealed[start : start + n_bytes])
        struct.pack_into("<I", sealed, place + _PAYLOAD_CRC_AT, payload)
        header = zlib.crc32(sealed[place : place + _HEADER_CRC_AT])
        struct.pack_into("<I", sealed, place + _HEADER_CRC_AT, header)
        # The next one may begin where this one ends, or within it where it is cut.
        place = sealed.find(
            PACKET_MAGIC, start + n_bytes if start + n_bytes < len(sealed) else start
        )
    return bytes(sealed)


def seal_message(kind: int, body: bytes) -> bytes:
    """Return a message of version 1 with the right length and checksum."""
    header = struct.pack("<4sHHII", b"USDM", 1, kind, len(body), zlib.crc32(body))
    assert len(header) == MESSAGE_HEADER_BYTES
    return header + body
