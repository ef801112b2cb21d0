"""Numbers that callers give: taken as they are meant, or refused by name."""

from __future__ import annotations

import math
import operator
from typing import Any

from usdk.errors import ArgumentError

__all__ = ["count", "finite", "number", "positive", "require_instance", "short"]


def number(value: Any, name: str) -> float:
    """Return a number as a float, infinities and NaN too; `ArgumentError` if it is none."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise ArgumentError(f"{name} must be a number, got {short(value)}") from None


def finite(value: Any, name: str) -> float:
    """Return a finite number as a float; `ArgumentError` if it is none."""
    result = number(value, name)
    if not math.isfinite(result):
        raise ArgumentError(f"{name} must be finite, got {short(value)}")
    return result


def positive(value: Any, name: str) -> float:
    """Return a finite number greater than 0 as a float; `ArgumentError` if it is none."""
    result = number(value, name)
    if not 0 < result < math.inf:
        raise ArgumentError(f"{name} must be positive and finite, got {short(value)}")
    return result


def count(value: Any, name: str, *, least: int = 1, most: int) -> int:
    """Return a whole number within limits, both included; `ArgumentError` if it is none.

    A float that is whole counts, as arithmetic gives them.
    """
    try:
        result = int(value) if isinstance(value, float) else operator.index(value)
    except (TypeError, ValueError, OverflowError):
        raise ArgumentError(f"{name} must be a whole number, got {short(value)}") from None
    if result != value or not least <= result <= most:
        raise ArgumentError(f"{name} must be {least} to {most}, got {short(value)}")
    return result


def require_instance(value: object, kind: type, name: str) -> None:
    """Raise `ArgumentError` if ``value`` is not of a class."""
    if not isinstance(value, kind):
        raise ArgumentError(f"{name} must be a {kind.__name__}, got {type(value).__name__}")


def short(value: Any) -> str:
    """Return a value for a message: a short one as it is, a long one cut, others by their type."""
    # An array, a recording or a very long number would fill the screen.
    text = repr(value) if isinstance(value, int | float | str | None) else type(value).__name__
    return text if len(text) <= 40 else text[:40] + "…"
