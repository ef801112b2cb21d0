"""Findings: what a driver says of the system that it runs on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

__all__ = ["Diagnosable", "Finding", "OffersUdevRule", "Severity"]


class Severity(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    """All is well."""
    NOTE = "note"
    """Something is slower than it could be, or cannot be done, and may not be wanted."""
    PROBLEM = "problem"
    """Something does not work."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    Parameters
    ----------
    topic : str
        What was looked at, in a word or two.
    severity : Severity
        How much it matters.
    message : str
        What was found.
    advice : str
        What to do next; empty if nothing.
    """

    topic: str
    severity: Severity
    message: str
    advice: str = ""


@runtime_checkable
class Diagnosable(Protocol):
    """A driver that can tell what stands in the way of its devices."""

    @classmethod
    def diagnose(cls) -> Iterable[Finding]:
        """Look at libraries, permissions, limits and devices; changes nothing, sends nothing."""


@runtime_checkable
class OffersUdevRule(Protocol):
    """A driver whose devices need a rule of udev before users may open them on Linux."""

    @classmethod
    def udev_rule(cls) -> str:
        """Return the text of the rules file."""
