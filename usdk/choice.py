"""Choice: an option whose values have names."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

from usdk.arguments import short
from usdk.errors import ArgumentError

__all__ = ["choice"]

Option = TypeVar("Option", bound=StrEnum)


def choice(option: type[Option], value: str) -> Option:
    """Return the member of an option that a text names, or the member given.

    Raises
    ------
    ArgumentError
        If there is none of that name.
    """
    try:
        return option(value)
    except (TypeError, ValueError):
        raise ArgumentError(f"{short(value)} is not one of {', '.join(option)}") from None
