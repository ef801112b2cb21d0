"""MModeFrame: a picture of depth over time that knows its calibration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from usdk.errors import ArgumentError
from usdk.flow_overlay import FlowOverlay
from usdk.frame import Provenance
from usdk.scan import LineScan

__all__ = ["MModeFrame"]


@dataclass(frozen=True, eq=False, kw_only=True)
class MModeFrame:
    """A picture of depth over time, grey or colour, with its calibration and provenance.

    Parameters
    ----------
    pixels : ndarray of uint8, (n_depths, n_columns) or (n_depths, n_columns, 3)
        Grey values, or red, green and blue; row 0 nearest to the line's start, the newest column
        last.
    has_echoes : ndarray of bool, (n_columns,)
        Columns that were measured; the others, of lost frames and of the time before the first,
        are black.
    line : LineScan
        Where the depths lie.
    start_s, column_s : float
        Time of column 0's left edge on the device's clock, and the time that a column covers, s.
    dynamic_range_db : float
        Echo levels between black and white, dB.
    provenance : Provenance
        What the picture was made from.
    overlay : FlowOverlay, optional
        What the colours mean, with the velocities behind them; pictures in colour alone have one.
    """

    pixels: NDArray[np.uint8]
    has_echoes: NDArray[np.bool_]
    line: LineScan
    start_s: float
    column_s: float
    dynamic_range_db: float
    provenance: Provenance
    overlay: FlowOverlay | None = None

    def __post_init__(self) -> None:
        expected = (self.line.n_samples, self.has_echoes.size)
        shape = expected if self.overlay is None else (*expected, 3)
        if self.pixels.dtype != np.uint8 or self.pixels.shape != shape:
            raise ArgumentError(
                f"pixels must be uint8 of shape {shape}, got {self.pixels.dtype} "
                f"{self.pixels.shape}"
            )

    @property
    def row_m(self) -> float:
        """Depth from one row to the next, m."""
        return self.line.length_m / (self.line.n_samples - 1)

    def depth_m(self, row: float) -> float:
        """Return the depth of a row, m; fractions lie between rows."""
        return self.line.start_depth_m + row * self.row_m

    def time_s(self, column: float) -> float:
        """Return the time of a column's middle, s; fractions lie between columns."""
        return self.start_s + (column + 0.5) * self.column_s
