"""Scratch: memory that a plan keeps, and lends to one thread at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

__all__ = ["Scratch"]

T = TypeVar("T")


class Scratch(Generic[T]):
    """Memory of a plan that several threads may call at a time.

    Each borrower has a piece of its own, and what comes back is lent again: a plan that one thread
    calls at a time allocates once.

    Parameters
    ----------
    make : callable
        Returns a new piece.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._spare: list[T] = []

    def take(self) -> T:
        """Return a piece that nobody else has, with what was last written to it."""
        # Taken rather than looked for: another thread may take the last one in between.
        try:
            return self._spare.pop()
        except IndexError:
            return self._make()

    def give_back(self, piece: T) -> None:
        """Keep a piece that `take` returned for the next borrower."""
        self._spare.append(piece)

    @contextmanager
    def lent(self) -> Iterator[T]:
        """Lend a piece for a ``with`` block."""
        piece = self.take()
        try:
            yield piece
        finally:
            self.give_back(piece)
