"""What a device declares of its gain, its trigger and its safety; absent means it has none."""

from __future__ import annotations

from dataclasses import dataclass

from usdk.errors import ArgumentError
from usdk.gain_curve import MAX_GAIN_POINTS, GainCurve

__all__ = ["TgcLimits", "TriggerLimits", "WatchdogLimits", "stepped"]

# What arithmetic may add to a limit that is met exactly.
_TOLERANCE_DB = 1e-9


@dataclass(frozen=True, kw_only=True)
class TgcLimits:
    """What gain over time a device can make.

    Parameters
    ----------
    least_db, greatest_db : float
        Range of the gain, dB.
    step_db : float
        Gains are multiples of it above ``least_db``; any gain where it is 0.
    step_s : float
        Times are multiples of it; any time where it is 0.
    max_points : int
        Points that a curve may have.
    """

    least_db: float
    greatest_db: float
    step_db: float = 0.0
    step_s: float = 0.0
    max_points: int = MAX_GAIN_POINTS

    def require(self, curve: GainCurve, model: str) -> None:
        """Raise `ArgumentError` if a curve is beyond a limit; the message names it."""
        least_db, greatest_db = min(curve.gains_db), max(curve.gains_db)
        if least_db < self.least_db - _TOLERANCE_DB or greatest_db > (
            self.greatest_db + _TOLERANCE_DB
        ):
            raise ArgumentError(
                f"the gain curve goes from {least_db:g} to {greatest_db:g} dB, {model} from "
                f"{self.least_db:g} to {self.greatest_db:g} dB (tgc): keep within it"
            )
        if len(curve.times_s) > self.max_points:
            raise ArgumentError(
                f"the gain curve has {len(curve.times_s)} points, {model} takes at most "
                f"{self.max_points} (tgc.max_points): use fewer"
            )

    def quantised(self, curve: GainCurve) -> GainCurve:
        """Return the curve that a device with these steps makes of one that is within them.

        Of points that fall together the last counts.
        """
        points = {
            stepped(time_s, self.step_s): self._gain_db(gain_db)
            for time_s, gain_db in zip(curve.times_s, curve.gains_db, strict=True)
        }
        return GainCurve(times_s=tuple(points), gains_db=tuple(points.values()))

    def _gain_db(self, gain_db: float) -> float:
        above_db = stepped(gain_db - self.least_db, self.step_db)
        # The range need not be a whole number of steps.
        while self.step_db > 0 and self.least_db + above_db > self.greatest_db + _TOLERANCE_DB:
            above_db -= self.step_db
        return self.least_db + above_db


@dataclass(frozen=True, kw_only=True)
class TriggerLimits:
    """What trigger lines a device has.

    Parameters
    ----------
    has_input, has_output : bool
        Whether it can be triggered, and whether it gives pulses.
    max_rate_hz : float
        Greatest rate of triggers that it follows, and of pulses that it gives, Hz.
    max_delay_s, delay_step_s : float
        Greatest delay between a trigger and what it starts, and the step of the delay, s.
    max_timeout_s : float
        Greatest time for which it waits for a trigger, s.
    max_output_width_s : float
        Greatest length of a pulse, s.
    """

    has_input: bool = False
    has_output: bool = False
    max_rate_hz: float = 0.0
    max_delay_s: float = 0.0
    delay_step_s: float = 0.0
    max_timeout_s: float = 0.0
    max_output_width_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class WatchdogLimits:
    """For how long a host may be silent before the device stops sending.

    Parameters
    ----------
    least_s, greatest_s : float
        Range of that time, s.
    """

    least_s: float
    greatest_s: float


def stepped(value: float, step: float) -> float:
    """Return the multiple of a step nearest to a value; the value itself where the step is 0."""
    return round(value / step) * step if step > 0 else value
