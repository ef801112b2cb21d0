"""How fast a recording was made."""

from __future__ import annotations

import math

import numpy as np

from usdk.acquisition import Acquisition

__all__ = ["recorded_frame_rate_hz"]


def recorded_frame_rate_hz(acquisition: Acquisition) -> float:
    """Return the frame rate that the timestamps tell, else the PRF, Hz; NaN when neither does."""
    times_s = acquisition.device_timestamps_s
    if times_s.size > 1 and not np.isnan(times_s).any():
        numbers = acquisition.sequence_numbers
        frames = float(numbers[-1] - numbers[0])
        if times_s[-1] > times_s[0] and frames > 0:
            # Frames that were lost count: numbers, not places, divide the time.
            return frames / float(times_s[-1] - times_s[0])
    prf_hz = acquisition.sequence.prf_hz
    return math.nan if prf_hz is None else prf_hz / len(acquisition.sequence)
