"""A simulated device that waits for triggers from a generator at its input."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from usdk_drivers.simulator.engine import Engine
from usdk_drivers.simulator.packet_source import Pace
from usdk_drivers.wire import DeviceSettings, TriggerStarts

__all__ = ["TriggerTiming", "TriggeredEngine"]


@dataclass(frozen=True, kw_only=True)
class TriggerTiming:
    """What a generator of regular triggers brings about, from the first trigger on.

    Parameters
    ----------
    trigger_hz : float
        Of the generator, Hz; not 0.
    ready_hz : float
        How often the device could be triggered at most: its frame rate, or its PRF, Hz.
    n_per_frame : int
        Triggers that a frame takes: one, or one for each transmit.
    """

    trigger_hz: float
    ready_hz: float
    n_per_frame: int

    @property
    def used_hz(self) -> float:
        """Rate of the triggers that find the device ready: all, every second, every third."""
        # What arithmetic adds to a ratio must not cost every second trigger.
        return self.trigger_hz / max(1, math.ceil(self.trigger_hz / self.ready_hz - 1e-9))

    @property
    def frame_rate_hz(self) -> float:
        """Frames per second."""
        return self.used_hz / self.n_per_frame

    def counts(self, elapsed_s: float) -> tuple[int, int]:
        """Return how many triggers came in a time, and how many found the device busy."""
        n_triggers = int(elapsed_s * self.trigger_hz) + 1
        return n_triggers, n_triggers - (int(elapsed_s * self.used_hz) + 1)

    def silent_s(self, elapsed_s: float) -> float:
        """Return how long ago the last trigger came, s."""
        return elapsed_s - int(elapsed_s * self.trigger_hz) / self.trigger_hz

    def pace(self, pace: Pace, frame_rate_hz: float) -> Pace:
        """Return a pace at which frames come by the triggers."""
        return Pace(speed=self.frame_rate_hz / frame_rate_hz, overruns=pace.overruns)


class TriggeredEngine:
    """An engine whose transmits begin by triggers and not by the sequence's own clock.

    Parameters
    ----------
    engine : Engine
        Set up with a sequence.
    timing : TriggerTiming
        When triggers come.
    settings : DeviceSettings
        What they start, and how much later.
    """

    def __init__(self, engine: Engine, timing: TriggerTiming, settings: DeviceSettings) -> None:
        self._engine, self._timing, self._device = engine, timing, settings
        self.description, self.n_frames = engine.description, engine.n_frames
        self.settings = engine.settings

    def configure(self, request: Any) -> Any:
        """Set a sequence."""
        return self._engine.configure(request)

    def frame(self, number: int) -> NDArray[Any] | None:
        """Return a frame."""
        return self._engine.frame(number)

    def self_test(self) -> None:
        """Not while it is triggered."""

    def timestamp_ns(self, number: int, transmit_index: int) -> int | None:
        """Return when a transmit starts on the device's clock, ns."""
        settings, timing = self.settings, self._timing
        assert settings is not None
        n_transmits = len(settings.sequence)
        after_s = self._device.delay_s
        if self._device.starts is TriggerStarts.TRANSMIT:
            begun_s = (number * n_transmits + transmit_index) / timing.used_hz
        else:
            begun_s = number / timing.used_hz
            after_s += transmit_index / (settings.frame_rate_hz * n_transmits)
        return round((begun_s + after_s) * 1e9)
