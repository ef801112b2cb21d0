"""Reception: whole frames from a front-end into memory, and into a recording if wanted."""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from usdk.acquisition import Acquisition
from usdk.cli.progress import Stage
from usdk.errors import (
    ArgumentError,
    DeviceAbsentError,
    DeviceFailedError,
    DeviceTimeoutError,
    EndOfRecordingError,
    UsdkError,
)
from usdk.front_end import Configuration, FrontEnd, FrontEndStatus
from usdk.io import RecordingWriter

__all__ = ["MAX_CHANNEL_BYTES", "Received", "receive"]

MAX_CHANNEL_BYTES = 512 * 2**20
"""Channel data that are kept in memory until they are beamformed."""

_RF_BYTES, _IQ_BYTES = 4, 8
_INTERRUPTIONS = (DeviceAbsentError, DeviceFailedError, DeviceTimeoutError)


@dataclass
class Received:
    """What came, what was lost, and what ended it.

    Parameters
    ----------
    acquisitions : list of Acquisition
        One frame each, in order.
    n_frames_lost, n_packets_lost, n_packets_damaged : int
        Losses, those after the last whole frame among them where the device still tells.
    interruption : UsdkError, optional
        Why fewer frames came than were wanted; None when all came or a recording ended.
    """

    acquisitions: list[Acquisition] = field(default_factory=list)
    n_frames_lost: int = 0
    n_packets_lost: int = 0
    n_packets_damaged: int = 0
    interruption: UsdkError | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the counts, in types that JSON knows."""
        return {
            "n_frames_received": len(self.acquisitions),
            "n_frames_lost": self.n_frames_lost,
            "n_packets_lost": self.n_packets_lost,
            "n_packets_damaged": self.n_packets_damaged,
            "interruption": None if self.interruption is None else str(self.interruption),
        }


def receive(
    front_end: FrontEnd,
    n_frames: int | None,
    stage: Stage,
    *,
    record: Path | None = None,
    overwrite: bool = False,
    timeout_s: float,
) -> Received:
    """Read whole frames from a configured front-end.

    Parameters
    ----------
    front_end : FrontEnd
        Configured.
    n_frames : int, optional
        How many; until the recording ends when absent.
    stage : Stage
        Counts the frames.
    record, overwrite : Path and bool, optional
        Where to record the channel data as they come, and whether over an existing file.
    timeout_s : float
        How long to wait for each frame, s.

    Raises
    ------
    ArgumentError
        If so many frames do not fit into `MAX_CHANNEL_BYTES`.
    DeviceAbsentError, DeviceFailedError, DeviceTimeoutError
        If not one frame came. After the first, what came is returned with the error in it.
    """
    most = _most_frames(front_end, front_end.configuration)
    if n_frames is not None and n_frames > most:
        raise ArgumentError(
            f"{n_frames} frames of this device do not fit into memory: take at most {most}"
        )
    received = Received()
    with ExitStack() as stack:
        writer = None
        if record is not None:
            configuration = front_end.configuration
            writer = stack.enter_context(
                RecordingWriter(
                    record,
                    front_end.probe,
                    configuration.sequence,
                    configuration.receive,
                    front_end.info,
                    overwrite=overwrite,
                )
            )
        while len(received.acquisitions) < (most if n_frames is None else n_frames):
            try:
                acquisition = front_end.read(timeout_s=timeout_s)
            except EndOfRecordingError:
                break
            except _INTERRUPTIONS as error:
                if not received.acquisitions:
                    raise
                received.interruption = error
                break
            if writer is not None:
                writer.write(acquisition)
            _take(received, acquisition, stage)
        _count_the_rest(received, front_end)
    return received


def _most_frames(front_end: FrontEnd, configuration: Configuration) -> int:
    n_samples = front_end.probe.n_elements * configuration.receive.n_samples
    sample_bytes = _IQ_BYTES if configuration.receive.demodulation_frequency_hz else _RF_BYTES
    frame_bytes = sample_bytes * len(configuration.sequence) * n_samples
    return max(1, math.floor(MAX_CHANNEL_BYTES / frame_bytes))


def _take(received: Received, acquisition: Acquisition, stage: Stage) -> None:
    received.acquisitions.append(acquisition)
    received.n_frames_lost += acquisition.n_frames_lost
    received.n_packets_lost += sum(gap.n_packets_lost for gap in acquisition.gaps)
    received.n_packets_damaged += sum(gap.n_packets_damaged for gap in acquisition.gaps)
    lost = f"{received.n_frames_lost} lost" if received.n_frames_lost else ""
    stage.advance(acquisition.n_frames, note=lost)


def _count_the_rest(received: Received, front_end: FrontEnd) -> None:
    """Add what was lost after the last whole frame, which no acquisition could say."""
    try:
        status: FrontEndStatus = front_end.status()
    except UsdkError:
        # A device that went away has no status; the frames say what is known.
        return
    received.n_frames_lost = max(received.n_frames_lost, status.n_frames_lost)
    received.n_packets_lost = max(received.n_packets_lost, status.n_packets_lost)
    received.n_packets_damaged = max(received.n_packets_damaged, status.n_packets_damaged)
