"""RecordingDescription: what a recording holds, known without reading its samples."""

from __future__ import annotations

from dataclasses import dataclass

from usdk.acquisition import DeviceInfo, Gap, ReceiveSettings
from usdk.probe import Probe
from usdk.transmit import TransmitSequence

__all__ = ["RecordingDescription"]


@dataclass(frozen=True, eq=False, kw_only=True)
class RecordingDescription:
    """What a recording holds.

    Parameters
    ----------
    format : str
        Name of the file format.
    probe, sequence, receive, device
        As in `usdk.acquisition.Acquisition`.
    dtype : str
        int16, float32 or complex64: the type of the samples once loaded.
    n_frames : int
        Frames found. Their samples were not checked.
    n_bytes : int
        Size of the file.
    gaps : tuple of Gap
        Frames that the recording itself says are missing.
    n_chunks_damaged : int
        Damaged parts found between the frames; only usdk's own recordings can tell.
    n_bytes_cut : int
        Bytes at the end that belong to no whole frame; only usdk's own recordings can tell.
    is_complete : bool
        Whether the recording was closed: False when its writer was cut off.
    """

    format: str
    probe: Probe
    sequence: TransmitSequence
    receive: ReceiveSettings
    dtype: str
    n_frames: int
    n_bytes: int
    device: DeviceInfo | None = None
    gaps: tuple[Gap, ...] = ()
    n_chunks_damaged: int = 0
    n_bytes_cut: int = 0
    is_complete: bool = True

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(n_frames, n_transmits, n_elements, n_samples)."""
        return (
            self.n_frames,
            len(self.sequence),
            self.probe.n_elements,
            self.receive.n_samples,
        )
