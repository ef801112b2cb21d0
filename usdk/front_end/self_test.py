"""Self-test: what a device finds when it measures its own elements and cable."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from usdk.arguments import positive
from usdk.errors import ArgumentError, StateError
from usdk.front_end.contract import FrontEnd, require_front_end
from usdk.front_end.description import FrontEndState

__all__ = [
    "SELF_TEST_TIMEOUT_S",
    "ElementCondition",
    "ElementTest",
    "HasSelfTest",
    "SelfTest",
    "self_test",
]

SELF_TEST_TIMEOUT_S = 30.0
"""How long a self-test may take when nothing is said."""


class ElementCondition(StrEnum):
    """What an element is found to be."""

    GOOD = "good"
    OPEN = "open"
    """Nothing is connected: a broken wire, or a probe that is not plugged in."""
    SHORT = "short"
    WEAK = "weak"
    """Connected, and much less sensitive than the others."""


@dataclass(frozen=True, kw_only=True)
class ElementTest:
    """What was found of one element.

    Parameters
    ----------
    condition : ElementCondition
        The device's verdict.
    impedance_ohm : float
        Magnitude of the impedance at the centre frequency, Ω; NaN if it was not measured.
    sensitivity_db : float
        Pulse-echo amplitude relative to the median element, dB; NaN if it was not measured.
    """

    condition: ElementCondition
    impedance_ohm: float = math.nan
    sensitivity_db: float = math.nan


@dataclass(frozen=True, kw_only=True)
class SelfTest:
    """What a device found when it tested itself.

    Parameters
    ----------
    elements : tuple of ElementTest
        One for each element of the probe, in its order.
    cable_id : str
        What the cable or probe plug says it is; empty if it cannot tell.
    """

    elements: tuple[ElementTest, ...]
    cable_id: str = ""

    def of(self, condition: ElementCondition) -> tuple[int, ...]:
        """Return the elements in a condition, counted from 0."""
        return tuple(k for k, one in enumerate(self.elements) if one.condition is condition)

    @property
    def is_good(self) -> bool:
        """Whether every element is good."""
        return all(one.condition is ElementCondition.GOOD for one in self.elements)

    def describe(self) -> str:
        """Return the findings in a line: ``124 of 128 elements good; open: 3, 17; weak: 8, 9``."""
        n_good = len(self.of(ElementCondition.GOOD))
        told = [f"{n_good} of {len(self.elements)} elements good"]
        for condition in (ElementCondition.OPEN, ElementCondition.SHORT, ElementCondition.WEAK):
            if found := self.of(condition):
                told.append(f"{condition}: {', '.join(map(str, found))}")
        return "; ".join(told)


@runtime_checkable
class HasSelfTest(Protocol):
    """What a driver adds to `FrontEnd` if its device can test itself."""

    def self_test(self, timeout_s: float) -> SelfTest:
        """Test and return what was found; the front-end is not running."""


def self_test(front_end: FrontEnd, *, timeout_s: float = SELF_TEST_TIMEOUT_S) -> SelfTest:
    """Let a device test its elements and cable; the elements send, one after the other.

    Parameters
    ----------
    front_end : FrontEnd
        Open and not running; what was configured stays.
    timeout_s : float
        How long it may take, s.

    Raises
    ------
    ArgumentError
        If it is no front-end, or the device cannot test itself.
    StateError
        If it is running or closed.
    DeviceFailedError, DeviceTimeoutError
        If the test cannot be made, or does not end.
    """
    require_front_end(front_end)
    timeout_s = positive(timeout_s, "timeout_s")
    with front_end.alone():
        if front_end.state is FrontEndState.RUNNING:
            raise StateError("the front-end is running: it tests itself when it is stopped")
        if not (isinstance(front_end, HasSelfTest) and front_end.capabilities.has_self_test):
            raise ArgumentError(
                f"{front_end.info.model} cannot test itself: record a frame of a phantom and look "
                "at usdk.quality's element health"
            )
        return front_end.self_test(timeout_s)
