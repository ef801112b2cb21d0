"""FrameRate: how fast frames were made, and how many of them arrived."""

from __future__ import annotations

import math
from collections import deque

from usdk.acquisition import Acquisition, require_acquisition
from usdk.arguments import count

__all__ = ["MAX_FRAMES", "FrameRate"]

MAX_FRAMES = 65_536


class FrameRate:
    """Frame rate by the device's own times, over its last frames.

    Parameters
    ----------
    n_frames : int
        Frames to look back on, 2 to `MAX_FRAMES`.

    Notes
    -----
    Frames that were lost were made nevertheless: the device's count, not the frames at hand,
    divides the time. A count or time that goes back begins a new measurement, as after a restart.
    """

    def __init__(self, n_frames: int = 64) -> None:
        n_frames = count(n_frames, "n_frames", least=2, most=MAX_FRAMES)
        self._frames: deque[tuple[int, float]] = deque(maxlen=n_frames)

    def reset(self) -> None:
        """Forget all frames."""
        self._frames.clear()

    def add(self, acquisition: Acquisition) -> None:
        """Take the frames of an acquisition; those that tell no time are left out."""
        require_acquisition(acquisition)
        numbers = acquisition.sequence_numbers.tolist()
        times_s = acquisition.device_timestamps_s.tolist()
        for number, time_s in zip(numbers, times_s, strict=True):
            self.add_frame(number, time_s)

    def add_frame(self, sequence_number: int, device_timestamp_s: float) -> None:
        """Take one frame by its count and its time, s."""
        if not math.isfinite(device_timestamp_s):
            return
        if self._frames:
            number, time_s = self._frames[-1]
            if sequence_number <= number or device_timestamp_s <= time_s:
                self._frames.clear()
        self._frames.append((sequence_number, device_timestamp_s))

    @property
    def made_hz(self) -> float:
        """Frames that the device made per second, lost ones included, Hz; NaN before two came."""
        if len(self._frames) < 2:
            return math.nan
        return (self._frames[-1][0] - self._frames[0][0]) / self._time_s

    @property
    def received_hz(self) -> float:
        """Frames that arrived per second of the device's time, Hz; NaN before two came."""
        if len(self._frames) < 2:
            return math.nan
        return (len(self._frames) - 1) / self._time_s

    @property
    def _time_s(self) -> float:
        return self._frames[-1][1] - self._frames[0][1]
