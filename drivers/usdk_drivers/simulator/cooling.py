"""Cooling: how long a simulated device stays too hot to send after it froze itself."""

from __future__ import annotations

import math

__all__ = ["RESTART_HEAT", "Cooling"]

RESTART_HEAT = 0.5
"""Part of the way from the room's temperature to the limit, below which it may send again."""


class Cooling:
    """Heat that goes down in a straight line once the device has frozen itself.

    Parameters
    ----------
    cool_s : float
        From the limit back to the room's temperature, s; 0 to be cold with the next start.
    """

    def __init__(self, cool_s: float) -> None:
        self._cool_s = cool_s
        self._froze_s = -math.inf

    def froze(self, now_s: float) -> None:
        """Note that the device was too hot."""
        self._froze_s = now_s

    def heat(self, now_s: float) -> float:
        """Return how hot it is still, 0 (the room) to 1 (the limit)."""
        if not self._cool_s:
            return 0.0
        return max(0.0, 1.0 - (now_s - self._froze_s) / self._cool_s)

    def is_too_hot(self, now_s: float) -> bool:
        """Whether it must not send yet."""
        return self.heat(now_s) > RESTART_HEAT
