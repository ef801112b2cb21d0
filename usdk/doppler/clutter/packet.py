"""Packets as the kernels take them, and where filtered ones are written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import require_instance
from usdk.errors import ArgumentError
from usdk.tiles import cut, run_tiles

__all__ = ["POINTS_PER_TILE", "as_floats", "over_points", "place", "require_packet"]

POINTS_PER_TILE = 4096


def require_packet(packet: NDArray[Any]) -> NDArray[np.complex64]:
    """Return a packet as writable C-contiguous complex64, itself where it is that already."""
    if not isinstance(packet, np.ndarray):
        raise ArgumentError(f"a packet is an array, got {type(packet).__name__}")
    if packet.ndim < 1 or packet.dtype.kind != "c":
        raise ArgumentError(
            "a packet is complex IQ with slow time last, (..., n_pulses), got "
            f"{packet.dtype} of shape {packet.shape}"
        )
    return np.require(packet, np.complex64, ("C", "W"))


def place(
    out: NDArray[np.complex64] | None, shape: tuple[int, ...], packet: NDArray[np.complex64]
) -> NDArray[np.complex64]:
    """Return where to write a result of a shape: what the caller gave, or new memory."""
    if out is None:
        return np.empty(shape, np.complex64)
    require_instance(out, np.ndarray, "out")
    if out.shape != shape or out.dtype != np.complex64 or not out.flags.carray:
        raise ArgumentError(f"out must be writable, C-contiguous complex64 of {shape}")
    if np.may_share_memory(out, packet):
        raise ArgumentError("out must not be the packet's own memory")
    return out


def as_floats(array: NDArray[np.complexfloating]) -> NDArray[np.float32]:
    """Return complex rows as float32, real and imaginary parts in turn."""
    return np.ascontiguousarray(array, np.complex64).view(np.float32)


def over_points(
    work: Callable[[int, int], None],
    n_points: int,
    *,
    threads: int | None,
    size: int = POINTS_PER_TILE,
) -> None:
    """Call ``work(start, stop)`` for runs of points that together are all of them."""
    run_tiles(lambda tile: work(*tile), cut(n_points, size), threads=threads)
