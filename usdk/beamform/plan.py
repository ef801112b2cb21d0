"""What plans offer: to the beamformer every one, to the choice among them the fast ones."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

__all__ = ["FastPlan", "Plan"]


class Plan(Protocol):
    """Delay-and-sum of one geometry by one method."""

    n_tiles: int
    """Pieces that threads can work on at the same time."""
    n_bytes: int
    """Tables and scratch that the plan holds."""

    def __call__(self, data: NDArray[Any], out: NDArray[Any], threads: int | None) -> None:
        """Beamform one frame; both arrays are of the kernel's type, C-contiguous and writable."""


class FastPlan(Plan, Protocol):
    """A plan that is exact for some geometries, and worth its memory and time for some of those."""

    why: str
    """Why it is exact."""
    is_too_large: bool
    """Whether it must not be called, even where it is asked for."""

    def why_not_better(self) -> str | None:
        """Return why another kernel should be taken though this one is exact; None where not."""
