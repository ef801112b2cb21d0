"""Findings: what a check has against an object, and values read from whatever a sender wrote."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from usdk.dicom.pydicom_extra import Dataset, MultiValue
from usdk.dicom.standard_sections import section_of, tag_of
from usdk.dicom.text import clean_text

__all__ = ["Finding", "Severity", "number", "readable", "shown_text", "whole"]

MAX_SHOWN_CHARACTERS = 256
"""Longest text of a stranger's that is shown; three groups of a name fit."""

Severity = Literal["error", "warning"]
_DESIGNATION = re.compile(r"\x1b\$?[()-]?[@-Z]")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with an object.

    Attributes
    ----------
    severity : {"error", "warning"}
        An error misleads a reader or breaks it, and is never written by this package.
    attribute : str
        Keyword, with its place in sequences: ``SequenceOfUltrasoundRegions[1].PhysicalDeltaX``.
    message : str
        What is wrong; never a value that may be about a patient.
    """

    severity: Severity
    attribute: str
    message: str

    @property
    def tag(self) -> str:
        """The attribute's tag, ``(gggg,eeee)``; empty where it has none."""
        return tag_of(self.attribute)

    @property
    def section(self) -> str:
        """Where the standard defines the attribute; empty where no section does."""
        return section_of(self.attribute)

    def __str__(self) -> str:
        where = "; ".join(part for part in (self.tag, self.section) if part)
        return f"{self.severity}: {self.attribute} {self.message}{f' [{where}]' if where else ''}"

    def to_dict(self) -> dict[str, str]:
        """Return plain values."""
        return {
            "severity": self.severity,
            "attribute": self.attribute,
            "tag": self.tag,
            "section": self.section,
            "message": self.message,
        }


def number(dataset: Dataset, keyword: str) -> float | None:
    """Return a number, or None if it is absent or empty; ValueError if it is something else."""
    value: float | None = _read(dataset, keyword, float)
    return value


def whole(dataset: Dataset, keyword: str) -> int | None:
    """Return a whole number, or None if it is absent or empty; ValueError if something else."""
    value: int | None = _read(dataset, keyword, int)
    return value


def readable(dataset: Dataset, key: str | int) -> Any:
    """Return a value, or None if it is absent or cannot be decoded (a finding of its own)."""
    try:
        return dataset.get(key) if isinstance(key, str) else dataset[key].value
    # Reading converts what a stranger wrote, and the parser's errors are of every kind.
    except Exception:
        return None


def shown_text(dataset: Dataset, keyword: str) -> str:
    """Return text that a terminal can show: what a stranger wrote may hold escape sequences."""
    value = dataset.get(keyword)
    if value is None:
        return ""
    if isinstance(value, list | MultiValue):
        value = "; ".join(map(str, value))
    # The parser takes the designations of ISO 2022 out of most character sets, but not of all.
    return clean_text(_DESIGNATION.sub("", str(value)))[:MAX_SHOWN_CHARACTERS]


def _read(dataset: Dataset, keyword: str, kind: Callable[[Any], Any]) -> Any:
    try:
        value = dataset.get(keyword)
        return None if value is None or value == "" else kind(value)
    # Reading may convert what a stranger wrote, and the parser's errors are of every kind.
    except Exception:
        # Not chained: the parser's message may quote a value, and the value be a patient's.
        raise ValueError("is not one number") from None
