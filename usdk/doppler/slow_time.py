"""Slow time: how the phase from pulse to pulse becomes a velocity."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import positive

__all__ = ["SlowTime"]


@dataclass(frozen=True, kw_only=True)
class SlowTime:
    r"""The clock of a packet and the wave that measures it.

    An echo from a scatterer that moves towards the probe with the velocity v comes earlier from
    pulse to pulse. At a fixed point its phase grows by

    .. math:: \Delta\varphi = 4 \pi f v / (c \, \mathrm{PRF})

    so that **velocities are positive towards the probe**, as on every clinical scale.

    Parameters
    ----------
    prf_hz : float
        Rate of the pulses of one packet, Hz; transmits in between (of other beams) not counted.
    frequency_hz : float
        Frequency f whose phase is measured, Hz: the demodulation frequency of IQ, or the mean
        frequency received where that is known.
    sound_speed_m_s : float
        c, m/s.

    References
    ----------
    C. Kasai, K. Namekawa, A. Koyano, R. Omoto, "Real-time two-dimensional blood flow imaging using
    an autocorrelation technique", IEEE Trans. Sonics Ultrason. 32(3), 1985, equations 10 and 11.
    """

    prf_hz: float
    frequency_hz: float
    sound_speed_m_s: float = 1540.0

    def __post_init__(self) -> None:
        for name in ("prf_hz", "frequency_hz", "sound_speed_m_s"):
            object.__setattr__(self, name, positive(getattr(self, name), name))

    @property
    def nyquist_m_s(self) -> float:
        """Greatest velocity along the beam that is not aliased, c PRF / (4 f), m/s."""
        return self.sound_speed_m_s * self.prf_hz / (4 * self.frequency_hz)

    @property
    def interval_s(self) -> float:
        """Time between two pulses of a packet, s."""
        return 1 / self.prf_hz

    def velocity_m_s(self, phase_rad: NDArray[Any] | float) -> NDArray[Any] | float:
        """Return the velocity along the beam whose phase grows so much from pulse to pulse, m/s."""
        return np.multiply(phase_rad, self.nyquist_m_s / math.pi)

    def doppler_shift_hz(self, velocity_m_s: NDArray[Any] | float) -> NDArray[Any] | float:
        """Return the Doppler shift of a velocity along the beam, Hz."""
        return np.multiply(velocity_m_s, 2 * self.frequency_hz / self.sound_speed_m_s)
