"""How fast a recording was made."""

from __future__ import annotations

import math

import numpy as np

from usdk.acquisition import Acquisition
from usdk.transmit import TransmitSequence

__all__ = ["pace_between", "recorded_frame_rate_hz"]


def recorded_frame_rate_hz(acquisition: Acquisition) -> float:
    """Return the frame rate that the timestamps tell, else the PRF, Hz; NaN when neither does."""
    times_s, numbers = acquisition.device_timestamps_s, acquisition.sequence_numbers
    if times_s.size > 1 and not np.isnan(times_s).any():
        n_frames = int(numbers[-1] - numbers[0])
        return pace_between(n_frames, float(times_s[-1] - times_s[0]), acquisition.sequence)
    return pace_between(0, 0.0, acquisition.sequence)


def pace_between(n_frames: int, duration_s: float, sequence: TransmitSequence) -> float:
    """Return the rate of frames, Hz, from the first frame to the last; NaN when it is unknown.

    Parameters
    ----------
    n_frames : int
        Difference of their numbers: frames that were lost count.
    duration_s : float
        Difference of their times, s; NaN when unknown. The PRF tells the rate instead.
    sequence : TransmitSequence
        What a frame sends.
    """
    if duration_s > 0 and n_frames > 0:
        return n_frames / duration_s
    return math.nan if sequence.prf_hz is None else sequence.prf_hz / len(sequence)
