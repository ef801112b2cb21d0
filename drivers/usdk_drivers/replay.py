"""Replay: a recording as a front-end, frame by frame, just as it was stored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Self

from usdk.acquisition import Acquisition, DeviceInfo
from usdk.errors import ArgumentError, DeviceAbsentError
from usdk.front_end import (
    Capabilities,
    Configuration,
    Found,
    FrontEnd,
    FrontEndStatus,
    ReceiveRequest,
)
from usdk.probe import Probe
from usdk.transmit import TransmitSequence
from usdk_drivers.fixed_sequence import agree_on_fixed, recorded_capabilities, recorded_device
from usdk_drivers.recorded_frames import FramesInMemory, RecordedFrames, open_frames

__all__ = ["ReplayFrontEnd"]


class ReplayFrontEnd(FrontEnd):
    """A recording that is read like a device; address ``file:PATH``.

    Samples, sequence numbers, timestamps and gaps come as they were stored. The sequence is fixed.
    Frames come as fast as they are read; a stop and start goes back to the first. usdk's own
    recordings are read frame by frame, in memory for the frames asked for, however long they are.
    Files of foreign formats are loaded when they are opened.

    Parameters
    ----------
    recording : Acquisition or RecordedFrames
        What to replay.
    """

    scheme: ClassVar[str] = "file"

    def __init__(self, recording: Acquisition | RecordedFrames) -> None:
        super().__init__()
        self._frames: RecordedFrames = (
            FramesInMemory(recording) if isinstance(recording, Acquisition) else recording
        )
        self._forget_counts()

    def _forget_counts(self) -> None:
        self._n_frames = self._n_frames_lost = 0
        self._n_packets_lost = self._n_packets_damaged = 0

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
        return cls(open_frames(path))

    @classmethod
    def discover_at(cls, address: str) -> Found | None:
        """Return the recording at a path if there is a file; it is not read."""
        if not Path(address).is_file():
            return None
        return Found(address=f"{cls.scheme}:{address}", description="a recording")

    @property
    def info(self) -> DeviceInfo:
        """Who made the recording; "unknown" if it does not tell."""
        return recorded_device(self._frames.made_with)

    @property
    def capabilities(self) -> Capabilities:
        """What the recording holds, and no more; ``max_prf_hz`` is NaN if it does not tell."""
        return recorded_capabilities(self._frames.made_with, self._frames.frame_rate_hz)

    @property
    def probe(self) -> Probe:
        """The probe that made the recording."""
        return self._frames.made_with.probe

    def _configure(
        self, sequence: TransmitSequence | None, receive: ReceiveRequest | None
    ) -> Configuration:
        configuration = Configuration(
            sequence=self._frames.made_with.sequence,
            receive=self._frames.made_with.receive,
            frame_rate_hz=self._frames.frame_rate_hz,
        )
        return agree_on_fixed(configuration, sequence, receive)

    def _start(self) -> None:
        self._frames.rewind()
        self._forget_counts()

    def _read(self, n_frames: int, deadline_s: float) -> Acquisition:
        acquisition = self._frames.read(n_frames)
        self._n_frames += acquisition.n_frames
        for gap in acquisition.gaps:
            self._n_frames_lost += gap.n_frames
            self._n_packets_lost += gap.n_packets_lost
            self._n_packets_damaged += gap.n_packets_damaged
        return replace(acquisition, receive=self.configuration.receive)

    def _stop(self) -> None:
        pass

    def _close(self) -> None:
        self._frames.close()

    def _status(self) -> FrontEndStatus:
        return FrontEndStatus(
            state=self.state,
            n_frames_received=self._n_frames,
            n_frames_lost=self._n_frames_lost,
            n_packets_lost=self._n_packets_lost,
            n_packets_damaged=self._n_packets_damaged,
        )
