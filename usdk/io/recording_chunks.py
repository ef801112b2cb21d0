"""Bytes of usdk's own recording: the preamble, and chunks that can be found again after damage.

See ``docs/reference/recording-format.md``. Nothing here touches a file.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from enum import StrEnum

from usdk.acquisition import Gap
from usdk.errors import ArgumentError, DataDamagedError

__all__ = [
    "CHUNK_HEAD_BYTES",
    "FRAME_PREFIX_BYTES",
    "MAGIC",
    "MARKER_BYTES",
    "MAX_HEADER_BYTES",
    "PREAMBLE_BYTES",
    "VERSION",
    "ChunkHead",
    "ChunkKind",
    "FramePrefix",
    "chunk_head",
    "pack_end",
    "pack_gap",
    "pack_preamble",
    "parse_chunk_head",
    "parse_end",
    "parse_gap",
    "parse_preamble",
]

# As in PNG: a byte above 127 and both line ends show a transfer that was not binary.
MAGIC = b"\x89USDKREC\r\n\x1a\n"
VERSION = 1
MAX_HEADER_BYTES = 64 * 2**20
"""Largest header chunk that is read; the largest probe and sequence allowed take a tenth."""

_PREAMBLE = struct.Struct("<12sI8s")
_CHUNK = struct.Struct("<8s4sIQQ")
_FRAME = struct.Struct("<Qqdd")
_GAP = struct.Struct("<4q")
_END = struct.Struct("<Q")
_CRC = struct.Struct("<I")

MARKER_BYTES = 8
PREAMBLE_BYTES = _PREAMBLE.size + _CRC.size
CHUNK_HEAD_BYTES = _CHUNK.size + _CRC.size
FRAME_PREFIX_BYTES = _FRAME.size


class ChunkKind(StrEnum):
    """What a chunk holds."""

    HEADER = "HEAD"
    FRAME = "FRAM"
    GAP = "GAP "
    END = "END "


_KINDS = {kind.value.encode(): kind for kind in ChunkKind}


@dataclass(frozen=True)
class ChunkHead:
    """The first bytes of a chunk.

    Parameters
    ----------
    kind : ChunkKind
        What the payload is.
    payload_crc : int
        CRC-32 of the payload.
    ordinal : int
        Chunks before this one.
    n_bytes : int
        Length of the payload.
    """

    kind: ChunkKind
    payload_crc: int
    ordinal: int
    n_bytes: int


@dataclass(frozen=True)
class FramePrefix:
    """What precedes the samples in a frame's payload; ``index`` counts the file's frames."""

    index: int
    sequence_number: int
    device_timestamp_s: float
    host_timestamp_s: float

    def pack(self) -> bytes:
        """Return the prefix as bytes."""
        return _FRAME.pack(
            self.index, self.sequence_number, self.device_timestamp_s, self.host_timestamp_s
        )

    @classmethod
    def parse(cls, payload: bytes | bytearray) -> FramePrefix:
        """Return the prefix of a whole payload."""
        return cls(*_FRAME.unpack_from(payload))


def pack_preamble(marker: bytes) -> bytes:
    """Return the first bytes of a file whose chunks begin with ``marker``."""
    return _with_crc(_PREAMBLE.pack(MAGIC, VERSION, marker))


def parse_preamble(data: bytes) -> bytes:
    """Return the marker of a file.

    Raises
    ------
    DataDamagedError
        If the bytes are not, or not wholly, a recording's, or of another version.
    """
    if len(data) < PREAMBLE_BYTES or not data.startswith(MAGIC):
        raise DataDamagedError("not a usdk recording, or cut off within its first bytes")
    if not _crc_holds(data[:PREAMBLE_BYTES]):
        raise DataDamagedError("the first bytes of the recording are damaged")
    _, version, marker = _PREAMBLE.unpack_from(data)
    if version != VERSION:
        raise DataDamagedError(
            f"the recording has version {version}, this usdk reads version {VERSION}: update usdk"
        )
    return bytes(marker)


def chunk_head(marker: bytes, kind: ChunkKind, ordinal: int, *payload: bytes | memoryview) -> bytes:
    """Return the bytes that precede a payload, given in one or more parts."""
    crc = 0
    for part in payload:
        crc = zlib.crc32(part, crc)
    n_bytes = sum(memoryview(part).nbytes for part in payload)
    return _with_crc(_CHUNK.pack(marker, kind.value.encode(), crc, ordinal, n_bytes))


def parse_chunk_head(marker: bytes, data: bytes) -> ChunkHead | None:
    """Return the head at the start of ``data``, or None if there is no whole and sound one."""
    if len(data) < CHUNK_HEAD_BYTES or not _crc_holds(data[:CHUNK_HEAD_BYTES]):
        return None
    found, kind, crc, ordinal, n_bytes = _CHUNK.unpack_from(data)
    if found != marker or kind not in _KINDS:
        return None
    return ChunkHead(_KINDS[kind], crc, ordinal, n_bytes)


def pack_gap(gap: Gap) -> bytes:
    """Return a gap chunk's payload; ArgumentError if a number does not fit 64 bits."""
    try:
        return _GAP.pack(
            gap.first_sequence_number, gap.n_frames, gap.n_packets_lost, gap.n_packets_damaged
        )
    except struct.error as error:
        raise ArgumentError(f"the numbers of {gap} must be integers of 64 bits") from error


def parse_gap(payload: bytes) -> Gap | None:
    """Return the gap, or None if the payload has another length."""
    if len(payload) != _GAP.size:
        return None
    first, n_frames, n_lost, n_damaged = _GAP.unpack(payload)
    return Gap(
        first_sequence_number=first,
        n_frames=n_frames,
        n_packets_lost=n_lost,
        n_packets_damaged=n_damaged,
    )


def pack_end(n_frames: int) -> bytes:
    """Return the end chunk's payload."""
    return _END.pack(n_frames)


def parse_end(payload: bytes) -> int | None:
    """Return the number of frames written, or None if the payload has another length."""
    return int(_END.unpack(payload)[0]) if len(payload) == _END.size else None


def _with_crc(data: bytes) -> bytes:
    return data + _CRC.pack(zlib.crc32(data))


def _crc_holds(data: bytes) -> bool:
    return _CRC.pack(zlib.crc32(data[: -_CRC.size])) == data[-_CRC.size :]
