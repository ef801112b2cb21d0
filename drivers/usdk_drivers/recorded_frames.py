"""Where the frames of a recording come from: a file that is read as it is asked for, or memory."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np

from usdk.acquisition import Acquisition, Gap
from usdk.errors import DataDamagedError, EndOfRecordingError
from usdk_drivers.fixed_sequence import Recorded
from usdk_drivers.recorded_pace import pace_between, recorded_frame_rate_hz

__all__ = ["FramesInMemory", "FramesOnDisk", "RecordedFrames", "open_frames"]


class RecordedFrames(Protocol):
    """Frames of a recording, from the first to the last."""

    @property
    def made_with(self) -> Recorded:
        """Probe, sequence, receive settings and device."""

    @property
    def frame_rate_hz(self) -> float:
        """How fast it was made, Hz; NaN if it does not tell."""

    def read(self, n_frames: int) -> Acquisition:
        """Return the next frames, fewer at the end; each gap comes with the frame after it.

        Raises
        ------
        EndOfRecordingError
            If there are no more.
        """

    def rewind(self) -> None:
        """Go back to the first frame."""

    def close(self) -> None:
        """Release what is open; a second call has no effect."""


class FramesInMemory:
    """Frames of an acquisition.

    Parameters
    ----------
    recording : Acquisition
        All of them.
    """

    def __init__(self, recording: Acquisition) -> None:
        self.made_with = recording
        self.frame_rate_hz = recorded_frame_rate_hz(recording)
        self._next = 0
        self._gaps_left = self._gaps()

    def read(self, n_frames: int) -> Acquisition:
        """Return the next frames; their samples are the recording's own memory."""
        recording, first = self.made_with, self._next
        if first == recording.n_frames:
            raise EndOfRecordingError("the recording has no more frames: stop and start again")
        self._next = stop = min(first + n_frames, recording.n_frames)
        is_last = stop == recording.n_frames
        # A gap belongs to the first frame after it; one at the very end to the last frame.
        before = np.inf if is_last else recording.sequence_numbers[stop - 1]
        gaps = [gap for gap in self._gaps_left if gap.first_sequence_number < before]
        self._gaps_left = self._gaps_left[len(gaps) :]
        return replace(recording[first:stop], gaps=tuple(gaps))

    def rewind(self) -> None:
        """Go back to the first frame."""
        self._next = 0
        self._gaps_left = self._gaps()

    def close(self) -> None:
        """Nothing is open."""

    def _gaps(self) -> list[Gap]:
        return sorted(self.made_with.gaps, key=lambda gap: gap.first_sequence_number)


class FramesOnDisk:
    """Frames of usdk's own recording, read when they are asked for: memory for these alone.

    Parameters
    ----------
    path : Path
        The recording.

    Raises
    ------
    DataDamagedError
        If it cannot be understood, or no frame of it is whole.
    StorageError
        If it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        from usdk.io import RecordingReader

        # A file must not be closed while another thread reads from it.
        self._reading = threading.Lock()
        self._reader = RecordingReader(path)
        try:
            ends = self._reader.ends()
            if ends is None:
                raise DataDamagedError(f"{path} holds no whole frame: record again")
        except BaseException:
            self._reader.close()
            raise
        first, last = ends
        self.made_with = self._reader.header
        self.frame_rate_hz = pace_between(
            last.sequence_number - first.sequence_number,
            last.device_timestamp_s - first.device_timestamp_s,
            self.made_with.sequence,
        )

    def read(self, n_frames: int) -> Acquisition:
        """Return the next frames, read from the disk and checked."""
        try:
            with self._reading:
                return self._reader.read(n_frames)
        except EndOfRecordingError as error:
            raise EndOfRecordingError(
                "the recording has no more frames: stop and start again"
            ) from error

    def rewind(self) -> None:
        """Go back to the first frame."""
        with self._reading:
            self._reader.rewind()

    def close(self) -> None:
        """Close the file."""
        with self._reading:
            self._reader.close()


def open_frames(path: Path) -> RecordedFrames:
    """Return the frames of a file; those of foreign formats are loaded as a whole.

    Raises
    ------
    DataDamagedError
        If the file is of no known format, or damaged.
    StorageError
        If it cannot be opened.
    """
    # The readers' packages are wanted only when a file is opened.
    from usdk.io import is_own_recording, load_recording

    return FramesOnDisk(path) if is_own_recording(path) else FramesInMemory(load_recording(path))
