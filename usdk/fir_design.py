"""Filters of finite length, by the window method.

SciPy designs the same ones (`scipy.signal.firwin`), but its import takes as long as a first frame
may; the tests compare the two.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["band_taps", "kaiser_length"]


def kaiser_length(stopband_db: float, transition_hz: float, rate_hz: float) -> tuple[int, float]:
    """Return the number of taps, odd, and the Kaiser window's β for a stop band.

    Parameters
    ----------
    stopband_db : float
        Attenuation of the stop band, dB, above 50.
    transition_hz : float
        Width of the transition from pass band to stop band, Hz.
    rate_hz : float
        Sampling frequency, Hz.

    References
    ----------
    J. F. Kaiser, "Nonrecursive digital filter design using the I0-sinh window function", Proc. IEEE
    Int. Symp. Circuits and Systems (1974) 20-23.
    """
    width_rad = 2 * math.pi * transition_hz / rate_hz
    n_taps = math.ceil((stopband_db - 7.95) / (2.285 * width_rad) + 1)
    return n_taps | 1, 0.1102 * (stopband_db - 8.7)


def band_taps(
    n_taps: int, beta: float, low_hz: float, high_hz: float, rate_hz: float
) -> NDArray[np.float32]:
    """Return the taps of a band-pass filter without delay; a low pass where ``low_hz`` is 0.

    The ideal filter's response under a Kaiser window; the gain in the middle of the band is 1.

    Parameters
    ----------
    n_taps : int
        Number of taps, odd.
    beta : float
        Of the Kaiser window.
    low_hz, high_hz : float
        −6 dB edges, Hz.
    rate_hz : float
        Sampling frequency, Hz.
    """
    places = np.arange(n_taps) - (n_taps - 1) / 2
    low, high = 2 * low_hz / rate_hz, 2 * high_hz / rate_hz
    taps = high * np.sinc(high * places) - low * np.sinc(low * places)
    taps *= np.kaiser(n_taps, beta)
    middle = (low + high) / 2 if low > 0 else 0.0
    return np.asarray(taps / (taps @ np.cos(np.pi * middle * places)), np.float32)
