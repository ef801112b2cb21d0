"""Faults that a simulated device makes on purpose, the same ones for the same seed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from usdk.errors import ArgumentError

__all__ = ["Fault", "FaultPlan"]

_BLOCK = 1024


class Fault(StrEnum):
    """What happens to one data packet."""

    DROP = "drop"
    CORRUPT = "corrupt"
    CORRUPT_HEADER = "corrupt_header"
    DUPLICATE = "duplicate"
    TRUNCATE = "truncate"
    STALL = "stall"
    UNPLUG = "unplug"
    SILENCE = "silence"
    REORDER = "reorder"
    NAK = "nak"
    OVERHEAT = "overheat"


@dataclass(frozen=True, kw_only=True)
class FaultPlan:
    """Which packets of a run suffer what.

    Parameters
    ----------
    rates : mapping of Fault to float
        Probability for each packet; together at most 1.
    at : mapping of int to Fault
        Packets, counted from 0 in each run, that suffer for certain.
    seed : int
        Of the random choice.
    nak_s : float
        How long ``nak`` keeps the host waiting, s.
    cool_s : float
        After ``overheat``, from the limit back to the room's temperature, s.

    Notes
    -----
    ``drop``: not sent. ``corrupt``, ``corrupt_header``: one bit of the payload or header flipped.
    ``duplicate``: sent twice. ``truncate``: its second half is missing. ``stall``: the endpoint
    halts and the packet is lost with it. ``unplug``: the device goes away in the middle of it.
    ``silence``: nothing more is sent until the next start. ``reorder``: it comes right after the
    packet that follows it, or that would have; one packet is held back at a time. ``nak``: the
    endpoint has nothing to send for ``nak_s``, then the data go on. ``overheat``: the device gets
    too hot and freezes; it refuses a start until it has cooled down half of the way.
    """

    rates: Mapping[Fault, float] = field(default_factory=dict)
    at: Mapping[int, Fault] = field(default_factory=dict)
    seed: int = 1
    nak_s: float = 0.1
    cool_s: float = 0.0

    def __post_init__(self) -> None:
        for name in ("nak_s", "cool_s"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ArgumentError(f"{name} must be finite and not negative, got {value}")
        total = sum(self.rates.values())
        if not (all(rate >= 0 for rate in self.rates.values()) and total <= 1):
            raise ArgumentError(f"fault rates must be positive and sum to at most 1, got {total}")
        if min(self.at, default=0) < 0:
            raise ArgumentError(f"packets are counted from 0: there is no packet {min(self.at)}")

    @classmethod
    def parse(cls, text: str, seed: int, nak_s: float = 0.1, cool_s: float = 0.0) -> FaultPlan:
        """Parse ``drop:0.1,corrupt:0.05`` (rates) and ``unplug@7`` (at packet 7)."""
        rates: dict[Fault, float] = {}
        at: dict[int, Fault] = {}
        for item in filter(None, text.split(",")):
            try:
                if "@" in item:
                    name, _, packet = item.partition("@")
                    at[int(packet)] = Fault(name)
                else:
                    name, _, rate = item.partition(":")
                    rates[Fault(name)] = float(rate)
            except ValueError as error:
                known = ", ".join(Fault)
                raise ArgumentError(
                    f"{item!r} is no fault: write name:rate or name@packet, with one of {known}"
                ) from error
        return cls(rates=rates, at=at, seed=seed, nak_s=nak_s, cool_s=cool_s)

    def fault(self, packet_number: int) -> Fault | None:
        """Return what happens to a packet."""
        if packet_number in self.at:
            return self.at[packet_number]
        if not self.rates:
            return None
        block, place = divmod(packet_number, _BLOCK)
        draw = float(_draws(self.seed, block)[place])
        for fault, rate in self.rates.items():
            if draw < rate:
                return fault
            draw -= rate
        return None

    @property
    def overheats_at(self) -> int | None:
        """The packet by which the device is too hot, None if no packet is named."""
        hot = (packet for packet, fault in self.at.items() if fault is Fault.OVERHEAT)
        return min(hot, default=None)

    def random(self, packet_number: int) -> np.random.Generator:
        """Return the generator that belongs to a packet, for what is spoilt in it."""
        return np.random.default_rng((self.seed, packet_number))


@lru_cache(maxsize=64)
def _draws(seed: int, block: int) -> NDArray[np.float64]:
    """Return one draw for each packet of a block; a generator for each packet costs more."""
    return np.random.default_rng((seed, block, _BLOCK)).random(_BLOCK)
