"""Long messages: a 16-byte header with length and CRC-32, then the body."""

from __future__ import annotations

import struct
import zlib
from enum import IntEnum

from usdk.errors import ArgumentError, DataDamagedError
from usdk_drivers.wire.protocol import MAX_MESSAGE_BYTES, PROTOCOL_VERSION

__all__ = [
    "MESSAGE_HEADER_BYTES",
    "MessageType",
    "frame_message",
    "message_length",
    "message_type",
    "unframe_message",
]

_MAGIC = b"USDM"
_HEADER = struct.Struct("<4sHHII")
MESSAGE_HEADER_BYTES = _HEADER.size


class MessageType(IntEnum):
    """What a message's body holds."""

    DESCRIPTION = 1
    SEQUENCE = 2
    SETTINGS = 3
    SELF_TEST = 4


def frame_message(kind: MessageType, body: bytes) -> bytes:
    """Return the header and the body of a message."""
    if len(body) > MAX_MESSAGE_BYTES:
        raise ArgumentError(
            f"a message of {len(body)} bytes exceeds {MAX_MESSAGE_BYTES}: use fewer transmits"
        )
    return _HEADER.pack(_MAGIC, PROTOCOL_VERSION, kind, len(body), zlib.crc32(body)) + body


def message_length(start: bytes | memoryview) -> int:
    """Return the length in bytes, header included, of the message that begins with ``start``.

    Raises
    ------
    DataDamagedError
        If it is no header, or claims more than `MAX_MESSAGE_BYTES`.
    """
    return MESSAGE_HEADER_BYTES + _header(start)[1]


def message_type(start: bytes | memoryview) -> int:
    """Return the type of the message that begins with ``start``; raises as `message_length`."""
    return _header(start)[0]


def unframe_message(kind: MessageType, message: bytes | memoryview) -> memoryview:
    """Return the body of a whole message of the kind expected.

    Raises
    ------
    DataDamagedError
        If magic, version, kind, length or CRC-32 do not fit.
    """
    found, n_bytes, checksum = _header(message)
    if found != kind:
        raise DataDamagedError(f"expected message type {int(kind)}, got {found}")
    body = memoryview(message)[MESSAGE_HEADER_BYTES:]
    if len(body) != n_bytes:
        raise DataDamagedError(f"a message of {n_bytes} bytes came with {len(body)}")
    if zlib.crc32(body) != checksum:
        raise DataDamagedError("a message's CRC-32 is wrong: it was damaged on its way")
    return body


def _header(start: bytes | memoryview) -> tuple[int, int, int]:
    if len(start) < MESSAGE_HEADER_BYTES:
        raise DataDamagedError("a message is shorter than its header")
    magic, version, kind, n_bytes, checksum = _HEADER.unpack(
        memoryview(start)[:MESSAGE_HEADER_BYTES]
    )
    if magic != _MAGIC:
        raise DataDamagedError("a message does not begin with its magic")
    if version != PROTOCOL_VERSION:
        raise DataDamagedError(f"a message has protocol version {version}, not {PROTOCOL_VERSION}")
    if n_bytes > MAX_MESSAGE_BYTES:
        raise DataDamagedError(
            f"a message claims {n_bytes} bytes, the limit is {MAX_MESSAGE_BYTES}"
        )
    return kind, n_bytes, checksum
