"""Replay: a recording as a front-end, frame by frame, just as it was stored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from usdk.acquisition import Acquisition, DeviceInfo, Gap
from usdk.errors import ArgumentError, DeviceAbsentError, EndOfRecordingError
from usdk.front_end import (
    Capabilities,
    Configuration,
    FrontEnd,
    FrontEndStatus,
    ReceiveRequest,
)
from usdk.probe import Probe
from usdk.transmit import TransmitSequence
from usdk_drivers.fixed_sequence import agree_on_fixed, recorded_capabilities, recorded_device
from usdk_drivers.recorded_pace import recorded_frame_rate_hz

__all__ = ["ReplayFrontEnd"]


class ReplayFrontEnd(FrontEnd):
    """A recording that is read like a device; address ``file:PATH``.

    Samples, sequence numbers, timestamps and gaps come as they were stored. The sequence is fixed.
    Frames come as fast as they are read; a stop and start goes back to the first.

    Parameters
    ----------
    acquisition : Acquisition
        The recording.
    """

    scheme: ClassVar[str] = "file"

    def __init__(self, acquisition: Acquisition) -> None:
        super().__init__()
        self._recording = acquisition
        self._next = 0
        self._gaps_left: list[Gap] = []
        self._gaps_given: list[Gap] = []

    @classmethod
    def open(cls, address: str) -> Self:
        """Open the recording at a path.

        Raises
        ------
        ArgumentError
            If no path is given.
        DeviceAbsentError
            If there is no such file.
        DataDamagedError
            If the file is of no known format, or damaged.
        """
        if not address:
            raise ArgumentError("name the recording: file:PATH")
        path = Path(address)
        if not path.is_file():
            raise DeviceAbsentError(f"there is no recording at {path}: check the path")
        # The readers' packages are wanted only when a file is opened.
        from usdk.io import load_recording

        return cls(load_recording(path))

    @property
    def info(self) -> DeviceInfo:
        """Who made the recording; "unknown" if it does not tell."""
        return recorded_device(self._recording)

    @property
    def capabilities(self) -> Capabilities:
        """What the recording holds, and no more; ``max_prf_hz`` is NaN if it does not tell."""
        return recorded_capabilities(self._recording)

    @property
    def probe(self) -> Probe:
        """The probe that made the recording."""
        return self._recording.probe

    def _configure(
        self, sequence: TransmitSequence | None, receive: ReceiveRequest | None
    ) -> Configuration:
        configuration = Configuration(
            sequence=self._recording.sequence,
            receive=self._recording.receive,
            frame_rate_hz=recorded_frame_rate_hz(self._recording),
        )
        return agree_on_fixed(configuration, sequence, receive)

    def _start(self) -> None:
        self._next = 0
        self._gaps_left = sorted(self._recording.gaps, key=lambda gap: gap.first_sequence_number)
        self._gaps_given = []

    def _read(self, n_frames: int, deadline_s: float) -> Acquisition:
        recording, first = self._recording, self._next
        if first == recording.n_frames:
            raise EndOfRecordingError("the recording has no more frames: stop and start again")
        self._next = stop = min(first + n_frames, recording.n_frames)
        is_last = stop == recording.n_frames
        # A gap belongs to the first frame after it; one at the very end to the last frame.
        before = np.inf if is_last else recording.sequence_numbers[stop - 1]
        gaps = [gap for gap in self._gaps_left if gap.first_sequence_number < before]
        self._gaps_left = self._gaps_left[len(gaps) :]
        self._gaps_given += gaps
        receive = self.configuration.receive
        return replace(recording[first:stop], receive=receive, gaps=tuple(gaps))

    def _stop(self) -> None:
        pass

    def _close(self) -> None:
        pass

    def _status(self) -> FrontEndStatus:
        return FrontEndStatus(
            state=self.state,
            n_frames_received=self._next,
            n_frames_lost=sum(gap.n_frames for gap in self._gaps_given),
            n_packets_lost=sum(gap.n_packets_lost for gap in self._gaps_given),
            n_packets_damaged=sum(gap.n_packets_damaged for gap in self._gaps_given),
        )
