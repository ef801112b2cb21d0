"""Parameters of what flows: numbers, or refused by name."""

from __future__ import annotations

import math
from typing import Any

from usdk.errors import ArgumentError

__all__ = ["finite", "positive"]


def finite(value: Any, name: str) -> float:
    """Return a finite number as a float; `ArgumentError` if it is none."""
    result = _number(value, name)
    if not math.isfinite(result):
        raise ArgumentError(f"{name} must be finite, got {result}")
    return result


def positive(value: Any, name: str, *, or_infinite: bool = False) -> float:
    """Return a number above 0 as a float, finite unless allowed; `ArgumentError` if it is none."""
    result = _number(value, name)
    if not result > 0 or (math.isinf(result) and not or_infinite):
        raise ArgumentError(
            f"{name} must be positive{'' if or_infinite else ' and finite'}, got {result}"
        )
    return result


def _number(value: Any, name: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise ArgumentError(f"{name} must be a number, got {type(value).__name__}") from None
