"""RecordingReader: reads usdk's own recording, and says what of it is missing."""

from __future__ import annotations

import io
import os
import zlib
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from usdk.acquisition import Acquisition, Gap
from usdk.errors import ArgumentError, DataDamagedError, EndOfRecordingError, StateError
from usdk.files import open_regular, storage_errors
from usdk.io.description import RecordingDescription
from usdk.io.recording_chunks import FRAME_PREFIX_BYTES, FramePrefix
from usdk.io.recording_header import RecordingHeader
from usdk.io.recording_index import DamagedChunks, FrameChunk, index_recording
from usdk.io.recording_losses import LossCount

__all__ = ["FORMAT", "RecordingReader", "describe_own", "load_own"]

FORMAT = "usdk recording"


class RecordingReader:
    """Reads a recording from its start, some frames at a time; a context manager.

    Samples go from the file straight into the acquisition's array, and each frame is checked
    against its CRC-32 before it is handed out. Frames that are damaged or cut off are left out
    and listed in ``gaps``. Memory is taken for the frames that are read, however long the
    recording is.

    Parameters
    ----------
    path : path-like
        The recording.

    Raises
    ------
    DataDamagedError
        If the file is not a recording, or its header is damaged.
    StorageError
        If the file cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        with storage_errors(f"read {self._path}"):
            self._file = io.FileIO(open_regular(self._path, str(self._path)))
            try:
                self._index = index_recording(self._file, self._path)
            except BaseException:
                self._file.close()
                raise
        # Frames up to the last whole one; None until that has been looked for.
        self._n_sound: int | None = None
        self._place = 0
        self._ended = False
        self._n_left = self._index.n_frames
        self._losses = LossCount()

    @property
    def header(self) -> RecordingHeader:
        """What every frame is made with."""
        return self._index.header

    @property
    def n_frames(self) -> int:
        """Frames in the file, whether damaged or not."""
        return self._index.n_frames

    def describe(self) -> RecordingDescription:
        """Describe the recording; samples are not read."""
        index = self._index
        damaged = (c.n_chunks for c in index.chunks if isinstance(c, DamagedChunks))
        return RecordingDescription(
            format=FORMAT,
            probe=index.header.probe,
            sequence=index.header.sequence,
            receive=index.header.receive,
            device=index.header.device,
            dtype=index.header.dtype.name,
            n_frames=index.n_frames,
            n_bytes=index.n_bytes,
            gaps=tuple(chunk for chunk in index.chunks if isinstance(chunk, Gap)),
            n_chunks_damaged=sum(damaged),
            n_bytes_cut=index.n_bytes_cut,
            is_complete=index.n_frames_written is not None,
        )

    def read(self, n_frames: int = 1) -> Acquisition:
        """Return the next whole frames, and the gaps before and between them.

        Parameters
        ----------
        n_frames : int
            How many; fewer come at the end.

        Raises
        ------
        EndOfRecordingError
            If there are no more frames; `rewind` to read them again.
        DataDamagedError
            If frames remain, and none of them is whole.
        StateError
            If the reader is closed.
        """
        if n_frames < 1:
            raise ArgumentError(f"n_frames must be at least 1, got {n_frames}")
        if self._file.closed:
            raise StateError("the recording is closed: open it again")
        if self._ended:
            raise EndOfRecordingError(f"{self._path} has no more frames: rewind, or open it again")
        self._leave_out_damaged_end()
        header = self._index.header
        data = np.empty((min(n_frames, self._n_left), *header.shape), header.stored_dtype)
        prefixes: list[FramePrefix] = []
        with storage_errors(f"read {self._path}"):
            while self._place < len(self._index.chunks) and (
                self._n_left == 0 or len(prefixes) < n_frames
            ):
                self._take(data, prefixes)
        if self._n_left == 0:
            self._ended = True
            self._losses.end(self._index.n_frames_written, self._index.n_frames_cut)
        gaps = self._losses.take() if prefixes or self._ended else ()
        if not prefixes and not gaps:
            raise EndOfRecordingError(f"{self._path} holds no frame")
        if not prefixes:
            raise DataDamagedError(
                f"{self._path}: no whole frame is left; {len(gaps)} gaps were found"
            )
        return Acquisition(
            data=data[: len(prefixes)].astype(header.dtype, copy=False),
            probe=header.probe,
            sequence=header.sequence,
            receive=header.receive,
            device=header.device,
            sequence_numbers=np.array([p.sequence_number for p in prefixes], np.int64),
            device_timestamps_s=np.array([p.device_timestamp_s for p in prefixes]),
            host_timestamps_s=np.array([p.host_timestamp_s for p in prefixes]),
            gaps=gaps,
        )

    def rewind(self) -> None:
        """Go back to the first frame."""
        self._place = 0
        self._ended = False
        self._n_left = self._index.n_frames if self._n_sound is None else self._n_sound
        self._losses = LossCount()

    def ends(self) -> tuple[FramePrefix, FramePrefix] | None:
        """Return numbers and times of the first and the last whole frame; None if there is none.

        Both are read, to check them; the place of the next `read` stays.
        """
        with storage_errors(f"read {self._path}"):
            chunks = self._index.chunks
            first = next(filter(None, map(self._checked, chunks)), None)
            last = next(filter(None, map(self._checked, reversed(chunks))), None)
        return None if first is None or last is None else (first, last)

    def close(self) -> None:
        """Close the file; a second call has no effect."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _leave_out_damaged_end(self) -> None:
        """Count frames up to the last whole one: what is lost at the end goes with it."""
        if self._n_sound is not None:
            return
        n_sound = self._index.n_frames
        with storage_errors(f"read {self._path}"):
            for chunk in reversed(self._index.chunks):
                if self._checked(chunk) is not None:
                    break
                n_sound -= isinstance(chunk, FrameChunk)
        self._n_left -= self._index.n_frames - n_sound
        self._n_sound = n_sound

    def _checked(self, chunk: FrameChunk | Gap | DamagedChunks) -> FramePrefix | None:
        """Return what precedes a frame's samples if they are whole; samples are not kept."""
        if not isinstance(chunk, FrameChunk):
            return None
        row = np.empty(self._index.header.shape, self._index.header.stored_dtype)
        return self._read_frame(chunk, row)

    def _take(self, data: NDArray[Any], prefixes: list[FramePrefix]) -> None:
        """Take the next chunk: a frame into the next row of ``data``, or a loss."""
        chunk = self._index.chunks[self._place]
        self._place += 1
        if isinstance(chunk, Gap):
            self._losses.recorded(chunk)
        elif isinstance(chunk, DamagedChunks):
            self._losses.damaged(chunk.n_chunks)
        elif self._n_left == 0:
            self._losses.damaged(1)
        else:
            self._n_left -= 1
            prefix = self._read_frame(chunk, data[len(prefixes)])
            if prefix is None:
                self._losses.damaged(1)
            else:
                self._losses.frame(prefix)
                prefixes.append(prefix)

    def _read_frame(self, chunk: FrameChunk, row: NDArray[Any]) -> FramePrefix | None:
        """Read a frame's samples into ``row``; None if it is damaged."""
        head = bytearray(FRAME_PREFIX_BYTES)
        samples = row.reshape(-1).view(np.uint8).data
        self._file.seek(chunk.offset)
        if not (self._fill(memoryview(head)) and self._fill(samples)):
            return None
        if zlib.crc32(samples, zlib.crc32(head)) != chunk.payload_crc:
            return None
        return FramePrefix.parse(head)

    def _fill(self, buffer: memoryview) -> bool:
        while buffer:
            n = self._file.readinto(buffer)
            if not n:
                return False
            buffer = buffer[n:]
        return True


def load_own(path: Path) -> Acquisition:
    """Load every whole frame of a recording; ``gaps`` says what is missing.

    Raises
    ------
    DataDamagedError
        If the header is damaged, or no frame is whole.
    StorageError
        If the file cannot be opened.
    """
    with RecordingReader(path) as reader:
        try:
            return reader.read(max(reader.n_frames, 1))
        except EndOfRecordingError as error:
            raise DataDamagedError(f"{path} was closed before a frame was written") from error


def describe_own(path: Path) -> RecordingDescription:
    """Describe a recording without reading the samples; raises as `load_own`."""
    with RecordingReader(path) as reader:
        return reader.describe()
