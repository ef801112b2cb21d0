"""What every plan offers to the beamformer."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

__all__ = ["Plan"]


class Plan(Protocol):
    """Delay-and-sum of one geometry by one method."""

    n_tiles: int
    """Pieces that threads can work on at the same time."""
    n_bytes: int
    """Tables and scratch that the plan holds."""

    def __call__(self, data: NDArray[Any], out: NDArray[Any], threads: int | None) -> None:
        """Beamform one frame; both arrays are of the kernel's type, C-contiguous and writable."""
