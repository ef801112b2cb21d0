"""Presence: what changed between two lists of the devices that can be opened."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from usdk.front_end.description import Found

__all__ = ["MAX_KNOWN", "DeviceChange", "DeviceEvent", "Presence"]

MAX_KNOWN = 10_000
"""How many addresses are remembered, to tell a return from an arrival."""


class DeviceChange(StrEnum):
    """What became of a device."""

    ARRIVED = "arrived"
    LEFT = "left"
    RETURNED = "returned"


@dataclass(frozen=True, kw_only=True)
class DeviceEvent:
    """One device that came or went.

    Parameters
    ----------
    change : DeviceChange
        What became of it.
    found : Found
        The device; as it was, if it left.
    time_s : float
        When it was noticed, on `time.monotonic`'s clock, s.
    """

    change: DeviceChange
    found: Found
    time_s: float


class Presence:
    """The devices that are there, by scheme; no clock, no thread."""

    def __init__(self) -> None:
        self._present: dict[str, dict[str, Found]] = {}
        self._known: dict[str, None] = {}

    @property
    def devices(self) -> tuple[Found, ...]:
        """All that are there."""
        return tuple(found for one in self._present.values() for found in one.values())

    @property
    def schemes(self) -> frozenset[str]:
        """The schemes of which a list was taken."""
        return frozenset(self._present)

    def of(self, scheme: str) -> dict[str, Found]:
        """Return those of a scheme by their addresses."""
        return dict(self._present.get(scheme, {}))

    def take(self, scheme: str, found: Iterable[Found], time_s: float) -> list[DeviceEvent]:
        """Take the list of a scheme's devices and return what changed, departures first.

        A device that describes itself otherwise than before, as with other firmware, has left
        and come back.
        """
        before = self._present.get(scheme, {})
        now = {one.address: one for one in found}
        self._present[scheme] = now
        events = [
            DeviceEvent(change=DeviceChange.LEFT, found=one, time_s=time_s)
            for address, one in before.items()
            if now.get(address) != one
        ]
        for address, one in now.items():
            if before.get(address) != one:
                change = DeviceChange.RETURNED if address in self._known else DeviceChange.ARRIVED
                events.append(DeviceEvent(change=change, found=one, time_s=time_s))
                self._remember(address)
        return events

    def _remember(self, address: str) -> None:
        self._known.pop(address, None)
        self._known[address] = None
        if len(self._known) > MAX_KNOWN:
            del self._known[next(iter(self._known))]
