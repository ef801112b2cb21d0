"""Where the chunks of a recording lie, found without reading the samples."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from usdk.acquisition import Gap
from usdk.errors import DataDamagedError
from usdk.io.recording_chunks import (
    CHUNK_HEAD_BYTES,
    FRAME_PREFIX_BYTES,
    MAX_HEADER_BYTES,
    PREAMBLE_BYTES,
    ChunkHead,
    ChunkKind,
    parse_chunk_head,
    parse_end,
    parse_gap,
    parse_preamble,
)
from usdk.io.recording_header import RecordingHeader

__all__ = ["DamagedChunks", "FrameChunk", "RecordingIndex", "index_recording"]

_SEARCH_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class FrameChunk:
    """A frame's payload: where it begins, and its CRC-32."""

    offset: int
    payload_crc: int


@dataclass(frozen=True)
class DamagedChunks:
    """Chunks that cannot be read, where they should be."""

    n_chunks: int


@dataclass(eq=False)
class RecordingIndex:
    """What a recording holds, in the order of the file.

    Parameters
    ----------
    header : RecordingHeader
        What every frame is made with.
    n_bytes : int
        Size of the file.
    chunks : list
        Frames, recorded gaps and damage.
    n_frames_written : int or None
        Frames that the writer counted; None when the recording was not closed.
    n_bytes_cut : int
        Bytes after the last whole chunk.
    """

    header: RecordingHeader
    n_bytes: int
    chunks: list[FrameChunk | Gap | DamagedChunks] = field(default_factory=list)
    n_frames_written: int | None = None
    n_bytes_cut: int = 0

    @property
    def n_frames(self) -> int:
        """Frames found; their samples are not yet checked."""
        return sum(isinstance(chunk, FrameChunk) for chunk in self.chunks)

    @property
    def n_frames_cut(self) -> int:
        """Most frames that the bytes cut can have held."""
        frame_bytes = CHUNK_HEAD_BYTES + FRAME_PREFIX_BYTES + self.header.n_sample_bytes
        return -(-self.n_bytes_cut // frame_bytes)


def index_recording(file: BinaryIO, path: Path) -> RecordingIndex:
    """Walk a recording from chunk to chunk.

    A chunk whose head is damaged is left out: the walk goes on at the next sound head. What
    follows the last sound chunk is cut.

    Raises
    ------
    DataDamagedError
        If the first bytes or the header are damaged: without them no sample can be understood.
    """
    n_bytes = file.seek(0, 2)
    file.seek(0)
    try:
        marker = parse_preamble(file.read(PREAMBLE_BYTES))
        index = RecordingIndex(_header(file, marker), n_bytes)
    except DataDamagedError as error:
        raise DataDamagedError(f"{path}: {error}") from error
    offset, ordinal = file.tell(), 1
    while offset < n_bytes:
        found = _next_head(file, marker, offset, ordinal, n_bytes)
        if found is None:
            break
        start, head = found
        if head.ordinal > ordinal or start > offset:
            index.chunks.append(DamagedChunks(max(head.ordinal - ordinal, 1)))
        _enter(file, index, start + CHUNK_HEAD_BYTES, head)
        offset = start + CHUNK_HEAD_BYTES + head.n_bytes
        ordinal = head.ordinal + 1
    index.n_bytes_cut = n_bytes - offset
    return index


def _header(file: BinaryIO, marker: bytes) -> RecordingHeader:
    head = parse_chunk_head(marker, file.read(CHUNK_HEAD_BYTES))
    if head is None or head.kind is not ChunkKind.HEADER or head.ordinal != 0:
        raise DataDamagedError("the header is damaged or cut off: no frame can be read")
    if head.n_bytes > MAX_HEADER_BYTES:
        raise DataDamagedError(f"the header is longer than {MAX_HEADER_BYTES} bytes")
    payload = file.read(head.n_bytes)
    if len(payload) != head.n_bytes or zlib.crc32(payload) != head.payload_crc:
        raise DataDamagedError("the header is damaged or cut off: no frame can be read")
    return RecordingHeader.from_bytes(payload)


def _next_head(
    file: BinaryIO, marker: bytes, offset: int, ordinal: int, n_bytes: int
) -> tuple[int, ChunkHead] | None:
    """Return the first sound chunk from ``offset`` on that lies wholly within the file."""
    start = offset
    while True:
        file.seek(start)
        head = parse_chunk_head(marker, file.read(CHUNK_HEAD_BYTES))
        if (
            head is not None
            and head.ordinal >= ordinal
            and start + CHUNK_HEAD_BYTES + head.n_bytes <= n_bytes
        ):
            return start, head
        found = _find(file, marker, start + 1)
        if found is None:
            return None
        start = found


def _find(file: BinaryIO, marker: bytes, start: int) -> int | None:
    file.seek(start)
    block = b""
    while True:
        more = file.read(_SEARCH_BYTES)
        block += more
        place = block.find(marker)
        if place >= 0:
            return start + place
        if not more:
            return None
        # A marker may lie across two blocks.
        keep = len(marker) - 1
        start += max(len(block) - keep, 0)
        block = block[-keep:]


def _enter(file: BinaryIO, index: RecordingIndex, offset: int, head: ChunkHead) -> None:
    """Enter one chunk; one that is sound but impossible counts as damaged."""
    if head.kind is ChunkKind.FRAME:
        if head.n_bytes == FRAME_PREFIX_BYTES + index.header.n_sample_bytes:
            index.chunks.append(FrameChunk(offset, head.payload_crc))
            return
    elif head.kind in (ChunkKind.GAP, ChunkKind.END) and head.n_bytes <= CHUNK_HEAD_BYTES:
        file.seek(offset)
        payload = file.read(head.n_bytes)
        if zlib.crc32(payload) == head.payload_crc:
            if head.kind is ChunkKind.GAP:
                gap = parse_gap(payload)
                if gap is not None:
                    index.chunks.append(gap)
                    return
            else:
                index.n_frames_written = parse_end(payload)
                return
    index.chunks.append(DamagedChunks(1))
