r"""From the phase between two frames to a displacement.

An echo at the depth z whose scatterers move away from the probe by d comes later by 2 d / c, and at
a fixed depth its phase falls by 4 π f d / c. Hence

.. math:: d = -\frac{c}{4 \pi f} \arg R, \qquad |d| < \frac{c}{4 f} = \frac{\lambda}{4}

and **displacements are positive away from the probe** (+z), the other way round than Doppler
velocities, which are positive towards it. After a shift by s samples of Δz, R holds what is left of
the motion, so that d = s Δz − c arg R / 4 π f.

f is the demodulation frequency (lag-one autocorrelation, Kasai et al. 1985) or the mean frequency
of the echoes in the window (2-D autocorrelation, Loupas et al. 1995), from their phase along depth:

.. math:: \bar f = f + \frac{c}{4 \pi \Delta z} \arg\left(A\, e^{-4 \pi j f \Delta z / c}\right)
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

__all__ = ["MotionEstimator", "displacement_m", "echo_frequency_hz"]

# The mean frequency is not taken for farther from the demodulation frequency than this share of it.
_FARTHEST = 0.5


class MotionEstimator(StrEnum):
    """Which frequency the phase between frames is divided by."""

    AUTOCORRELATION = "autocorrelation"
    """The demodulation frequency (Kasai 1985): right where the echoes' mean frequency is that."""
    AUTOCORRELATION_2D = "2-D autocorrelation"
    """The mean frequency of the echoes in the window (Loupas 1995): it follows speckle."""


def echo_frequency_hz(
    axial: NDArray[np.complex64],
    *,
    frequency_hz: float,
    step_m: float,
    sound_speed_m_s: float,
    is_baseband: bool,
) -> NDArray[np.float64]:
    """Return the mean frequency of echoes, Hz, from their correlation along depth.

    Parameters
    ----------
    axial : ndarray of complex64, (...)
        Sum of y[m + 1] y*[m].
    frequency_hz : float
        Demodulation frequency, Hz.
    step_m : float
        Depth from one sample to the next, m.
    sound_speed_m_s : float
        m/s.
    is_baseband : bool
        Whether the phase along depth is relative to the demodulation frequency; the phase of
        `usdk.Beamformer`'s IQ is not: it turns as that of the RF does.
    """
    turn = 1.0 if is_baseband else np.exp(-4j * np.pi * frequency_hz * step_m / sound_speed_m_s)
    shift_hz = np.angle(axial * turn) * sound_speed_m_s / (4 * np.pi * step_m)
    limit_hz = _FARTHEST * frequency_hz
    return np.asarray(frequency_hz + np.clip(shift_hz, -limit_hz, limit_hz), np.float64)


def displacement_m(
    lag_one: NDArray[np.complex64],
    shift: NDArray[np.int16],
    echo_hz: NDArray[np.float64] | float,
    *,
    frequency_hz: float,
    step_m: float,
    sound_speed_m_s: float,
    is_baseband: bool,
) -> NDArray[np.float32]:
    """Return displacements, positive away from the probe, m.

    Parameters
    ----------
    lag_one : ndarray of complex64, (...)
        Correlation of the second frame, read ``shift`` samples deeper, with the first.
    shift : ndarray of int16, (...)
        Those samples.
    echo_hz : float or ndarray, (...)
        Frequency f of the echoes, Hz.
    frequency_hz, step_m, sound_speed_m_s, is_baseband
        As for `echo_frequency_hz`.
    """
    coarse_m = shift * step_m
    if is_baseband and np.any(shift):
        lag_one = lag_one * np.exp(4j * np.pi * frequency_hz / sound_speed_m_s * coarse_m)
    fine_m = -np.angle(lag_one) * sound_speed_m_s / (4 * np.pi * np.asarray(echo_hz))
    return np.asarray(coarse_m + fine_m, np.float32)
