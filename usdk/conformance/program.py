"""Program: a sequence and a reception that a front-end accepts, to try the rest with."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from usdk.conformance.expect import DeviationError
from usdk.conformance.watched import WatchedFrontEnd
from usdk.errors import ArgumentError
from usdk.front_end import Capabilities, Configuration, ReceiveRequest
from usdk.probe import Probe
from usdk.transmit import PlaneWave, SingleElement, TransmitSequence

__all__ = ["DEPTHS_M", "Program", "middle_aperture", "set_usual", "usual_programs"]

DEPTHS_M = (10e-3, 30e-3, 3e-3, 100e-3)
"""Depths that are tried until the front-end accepts one; the first keeps data small."""

_ANGLES_RAD = (-math.radians(5.0), 0.0, math.radians(5.0))


@dataclass(frozen=True, kw_only=True)
class Program:
    """What `FrontEnd.configure` is called with."""

    sequence: TransmitSequence | None = None
    receive: ReceiveRequest | None = None

    def set_on(self, front_end: WatchedFrontEnd) -> Configuration:
        """Configure a front-end with it."""
        return front_end.configure(self.sequence, self.receive)


def middle_aperture(probe: Probe, capabilities: Capabilities) -> tuple[int, int] | None:
    """Return the widest aperture in the array's middle that can fire; None for all of it."""
    n_firing = capabilities.n_transmit_channels
    if n_firing >= probe.n_elements:
        return None
    first = (probe.n_elements - n_firing) // 2
    return first, first + n_firing


def usual_programs(probe: Probe, capabilities: Capabilities) -> Iterator[Program]:
    """Yield programs, the most telling first: three plane waves, one, one element alone."""
    if capabilities.sequence_is_fixed:
        yield Program()
        return
    aperture = middle_aperture(probe, capabilities)
    waves = tuple(PlaneWave(azimuth_rad=angle, aperture=aperture) for angle in _ANGLES_RAD)
    sequences = [
        TransmitSequence(transmits=waves[: min(3, capabilities.max_transmits)]),
        TransmitSequence(transmits=waves[1:2]),
        TransmitSequence(transmits=(SingleElement(element=0),)),
    ]
    for depth_m in DEPTHS_M:
        for sequence in sequences:
            yield Program(sequence=sequence, receive=ReceiveRequest(depth_m=depth_m))


def set_usual(front_end: WatchedFrontEnd) -> Program:
    """Configure a front-end with the first program that it accepts, and return that program."""
    refusal = ""
    for program in usual_programs(front_end.probe, front_end.capabilities):
        try:
            program.set_on(front_end)
        except ArgumentError as error:
            refusal = refusal or str(error)
        else:
            return program
    raise DeviationError(
        f"configure refused three plane waves, one, and a single element, at {len(DEPTHS_M)} "
        f"depths; of the first it said: {refusal}",
        expected="one of them to be accepted, as the capabilities allow them",
        advice="declare in capabilities what the device cannot do",
    )
