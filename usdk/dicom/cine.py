"""Cine and Multi-frame modules: when each frame was made (PS3.3 C.7.6.5, C.7.6.6)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from usdk.dicom.pydicom_extra import Dataset, format_number_as_ds
from usdk.dicom.series import MAX_INTEGER_STRING
from usdk.errors import ArgumentError

__all__ = ["FRAME_TIME", "FRAME_TIME_TOLERANCE", "FRAME_TIME_VECTOR", "add_cine"]

FRAME_TIME = 0x00181063
FRAME_TIME_VECTOR = 0x00181065
FRAME_TIME_TOLERANCE = 0.05
"""One Frame Time stands for all when it puts no frame farther off than this part of it."""

_MAX_VALUE_BYTES = 65534  # An explicit VR DS has a length of 16 bits.
_DECIMALS = 6  # Nanoseconds, as Frame Time Vector is in ms.


def add_cine(
    dataset: Dataset,
    device_timestamps_s: Sequence[float],
    *,
    frame_interval_s: float | None = None,
) -> None:
    """Write the Cine and Multi-frame modules.

    Evenly spaced frames get one Frame Time; others, such as a cine with lost frames, get a
    Frame Time Vector. Cine Rate and Recommended Display Frame Rate are the mean rate, rounded,
    and absent below one frame in two seconds.

    Parameters
    ----------
    device_timestamps_s : sequence of float
        Start of each frame, on one clock, s; NaN when unknown.
    frame_interval_s : float, optional
        Time between frames, s, for frames whose timestamps are unknown.

    Raises
    ------
    ArgumentError
        Timestamps do not increase, or are unknown and no interval is given: a cine that plays
        at a guessed speed misleads.
    """
    times_s = np.asarray(device_timestamps_s, dtype=np.float64)
    n_frames = times_s.size
    if n_frames < 2:
        raise ArgumentError("a cine needs at least 2 frames")
    if frame_interval_s is not None:
        if not (math.isfinite(frame_interval_s) and frame_interval_s > 0):
            raise ArgumentError("frame_interval_s must be positive and finite")
        if np.all(np.isfinite(times_s)):
            raise ArgumentError("the frames have device timestamps: leave frame_interval_s out")
        times_s = np.arange(n_frames, dtype=np.float64) * frame_interval_s
    if not np.all(np.isfinite(times_s)):
        raise ArgumentError("device_timestamp_s of a frame is unknown: give frame_interval_s")
    if not np.all(np.diff(times_s) > 0):
        raise ArgumentError(
            "device_timestamp_s must increase from frame to frame: sort them by time, and export "
            "recordings apart if the device restarted between them"
        )
    interval_s = float(times_s[-1] - times_s[0]) / (n_frames - 1)
    error_s = np.abs(times_s - times_s[0] - np.arange(n_frames) * interval_s)
    if error_s.max() <= FRAME_TIME_TOLERANCE * interval_s:
        dataset.FrameIncrementPointer = FRAME_TIME
        dataset.FrameTime = format_number_as_ds(interval_s * 1e3)
    else:
        dataset.FrameIncrementPointer = FRAME_TIME_VECTOR
        dataset.FrameTimeVector = _vector(times_s)
    dataset.NumberOfFrames = n_frames
    rate = round(1 / interval_s)
    if 1 <= rate <= MAX_INTEGER_STRING:
        dataset.CineRate = rate
        dataset.RecommendedDisplayFrameRate = rate
    dataset.EffectiveDuration = format_number_as_ds(interval_s * n_frames)


def _vector(times_s: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[str]:
    # Differences of rounded times: roundings do not add up over the cine.
    steps_ms = np.diff(np.round((times_s - times_s[0]) * 1e3, _DECIMALS))
    if not np.all(steps_ms > 0):
        raise ArgumentError("device_timestamp_s of two frames lie less than 1 ns apart")
    vector = ["0", *(f"{step:.{_DECIMALS}f}".rstrip("0").rstrip(".") for step in steps_ms)]
    if max(map(len, vector)) > 16 or len("\\".join(vector)) > _MAX_VALUE_BYTES:
        raise ArgumentError("too many unevenly spaced frames for one cine: export fewer at a time")
    return vector
