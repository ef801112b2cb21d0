"""What the Pulser says and understands: bytes ↔ values, without I/O.

The host sends lines of ASCII: ``id``, ``set MHZ SAMPLES HZ``, ``start``, ``stop``. The device sends
messages: a header of 28 bytes (little-endian) and a body.

====== ===== ========= ==========================================================
Offset Type  Field     Value
====== ===== ========= ==========================================================
0      4s    magic     ``PULS``
4      u8    kind      1 reply (ASCII), 2 echo (int16 samples)
5      u8[3] reserved
8      u32   number    of an echo, counted from 0 at each start, lost ones too
12     u64   time_ns   when an echo's pulse was sent, on the device's clock
20     u32   n_bytes   length of the body, at most 32,768
24     u32   crc       CRC-32 of the body
====== ===== ========= ==========================================================
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum

from usdk.errors import DataDamagedError

__all__ = ["MAX_BODY_BYTES", "Kind", "Message", "MessageDecoder", "encode_message"]

MAX_BODY_BYTES = 32_768
_MAGIC = b"PULS"
_HEADER = struct.Struct("<4sB3xIQII")


class Kind(IntEnum):
    """What a message holds."""

    REPLY = 1
    ECHO = 2


@dataclass(frozen=True)
class Message:
    """A message whose header was whole; ``is_damaged`` says that its body was not."""

    kind: Kind
    body: bytes
    number: int = 0
    time_ns: int = 0
    is_damaged: bool = False


def encode_message(message: Message) -> bytes:
    """Return the bytes of a message, as the device sends them."""
    body = message.body
    head = (_MAGIC, message.kind, message.number, message.time_ns, len(body), zlib.crc32(body))
    return _HEADER.pack(*head) + body


class MessageDecoder:
    """Cuts a stream of bytes into messages; holds one of them at most."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def receive(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self._bytes += chunk

    def next_message(self) -> Message | None:
        """Return the next message, None when more bytes are needed.

        Raises
        ------
        DataDamagedError
            If the bytes are no message: whatever sends them is no Pulser.
        """
        if len(self._bytes) < _HEADER.size:
            return None
        magic, kind, number, time_ns, n_bytes, crc = _HEADER.unpack_from(self._bytes)
        # Every length is held against its limit before it is believed.
        if magic != _MAGIC or kind not in set(Kind) or n_bytes > MAX_BODY_BYTES:
            raise DataDamagedError("what came is no message of a Pulser")
        end = _HEADER.size + n_bytes
        if len(self._bytes) < end:
            return None
        body = bytes(self._bytes[_HEADER.size : end])
        del self._bytes[:end]
        return Message(Kind(kind), body, number, time_ns, is_damaged=zlib.crc32(body) != crc)
