"""FlowOverlay: what the colours of a frame mean, with the measured values kept beside them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

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
        if self.velocity_m_s.shape != self.power_db.shape or self.power_db.ndim != 2:
            raise ArgumentError("velocity_m_s and power_db must have the raster's shape")
        if self.colours.dtype != np.uint8 or self.colours.shape[-1] != 3:
            raise ArgumentError("colours must be uint8 RGB, (n_colours, 3)")
        if not self.scale[0] < self.scale[1]:
            raise ArgumentError(f"scale must go from a lower to a higher value: {self.scale}")

    @property
    def unit(self) -> str:
        """Unit of the scale."""
        is_power = self.kind in (FlowKind.POWER, FlowKind.DIRECTIONAL_POWER)
        return "dB" if is_power else "m/s"
