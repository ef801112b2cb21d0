"""Measure: one number with its name, unit and attributes, for any monitoring system."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["Kind", "Measure", "Source"]


class Kind(StrEnum):
    """How a number behaves over time."""

    COUNTER = "counter"
    """Only grows, and begins at 0 when what it counts is started anew."""
    GAUGE = "gauge"


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One number.

    Parameters
    ----------
    name : str
        Dotted, as OpenTelemetry names instruments: ``usdk.stream.frames``.
    kind : Kind
        Counter or gauge.
    unit : str
        UCUM: ``s``, ``By``, ``1``, or what is counted in braces, ``{frame}``.
    description : str
        One sentence for whoever looks at the number.
    value : float
        The number now.
    attributes : mapping
        What tells it from others of its name; never of a patient.
    """

    name: str
    kind: Kind
    unit: str
    description: str
    value: float
    attributes: Mapping[str, str] = field(default_factory=dict)


Source = Callable[[], Iterable[Measure]]
"""Returns the numbers of now; called from a thread of the monitoring library."""
