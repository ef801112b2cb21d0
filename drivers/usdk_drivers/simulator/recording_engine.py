"""A recording as a device: it sends its own sequence and the very samples that were recorded."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.acquisition import Acquisition
from usdk_drivers.fixed_sequence import recorded_capabilities, recorded_device
from usdk_drivers.recorded_pace import recorded_frame_rate_hz
from usdk_drivers.simulator.engine import RefusedError
from usdk_drivers.wire import DataType, DeviceDescription, ErrorCode, SequenceSettings

__all__ = ["RecordingEngine"]

_CONFIGURATION_ID = 1


class RecordingEngine:
    """Plays an acquisition.

    Parameters
    ----------
    acquisition : Acquisition
        What to play, in its own sample type.
    loop : bool
        Start again at the end; frame numbers go on.
    """

    def __init__(self, acquisition: Acquisition, *, loop: bool = False) -> None:
        self._acquisition = acquisition
        self.n_frames = None if loop else acquisition.n_frames
        receive, sequence = acquisition.receive, acquisition.sequence
        rate_hz = recorded_frame_rate_hz(acquisition)
        self.description = DeviceDescription(
            recorded_device(acquisition), recorded_capabilities(acquisition), acquisition.probe
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
        )
        self._period_s = 1 / rate_hz

    def configure(self, request: SequenceSettings) -> SequenceSettings:
        """Refuse: what was recorded cannot be sent otherwise."""
        raise RefusedError(ErrorCode.SEQUENCE_IS_FIXED, "a recording sends its own sequence")

    def frame(self, number: int) -> NDArray[Any]:
        """Return a frame as it was recorded."""
        return np.asarray(self._acquisition.data[number % self._acquisition.n_frames])

    def timestamp_ns(self, number: int, transmit_index: int) -> int | None:
        """Return the recorded time of the frame; counted from the frame rate where there is none.

        A loop goes on counting, one period after its last frame. None where neither is known.
        """
        n_loops, index = divmod(number, self._acquisition.n_frames)
        times_s = self._acquisition.device_timestamps_s
        if np.isnan(times_s).any() or np.any(times_s < 0):
            return None if np.isnan(self._period_s) else round(number * self._period_s * 1e9)
        if n_loops and np.isnan(self._period_s):
            return None
        lap_s = float(times_s[-1] - times_s[0]) + self._period_s
        passed_s = n_loops * lap_s if n_loops else 0.0
        return round((float(times_s[index]) + passed_s) * 1e9)
