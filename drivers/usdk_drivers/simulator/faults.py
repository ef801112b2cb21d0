"""Faults that a simulated device makes on purpose, the same ones for the same seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from usdk.errors import ArgumentError

__all__ = ["Fault", "FaultPlan"]


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

    Notes
    -----
    ``drop``: not sent. ``corrupt``, ``corrupt_header``: one bit of the payload or header flipped.
    ``duplicate``: sent twice. ``truncate``: its second half is missing. ``stall``: the endpoint
    halts and the packet is lost with it. ``unplug``: the device goes away in the middle of it.
    ``silence``: nothing more is sent until the next start.
    """

    rates: Mapping[Fault, float] = field(default_factory=dict)
    at: Mapping[int, Fault] = field(default_factory=dict)
    seed: int = 1

    def __post_init__(self) -> None:
        total = sum(self.rates.values())
        if min(self.rates.values(), default=0.0) < 0 or total > 1:
            raise ArgumentError(f"fault rates must be positive and sum to at most 1, got {total}")

    @classmethod
    def parse(cls, text: str, seed: int) -> FaultPlan:
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
        return cls(rates=rates, at=at, seed=seed)

    def fault(self, packet_number: int) -> Fault | None:
        """Return what happens to a packet."""
        if packet_number in self.at:
            return self.at[packet_number]
        if not self.rates:
            return None
        draw = self.random(packet_number).random()
        for fault, rate in self.rates.items():
            if draw < rate:
                return fault
            draw -= rate
        return None

    def random(self, packet_number: int) -> np.random.Generator:
        """Return the generator that belongs to a packet."""
        return np.random.default_rng((self.seed, packet_number))
