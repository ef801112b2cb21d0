"""WallFilter: what a filter must be able to do to take the walls away from a signal without end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from usdk.doppler.clutter.stream import SlowTimeStream

__all__ = ["WallFilter"]


@runtime_checkable
class WallFilter(Protocol):
    """A clutter filter that can also go on for ever: `IirFilter` and `FirFilter` can."""

    def stream(self, shape: Sequence[int]) -> SlowTimeStream:
        """Return the filter with a state of its own for points of a shape."""

    def describe(self) -> str:
        """Return name and settings in a few words, for provenance."""
