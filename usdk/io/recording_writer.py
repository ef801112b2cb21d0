"""RecordingWriter: appends acquisitions to usdk's own recording, frame by frame."""

from __future__ import annotations

import io
import os
from collections import deque
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from usdk.acquisition import Acquisition, DeviceInfo, ReceiveSettings
from usdk.errors import ArgumentError, StateError, StorageError, UsdkError
from usdk.files import (
    atomic_file,
    require_replaceable,
    storage_errors,
    sync_folder,
)
from usdk.io.recording_chunks import (
    MARKER_BYTES,
    ChunkKind,
    FramePrefix,
    chunk_head,
    pack_end,
    pack_gap,
    pack_preamble,
)
from usdk.io.recording_header import RecordingHeader
from usdk.probe import Probe
from usdk.transmit import TransmitSequence

__all__ = ["RecordingWriter", "save_recording"]


class RecordingWriter:
    """A recording that grows frame by frame; a context manager.

    Each frame is handed to the operating system whole before `write` returns, so that a crash of
    the program loses nothing that was written, and a loss of power at most what the operating
    system still held. `close` has everything on the disk.

    Parameters
    ----------
    path : path-like
        The new file.
    probe, sequence, receive, device
        What every frame is made with.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    ArgumentError
        If the settings do not fit each other.
    StorageError
        If the file exists, or cannot be created.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        probe: Probe,
        sequence: TransmitSequence,
        receive: ReceiveSettings,
        device: DeviceInfo | None = None,
        *,
        overwrite: bool = False,
    ) -> None:
        self._path = Path(path)
        # RF may be int16 or float32; which it is shows when the first frame comes.
        dtype = np.dtype(np.complex64 if receive.demodulation_frequency_hz > 0 else np.int16)
        self._header = RecordingHeader(
            probe=probe, sequence=sequence, receive=receive, device=device, dtype=dtype
        )
        self._header.to_bytes()
        self._marker = os.urandom(MARKER_BYTES)
        self._n_chunks = 0
        self._n_frames = 0
        self._n_bytes = 0
        self._failed = False
        with storage_errors(f"create {self._path}"):
            require_replaceable(self._path)
            self._file = io.FileIO(self._path, "wb" if overwrite else "xb")
        try:
            self._append(pack_preamble(self._marker))
        except StorageError:
            self._file.close()
            raise

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    @property
    def n_frames(self) -> int:
        """Frames written so far."""
        return self._n_frames

    def write(self, acquisition: Acquisition) -> None:
        """Append the gaps and the frames of an acquisition.

        Raises
        ------
        ArgumentError
            If it was made with other settings than the recording's; nothing was written.
        StateError
            If the recording is closed, or an earlier write failed.
        StorageError
            If the disk is full or fails. The file ends with the last whole frame and stays
            readable; nothing more can be written to it.
        """
        if self._file.closed:
            raise StateError("the recording is closed: make a new RecordingWriter")
        if self._failed:
            raise StateError("an earlier write failed: close, and record to another file")
        if self._n_chunks == 0:
            self._header = RecordingHeader(
                probe=self._header.probe,
                sequence=self._header.sequence,
                receive=self._header.receive,
                device=self._header.device,
                dtype=acquisition.data.dtype,
            )
        if not self._header.describes(acquisition):
            raise ArgumentError(
                "the acquisition was made with another probe, sequence, receive settings, device "
                "or sample type than the recording: make a new recording"
            )
        gaps = [pack_gap(gap) for gap in acquisition.gaps]
        # Each before its frame, so that whoever reads frame by frame meets it where it was.
        first_lost = [gap.first_sequence_number for gap in acquisition.gaps]
        owners = np.searchsorted(acquisition.sequence_numbers, first_lost)
        # None overtakes another: a recording keeps their order.
        waiting = deque(zip(np.maximum.accumulate(owners).tolist(), gaps, strict=True))
        self._begin()
        for i, samples in enumerate(acquisition.data):
            while waiting and waiting[0][0] <= i:
                self._append_chunk(ChunkKind.GAP, waiting.popleft()[1])
            prefix = FramePrefix(
                self._n_frames,
                int(acquisition.sequence_numbers[i]),
                float(acquisition.device_timestamps_s[i]),
                float(acquisition.host_timestamps_s[i]),
            )
            stored = np.ascontiguousarray(samples, self._header.stored_dtype)
            self._append_chunk(
                ChunkKind.FRAME, prefix.pack(), stored.reshape(-1).view(np.uint8).data
            )
            self._n_frames += 1
        for _, gap in waiting:
            self._append_chunk(ChunkKind.GAP, gap)

    def close(self) -> None:
        """Mark the end and have everything on the disk; a second call has no effect.

        A recording without a frame is none: its file is removed.

        Raises
        ------
        StorageError
            If that fails. The frames written before stay readable.
        """
        if self._file.closed:
            return
        with storage_errors(f"finish {self._path}"):
            try:
                if self._n_frames == 0:
                    self._path.unlink(missing_ok=True)
                elif not self._failed:
                    self._begin()
                    self._append_chunk(ChunkKind.END, pack_end(self._n_frames))
                os.fsync(self._file.fileno())
            finally:
                self._file.close()
            sync_folder(self._path.parent)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.close()
        except UsdkError:
            # The error that ended the block is the one to report; closing after it may fail too.
            if error is None:
                raise

    def _begin(self) -> None:
        if self._n_chunks == 0:
            self._append_chunk(ChunkKind.HEADER, self._header.to_bytes())

    def _append_chunk(self, kind: ChunkKind, *payload: bytes | memoryview) -> None:
        head = chunk_head(self._marker, kind, self._n_chunks, *payload)
        self._append(head, *payload)
        self._n_chunks += 1

    def _append(self, *parts: bytes | memoryview) -> None:
        """Write the parts wholly, or take back what was written of them."""
        written = self._n_bytes
        try:
            for part in parts:
                rest = memoryview(part)
                while rest:
                    n = self._file.write(rest) or 0
                    rest = rest[n:]
                    written += n
        except BaseException as error:
            self._failed = True
            with suppress(OSError):
                self._file.truncate(self._n_bytes)
                self._file.seek(self._n_bytes)
                # The disk may fail again; after Ctrl-C the recording can still be ended well.
                self._failed = isinstance(error, OSError)
            if not isinstance(error, OSError):
                raise
            with storage_errors(f"write frame {self._n_frames} to {self._path}"):
                raise
        self._n_bytes = written


def save_recording(
    path: str | os.PathLike[str], acquisition: Acquisition, *, overwrite: bool = False
) -> Path:
    """Save an acquisition losslessly as usdk's own recording, and return its path.

    The file appears under its name only when it is whole.

    Raises
    ------
    StorageError
        If the path exists and ``overwrite`` is false, or the disk is full or fails.
    """
    path = Path(path)
    with (
        atomic_file(path, overwrite=overwrite, name=str(path)) as (_, temporary),
        RecordingWriter(
            temporary,
            acquisition.probe,
            acquisition.sequence,
            acquisition.receive,
            acquisition.device,
            overwrite=True,
        ) as writer,
    ):
        writer.write(acquisition)
    return path
