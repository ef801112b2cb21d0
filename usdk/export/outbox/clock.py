"""Time that neither a wrong wall clock nor a restart disturbs.

Ages, leases and waits are counted in *service time*: seconds that pass as the machine's
boot-time clock passes (sleep included), carried on over a restart. What passes while the machine is
off is known from the wall clock alone, and is believed up to `MAX_OFF_S`: a clock that jumps by ten
years must not purge what was to be kept for thirty days, and one that jumps back must not stop
delivery for a year.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from uuid import uuid4

__all__ = ["MAX_OFF_S", "ClockReading", "ReadClock", "ServiceClock", "read_clock"]

MAX_OFF_S = 7 * 86400.0
"""Longest time that a machine is believed to have been off."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_NO_BOOT_ID = uuid4().hex


@dataclass(frozen=True)
class ClockReading:
    """What the clocks of the machine say: which boot, seconds since it, and the wall clock."""

    boot_id: str
    boottime_s: float
    wall_s: float


ReadClock = Callable[[], ClockReading]


def read_clock() -> ClockReading:
    """Return the clocks of this machine."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return ClockReading(_this_boot(), time.clock_gettime(clock), time.time())


@cache  # no process outlives its boot
def _this_boot() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return _NO_BOOT_ID  # each process then counts as a boot of its own


@dataclass(frozen=True)
class ServiceClock:
    """Service time of one boot: ``base_s`` is what it was as the boot-time clock read zero."""

    boot_id: str
    base_s: float

    def at(self, reading: ClockReading) -> float:
        """Return the service time of a reading of the same boot, s."""
        return self.base_s + reading.boottime_s

    @staticmethod
    def resume(
        saved: ServiceClock | None, seen_s: float, seen_wall_s: float, now: ClockReading
    ) -> ServiceClock:
        """Carry service time on.

        Parameters
        ----------
        saved : ServiceClock or None
            The clock used last; None the first time.
        seen_s, seen_wall_s : float
            Service time and wall clock as last written down, s.
        now : ClockReading
            The clocks now.
        """
        if saved is None:
            return ServiceClock(now.boot_id, -now.boottime_s)
        if saved.boot_id == now.boot_id and saved.at(now) >= seen_s:
            return saved
        off_s = min(max(now.wall_s - seen_wall_s, 0.0), MAX_OFF_S)
        return ServiceClock(now.boot_id, seen_s + off_s - now.boottime_s)
