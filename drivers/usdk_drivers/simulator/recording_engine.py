"""A recording as a device: it sends its own sequence and the very samples that were recorded."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.acquisition import Acquisition
from usdk.errors import ArgumentError
from usdk_drivers.fixed_sequence import recorded_capabilities, recorded_device
from usdk_drivers.recorded_pace import recorded_frame_rate_hz
from usdk_drivers.simulator.engine import RefusedError
from usdk_drivers.wire import DataType, DeviceDescription, ErrorCode, SequenceSettings

__all__ = ["RecordingEngine"]

_CONFIGURATION_ID = 1
MAX_FRAMES_LOST = 100_000


class RecordingEngine:
    """Plays an acquisition. Frames that were lost when it was made are lost again.

    Parameters
    ----------
    acquisition : Acquisition
        What to play, in its own sample type.
    loop : bool
        Start again at the end; frame numbers go on.

    Raises
    ------
    ArgumentError
        If more than `MAX_FRAMES_LOST` were lost.
    """

    def __init__(self, acquisition: Acquisition, *, loop: bool = False) -> None:
        self._acquisition = acquisition
        if acquisition.n_frames_lost > MAX_FRAMES_LOST:
            raise ArgumentError(
                f"the recording lost {acquisition.n_frames_lost} frames, too many to lose them "
                "again on a bus: open it as file:PATH"
            )
        # Number of each whole frame of a run; the lost ones have the numbers between. What was
        # lost after the last frame comes after it again.
        owned = [acquisition.gaps_before(index) for index in range(acquisition.n_frames)]
        last_number = acquisition.sequence_numbers[-1]
        owned[-1] = tuple(gap for gap in owned[-1] if gap.first_sequence_number < last_number)
        n_lost_before = [sum(gap.n_frames for gap in gaps) for gaps in owned]
        self._numbers = np.cumsum(n_lost_before) + np.arange(acquisition.n_frames)
        self._n_per_lap = acquisition.n_frames + acquisition.n_frames_lost
        self.n_frames = None if loop else self._n_per_lap
        receive, sequence = acquisition.receive, acquisition.sequence
        rate_hz = recorded_frame_rate_hz(acquisition)
        self.description = DeviceDescription(
            recorded_device(acquisition),
            recorded_capabilities(acquisition, rate_hz),
            acquisition.probe,
        )
        # The device's clock is each transmit's own, so that nothing is converted and rounded.
        self.settings: SequenceSettings | None = SequenceSettings(
            configuration_id=_CONFIGURATION_ID,
            sequence=sequence,
            delays_s=sequence.delays_s(acquisition.probe, receive.sound_speed_m_s),
            first_sample_s=receive.time_zero_s,
            sampling_frequency_hz=receive.sampling_frequency_hz,
            n_samples=receive.n_samples,
            sound_speed_m_s=receive.sound_speed_m_s,
            demodulation_frequency_hz=receive.demodulation_frequency_hz,
            data_type=DataType.of(acquisition.data.dtype),
            frame_rate_hz=rate_hz,
            wanted_depth_m=receive.wanted_depth_m,
            tgc=receive.tgc,
            apertures=receive.apertures,
        )
        self._period_s = 1 / rate_hz

    def configure(self, request: SequenceSettings) -> SequenceSettings:
        """Refuse: what was recorded cannot be sent otherwise."""
        raise RefusedError(ErrorCode.SEQUENCE_IS_FIXED, "a recording sends its own sequence")

    def frame(self, number: int) -> NDArray[Any] | None:
        """Return a frame as it was recorded, None for one that was lost."""
        index = self._index(number % self._n_per_lap)
        return None if index is None else np.asarray(self._acquisition.data[index])

    def self_test(self) -> None:
        """There are no elements to test."""

    def timestamp_ns(self, number: int, transmit_index: int) -> int | None:
        """Return the recorded time of the frame; counted from the frame rate where there is none.

        A loop goes on counting, one period after its last frame. None where neither is known.
        """
        n_loops, number_in_lap = divmod(number, self._n_per_lap)
        index = self._index(number_in_lap)
        times_s = self._acquisition.device_timestamps_s
        if index is None or np.isnan(times_s).any() or np.any(times_s < 0):
            return None if np.isnan(self._period_s) else round(number * self._period_s * 1e9)
        if n_loops and np.isnan(self._period_s):
            return None
        lap_s = float(times_s[-1] - times_s[0]) + self._period_s
        passed_s = n_loops * lap_s if n_loops else 0.0
        return round((float(times_s[index]) + passed_s) * 1e9)

    def _index(self, number: int) -> int | None:
        index = int(np.searchsorted(self._numbers, number))
        is_whole = index < self._numbers.size and self._numbers[index] == number
        return index if is_whole else None
