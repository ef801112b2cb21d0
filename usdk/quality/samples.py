"""Samples of an envelope that a measure can use."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from usdk.errors import ArgumentError

__all__ = ["amplitudes"]

MIN_SAMPLES = 2


def amplitudes(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Return amplitudes as one row of float64.

    Raises
    ------
    ArgumentError
        Unless they are real, finite, not negative and at least `MIN_SAMPLES`.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "fiu":
        raise ArgumentError(
            f"{name} must hold real amplitudes, got {array.dtype}: take the envelope (numpy.abs)"
        )
    array = array.astype(np.float64).reshape(-1)
    if array.size < MIN_SAMPLES:
        raise ArgumentError(f"{name} must hold at least {MIN_SAMPLES} samples, got {array.size}")
    if not np.all(np.isfinite(array)) or array.min() < 0:
        raise ArgumentError(
            f"{name} must hold finite amplitudes from 0 on: decibels and RF are not amplitudes"
        )
    return array
