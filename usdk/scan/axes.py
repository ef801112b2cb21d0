"""Axes of scans: equally spaced, increasing, and not too many points."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from usdk.errors import ArgumentError

__all__ = ["MAX_LINES", "MAX_POINTS", "axis_step", "even_axis", "require_points"]

MAX_POINTS = 2**27
MAX_LINES = 2**16  # in one direction, of a natural scan
# Share of a step by which a place may be off; grids that were stored as float32 pass.
_EVEN_TOLERANCE = 1e-2


def even_axis(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Return the values as a read-only float64 array; `ArgumentError` unless equally spaced."""
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        array = np.empty(0)
    if array.ndim != 1 or array.size < 2 or not np.all(np.isfinite(array)):
        raise ArgumentError(f"{name} must hold at least 2 finite numbers in one dimension")
    step = (array[-1] - array[0]) / (array.size - 1)
    even = np.linspace(array[0], array[-1], array.size)
    if not step > 0 or np.max(np.abs(array - even)) > _EVEN_TOLERANCE * step:
        raise ArgumentError(f"{name} must increase in equal steps: use numpy.linspace")
    array.flags.writeable = False
    return array


def axis_step(values: NDArray[np.float64]) -> float:
    """Return the step of equally spaced values, of which there are at least 2."""
    return float(values[-1] - values[0]) / (values.size - 1)


def require_points(shape: tuple[int, ...]) -> None:
    """Raise `ArgumentError` if a scan of this shape has too many points."""
    if math.prod(shape) > MAX_POINTS:
        raise ArgumentError(f"a scan has at most {MAX_POINTS} points, got {shape}")
