"""What a recording of channel data holds, for ``usdk show``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from usdk.io import describe_recording

__all__ = ["describe_channel_data"]


def describe_channel_data(path: Path) -> dict[str, Any]:
    """Return what a recording says of itself, in types that JSON knows."""
    recording = describe_recording(path)
    n_frames, n_transmits, n_elements, n_samples = recording.shape
    receive = recording.receive
    return {
        "kind": "recording",
        "format": recording.format,
        "n_bytes": recording.n_bytes,
        "is_complete": recording.is_complete,
        "n_bytes_cut": recording.n_bytes_cut,
        "device": None if recording.device is None else asdict(recording.device),
        "probe": {
            "name": recording.probe.name,
            "kind": recording.probe.kind.value,
            "n_elements": n_elements,
            "centre_frequency_hz": recording.probe.centre_frequency_hz,
            "pitch_m": recording.probe.pitch_m,
        },
        "sequence": recording.sequence.describe(),
        "n_frames": n_frames,
        "n_frames_lost": sum(gap.n_frames for gap in recording.gaps),
        "n_transmits": n_transmits,
        "n_samples": n_samples,
        "dtype": recording.dtype,
        "sampling_frequency_hz": receive.sampling_frequency_hz,
        "demodulation_frequency_hz": receive.demodulation_frequency_hz,
        "sound_speed_m_s": receive.sound_speed_m_s,
        "depth_m": receive.depth_m,
    }
