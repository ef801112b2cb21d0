"""Frames: requests, answers and data on one stream of bytes, without I/O.

`docs/reference/wire-protocol.md`, "On a serial line", states every byte.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum

from usdk.errors import ArgumentError, DataDamagedError

__all__ = [
    "FRAME_HEADER_BYTES",
    "MAX_BODY_BYTES",
    "SERIAL_VERSION",
    "Answer",
    "Frame",
    "FrameDecoder",
    "FrameKind",
    "Greeting",
    "Setup",
    "encode_frame",
]

SERIAL_VERSION = 1
MAX_BODY_BYTES = 8192
"""Longest body, so that no answer waits long behind data."""

_MAGIC = b"USDS"
_HEADER = struct.Struct("<4sBBHI")
_CHECKSUM = struct.Struct("<I")
FRAME_HEADER_BYTES = _HEADER.size + _CHECKSUM.size
_GREETING = struct.Struct("<IHH")
_SETUP = struct.Struct("<BBHHH")
_RESULT = struct.Struct("<B3x")
# What was used up is given back when so much of it has gathered.
_COMPACT_BYTES = 2**18


class FrameKind(IntEnum):
    """What a frame is for; the high bit is set in what the device sends."""

    HELLO = 0x01
    REQUEST = 0x02
    UPLOAD = 0x03
    WELCOME = 0x81
    ANSWER = 0x82
    DATA = 0x83
    HALTED = 0x84


@dataclass(frozen=True)
class Frame:
    """A whole frame; ``kind`` may be one that this version does not know."""

    kind: int
    tag: int
    body: bytes


@dataclass(frozen=True)
class Greeting:
    """Body of HELLO and WELCOME: a number chosen by the host, and what is spoken.

    ``max_upload_bytes`` is how much the device takes in one UPLOAD; 0 in a HELLO.
    """

    nonce: int
    version: int = SERIAL_VERSION
    max_upload_bytes: int = 0

    def pack(self) -> bytes:
        """Return the body, 8 bytes."""
        return _GREETING.pack(self.nonce, self.version, self.max_upload_bytes)

    @classmethod
    def unpack(cls, body: bytes) -> Greeting:
        """Return the greeting; `DataDamagedError` if the body is none."""
        if len(body) != _GREETING.size:
            raise DataDamagedError(f"a greeting has {_GREETING.size} bytes, got {len(body)}")
        return cls(*_GREETING.unpack(body))


@dataclass(frozen=True)
class Setup:
    """Head of a REQUEST: the eight bytes of USB's SETUP packet; outgoing data follow it."""

    request_type: int
    request: int
    value: int = 0
    index: int = 0
    length: int = 0

    def pack(self, data: bytes = b"") -> bytes:
        """Return the body of a request."""
        fields = (self.request_type, self.request, self.value, self.index, self.length)
        return _SETUP.pack(*fields) + data

    @classmethod
    def unpack(cls, body: bytes) -> tuple[Setup, bytes]:
        """Return the head of a request, and its data; `DataDamagedError` if there is none."""
        if len(body) < _SETUP.size:
            raise DataDamagedError(f"a request has {_SETUP.size} bytes or more, got {len(body)}")
        return cls(*_SETUP.unpack_from(body)), body[_SETUP.size :]


@dataclass(frozen=True)
class Answer:
    """Body of an ANSWER: whether the device refused, which is a stall on USB, and its data."""

    is_refused: bool
    data: bytes = b""

    def pack(self) -> bytes:
        """Return the body."""
        return _RESULT.pack(self.is_refused) + self.data

    @classmethod
    def unpack(cls, body: bytes) -> Answer:
        """Return the answer; `DataDamagedError` if the body is none."""
        if len(body) < _RESULT.size or body[0] > 1:
            raise DataDamagedError("an answer without a result that is known")
        return cls(bool(body[0]), body[_RESULT.size :])


def encode_frame(kind: int, tag: int, body: bytes | bytearray | memoryview = b"") -> bytes:
    """Return a frame, header and body.

    Raises
    ------
    ArgumentError
        If the body is longer than `MAX_BODY_BYTES`.
    """
    if len(body) > MAX_BODY_BYTES:
        raise ArgumentError(f"a frame's body has at most {MAX_BODY_BYTES} bytes, got {len(body)}")
    head = _HEADER.pack(_MAGIC, kind, tag, len(body), zlib.crc32(body))
    return b"".join((head, _CHECKSUM.pack(zlib.crc32(head)), body))


class FrameDecoder:
    """Finds frames in a stream of bytes, and searches on behind the magic of a damaged one.

    Content never raises. Holds at most one frame beside what was received last, if frames are
    taken until there is none.
    """

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._place = 0
        self.n_damaged = 0
        """Frames with a whole header and a wrong body."""
        self.n_bytes_discarded = 0
        """Bytes that belong to no whole frame."""

    @property
    def is_within_frame(self) -> bool:
        """Whether a frame was begun of which the end is missing."""
        return self._place < len(self._bytes)

    def receive(self, chunk: bytes | bytearray | memoryview) -> None:
        """Take the next bytes."""
        if self._place == len(self._bytes) or self._place > _COMPACT_BYTES:
            del self._bytes[: self._place]
            self._place = 0
        self._bytes += chunk

    def next_frame(self) -> Frame | None:
        """Return the next whole frame, None when more bytes are needed."""
        while self._seek_magic() and len(self._bytes) - self._place >= FRAME_HEADER_BYTES:
            place = self._place
            _, kind, tag, n_bytes, body_crc = _HEADER.unpack_from(self._bytes, place)
            (head_crc,) = _CHECKSUM.unpack_from(self._bytes, place + _HEADER.size)
            head = bytes(self._bytes[place : place + _HEADER.size])
            if zlib.crc32(head) != head_crc or n_bytes > MAX_BODY_BYTES:
                self._discard(len(_MAGIC))
                continue
            begin = place + FRAME_HEADER_BYTES
            if len(self._bytes) - begin < n_bytes:
                return None
            body = bytes(self._bytes[begin : begin + n_bytes])
            if zlib.crc32(body) != body_crc:
                self.n_damaged += 1
                self._discard(len(_MAGIC))
                continue
            self._place = begin + n_bytes
            return Frame(kind, tag, body)
        return None

    def give_up(self) -> None:
        """Search behind the beginning of a frame whose end did not come in time."""
        if self.is_within_frame:
            self._discard(min(len(_MAGIC), len(self._bytes) - self._place))

    def _seek_magic(self) -> bool:
        """Discard what is before the next magic and return whether a whole one is in front."""
        found = self._bytes.find(_MAGIC, self._place)
        if found >= 0:
            self._discard(found - self._place)
            return True
        # The last bytes may be the beginning of a magic.
        n_kept = len(_MAGIC) - 1
        while n_kept and not (
            len(self._bytes) - self._place >= n_kept and self._bytes.endswith(_MAGIC[:n_kept])
        ):
            n_kept -= 1
        self._discard(len(self._bytes) - self._place - n_kept)
        return False

    def _discard(self, n_bytes: int) -> None:
        self._place += n_bytes
        self.n_bytes_discarded += n_bytes
