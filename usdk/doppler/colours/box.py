"""The colour box on the raster: what it covers, its outline, the angle of its beams."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from usdk.errors import ArgumentError
from usdk.scan import LinearScan, SectorScan

__all__ = ["bounds", "outline_of", "steering_of"]


def bounds(covered: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Return first row and column, and one past the last, of the pixels that a box covers.

    Raises
    ------
    ArgumentError
        If it covers none.
    """
    rows, columns = (np.flatnonzero(covered.any(axis=axis)) for axis in (1, 0))
    if rows.size == 0:
        raise ArgumentError(
            "the colour box lies outside the raster of the grey picture: move one of them"
        )
    return (int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def outline_of(covered: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the covered pixels of which a neighbour, above, below or beside, is not covered."""
    padded = np.pad(covered, 1)
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return np.asarray(covered & ~inner)


def steering_of(scan: LinearScan | SectorScan) -> float:
    """Return the angle of the lines from +z towards +x, rad; NaN where they differ."""
    return 0.0 if isinstance(scan, LinearScan) else math.nan
