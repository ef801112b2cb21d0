"""PictureRate: how often a plan that takes every pulse makes a picture of them."""

from __future__ import annotations

from usdk.arguments import positive

__all__ = ["PictureRate"]


class PictureRate:
    """Pictures per second of the pulses' own time.

    Pulses come by the thousand per second, and a picture of all of them takes longer than the
    time from one to the next: a display needs twenty to sixty.

    Parameters
    ----------
    rate_hz : float, optional
        Pictures per second, at most; one whenever it is asked for when absent.
    prf_hz : float
        Pulses per second.
    """

    def __init__(self, rate_hz: float | None, prf_hz: float) -> None:
        self._n_pulses = 0.0
        if rate_hz is not None:
            self._n_pulses = prf_hz / positive(rate_hz, "picture_rate_hz")
        self._last_pulse: int | None = None

    def reset(self) -> None:
        """Make the next picture at once."""
        self._last_pulse = None

    def is_due(self, next_pulse: int) -> bool:
        """Return whether it is time for a picture of all pulses before this one, and count it.

        Numbers that go back begin anew.
        """
        last = self._last_pulse
        if last is not None and 0 <= next_pulse - last < self._n_pulses:
            return False
        self._last_pulse = next_pulse
        return True
