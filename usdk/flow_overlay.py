"""FlowOverlay: what the colours of a frame mean, with the measured values kept beside them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import count, finite, number, positive
from usdk.choice import choice
from usdk.errors import ArgumentError

__all__ = ["FlowKind", "FlowOverlay"]


class FlowKind(StrEnum):
    """What the colours show."""

    VELOCITY = "velocity"
    VARIANCE = "velocity and variance"
    POWER = "power"
    DIRECTIONAL_POWER = "directional power"


@dataclass(frozen=True, eq=False, kw_only=True)
class FlowOverlay:
    """Colour Doppler on the raster of a frame.

    Parameters
    ----------
    kind : FlowKind
        What the colours show.
    velocity_m_s : ndarray of float32, (n_rows, n_columns)
        Velocity along the beam, positive towards the probe, m/s; NaN where the frame is grey.
    power_db : ndarray of float32, (n_rows, n_columns)
        Power, dB relative to a reference that is kept; NaN where the frame is grey.
    scale : (float, float)
        Values of the first and the last colour: m/s (velocity, variance) or dB (power). Of
        directional power it is ± the span of the scale, dB: no power stands in the middle, the most
        power away from the probe and towards it at the ends.
    colours : ndarray of uint8, (n_colours, 3) or (n_spreads, n_colours, 3)
        The colour scale, RGB, from the lowest value to the highest; for variance, from no spread to
        the greatest in its first axis.
    nyquist_m_s : float
        Velocity along the beam at which aliasing begins, m/s.
    prf_hz : float
        Rate of the pulses of one packet, Hz.
    frequency_hz : float
        Frequency that was sent for the colour packets, Hz.
    box : (int, int, int, int)
        First row, first column, one past the last row and column of the part of the raster that the
        colour box covers.
    steering_rad : float
        Angle of the colour beams, from +z towards +x, rad; NaN where it is not one angle.
    angle_rad : float
        Angle between beam and flow by which ``velocity_m_s`` was corrected, rad; 0 for none.

    Raises
    ------
    ArgumentError
        If an array is of another shape or type, a number is out of range, or the box leaves the
        raster.
    """

    kind: FlowKind
    velocity_m_s: NDArray[np.float32]
    power_db: NDArray[np.float32]
    scale: tuple[float, float]
    colours: NDArray[np.uint8]
    nyquist_m_s: float
    prf_hz: float
    frequency_hz: float
    box: tuple[int, int, int, int]
    steering_rad: float = math.nan
    angle_rad: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", choice(FlowKind, self.kind))
        for name in ("velocity_m_s", "power_db"):
            values = np.asarray(getattr(self, name))
            if values.dtype.kind != "f" or values.ndim != 2:
                raise ArgumentError(f"{name} must be float32 of the raster's shape")
            object.__setattr__(self, name, values)
        shape = self.velocity_m_s.shape
        if self.power_db.shape != shape:
            raise ArgumentError("velocity_m_s and power_db must have the raster's shape")
        colours = np.asarray(self.colours)
        if (
            colours.dtype != np.uint8
            or colours.ndim not in (2, 3)
            or colours.shape[-1] != 3
            or not colours.size
        ):
            raise ArgumentError("colours must be uint8 RGB, (n_colours, 3)")
        object.__setattr__(self, "colours", colours)
        for name in ("nyquist_m_s", "prf_hz", "frequency_hz"):
            object.__setattr__(self, name, positive(getattr(self, name), name))
        object.__setattr__(self, "angle_rad", finite(self.angle_rad, "angle_rad"))
        if math.isinf(number(self.steering_rad, "steering_rad")):
            raise ArgumentError("steering_rad must be finite, or NaN where it is not one angle")
        object.__setattr__(self, "scale", self._ends())
        object.__setattr__(self, "box", self._edges())

    def _ends(self) -> tuple[float, float]:
        try:
            low, high = self.scale
        except (TypeError, ValueError):
            raise ArgumentError("scale must be (lowest, highest) value") from None
        low, high = finite(low, "scale"), finite(high, "scale")
        if not low < high:
            raise ArgumentError(f"scale must go from a lower to a higher value: {low:g}, {high:g}")
        return low, high

    def _edges(self) -> tuple[int, int, int, int]:
        n_rows, n_columns = self.velocity_m_s.shape
        try:
            first_row, first_column, end_row, end_column = self.box
        except (TypeError, ValueError):
            raise ArgumentError("box must be four rows and columns") from None
        first_row = count(first_row, "the box's first row", least=0, most=n_rows - 1)
        first_column = count(first_column, "the box's first column", least=0, most=n_columns - 1)
        return (
            first_row,
            first_column,
            count(end_row, "the row behind the box", least=first_row + 1, most=n_rows),
            count(end_column, "the column behind the box", least=first_column + 1, most=n_columns),
        )

    @property
    def unit(self) -> str:
        """Unit of the scale."""
        is_power = self.kind in (FlowKind.POWER, FlowKind.DIRECTIONAL_POWER)
        return "dB" if is_power else "m/s"
