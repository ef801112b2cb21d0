"""Section: the keys of one mapping of a profile, taken out by kind; what is left is refused."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, TypeVar

from usdk.errors import ArgumentError

__all__ = ["Section"]

_T = TypeVar("_T")
_MAX_SHOWN = 40


class Section:
    """Keys and values of one mapping; every method that takes one notes that it is known.

    Parameters
    ----------
    values : object
        What the file has there.
    path : str
        Where it stands, for messages: ``profile.yaml: probe``.
    """

    def __init__(self, values: Any, path: str) -> None:
        if values is None:
            values = {}
        if not isinstance(values, dict):
            path = path.removesuffix(": ")
            raise ArgumentError(f"{path} must hold keys with values, got {_shown(values)}")
        self._values, self.path = values, path
        self._known: list[str] = []

    def __contains__(self, key: str) -> bool:
        """Whether the file has the key."""
        return key in self._values

    def section(self, key: str) -> Section:
        """Return the section of a key; empty when absent."""
        return Section(self._take(key, None), self._name(key))

    def number(self, key: str, default: Any = ..., *, infinite: bool = False) -> Any:
        """Return a number, finite unless allowed; the default when absent, required without one."""
        return self._one(key, default, lambda value: _is_number(value, infinite), "a number", float)

    def whole(self, key: str, default: Any = ...) -> Any:
        """Return a whole number."""
        return self._one(key, default, _is_whole, "a whole number", int)

    def text(self, key: str, default: Any = ...) -> Any:
        """Return a text."""
        wanted = "a text (put it in quotes)"
        return self._one(key, default, lambda value: isinstance(value, str), wanted, str)

    def flag(self, key: str, default: bool) -> Any:
        """Return true or false."""
        wanted = "true or false"
        return self._one(key, default, lambda value: isinstance(value, bool), wanted, bool)

    def choice(self, key: str, kind: type[StrEnum], default: Any = ...) -> Any:
        """Return one of the names of an enumeration."""
        wanted = f"one of {', '.join(kind)}"
        return self._one(key, default, lambda value: value in list(kind), wanted, kind)

    def numbers(self, key: str) -> tuple[float, ...]:
        """Return a list of finite numbers; empty when absent."""
        return self._many(key, lambda value: _is_number(value, False), "numbers", float)

    def wholes(self, key: str) -> tuple[int, ...]:
        """Return a list of whole numbers; empty when absent."""
        return self._many(key, _is_whole, "whole numbers", int)

    def items(self) -> Iterator[tuple[Any, Any]]:
        """Yield every key with its value, as the file has them; all are known then."""
        self._known += map(str, self._values)
        yield from self._values.items()

    def refuse_the_rest(self) -> None:
        """Raise `ArgumentError` if the file has a key that nobody asked for."""
        for key in self._values:
            if str(key) not in self._known:
                near = difflib.get_close_matches(str(key), self._known, 1)
                hint = f"did you mean {near[0]}? " if near else ""
                raise ArgumentError(
                    f"{self.path.removesuffix(': ')}: there is no key {_shown(key)}; {hint}"
                    f"it takes {', '.join(self._known) or 'none'}"
                )

    @contextmanager
    def named(self) -> Iterator[None]:
        """Say where the values stand that something else refuses."""
        try:
            yield
        except ArgumentError as error:
            if str(error).startswith(self.path):
                raise
            raise ArgumentError(f"{self.path.removesuffix(': ')}: {error}") from error

    def _take(self, key: str, default: Any) -> Any:
        self._known.append(key)
        return self._values.get(key, default)

    def _one(
        self,
        key: str,
        default: Any,
        is_right: Callable[[Any], bool],
        wanted: str,
        convert: Callable[[Any], Any],
    ) -> Any:
        value = self._take(key, default)
        if key not in self._values:
            if default is ...:
                raise ArgumentError(f"{self._name(key)} is missing: give {wanted}")
            return default
        if not is_right(value):
            raise ArgumentError(f"{self._name(key)} must be {wanted}, got {_shown(value)}")
        return convert(value)

    def _many(
        self,
        key: str,
        is_right: Callable[[Any], bool],
        wanted: str,
        convert: Callable[[Any], _T],
    ) -> tuple[_T, ...]:
        values = self._take(key, [])
        if not isinstance(values, list) or not all(map(is_right, values)):
            raise ArgumentError(f"{self._name(key)} must be a list of {wanted}: {_shown(values)}")
        return tuple(map(convert, values))

    def _name(self, key: str) -> str:
        return f"{self.path}{'.' if not self.path.endswith(': ') else ''}{key}"


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def _is_number(value: Any, infinite: bool) -> bool:
    if isinstance(value, float):
        return math.isfinite(value) or (infinite and math.isinf(value))
    return _is_whole(value)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
