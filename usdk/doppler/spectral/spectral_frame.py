"""SpectralFrame: a picture of velocity over time that knows its calibration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from usdk.doppler.slow_time import SlowTime
from usdk.doppler.spectral.trace import VelocityTrace
from usdk.errors import ArgumentError
from usdk.frame import Provenance

__all__ = ["SpectralFrame"]


@dataclass(frozen=True, eq=False, kw_only=True)
class SpectralFrame:
    """A grey picture of velocity over time, with its calibration and provenance.

    Parameters
    ----------
    pixels : ndarray of uint8, (n_rows, n_columns)
        Grey values; the newest column last.
    has_signal : ndarray of bool, (n_columns,)
        Columns that were measured; the others, of lost pulses and of the time before the first,
        are black.
    first_velocity_m_s, row_m_s : float
        Velocity of row 0, and from one row to the next, corrected for the angle, m/s. Towards the
        probe is positive; the step is negative unless the picture is inverted.
    start_s, column_s : float
        Time of column 0's left edge on the device's clock, and the time that a column covers, s.
    dynamic_range_db : float
        Levels between black and white, dB.
    slow_time : SlowTime
        PRF and frequency.
    angle_rad : float
        Angle between beam and flow for which velocities are corrected, rad.
    trace : VelocityTrace, optional
        Envelope and mean of each column.
    provenance : Provenance, optional
        What the picture was made from, where it was made from channel data.
    """

    pixels: NDArray[np.uint8]
    has_signal: NDArray[np.bool_]
    first_velocity_m_s: float
    row_m_s: float
    start_s: float
    column_s: float
    dynamic_range_db: float
    slow_time: SlowTime
    angle_rad: float = 0.0
    trace: VelocityTrace | None = None
    provenance: Provenance | None = None

    def __post_init__(self) -> None:
        if (
            self.pixels.dtype != np.uint8
            or self.pixels.ndim != 2
            or self.pixels.shape[1:] != self.has_signal.shape
        ):
            raise ArgumentError(
                f"pixels must be uint8, (n_rows, {self.has_signal.size}), got {self.pixels.dtype} "
                f"{self.pixels.shape}"
            )

    @property
    def is_inverted(self) -> bool:
        """Whether velocities towards the probe point down."""
        return self.row_m_s > 0

    @property
    def baseline_row(self) -> float:
        """Row of velocity 0; it may lie outside the picture by a part of a row."""
        return -self.first_velocity_m_s / self.row_m_s

    def velocity_m_s(self, row: float) -> float:
        """Return the velocity of a row, m/s; fractions lie between rows."""
        return self.first_velocity_m_s + row * self.row_m_s

    def row(self, velocity_m_s: float) -> float:
        """Return the row of a velocity; fractions lie between rows."""
        return (velocity_m_s - self.first_velocity_m_s) / self.row_m_s

    def time_s(self, column: float) -> float:
        """Return the time of a column's middle, s; fractions lie between columns."""
        return self.start_s + (column + 0.5) * self.column_s
