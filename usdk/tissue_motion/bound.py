"""The least error that any estimator of displacement can have."""

from __future__ import annotations

import math

from usdk.arguments import number, positive
from usdk.errors import ArgumentError

__all__ = ["displacement_bound_m"]


def displacement_bound_m(
    *,
    frequency_hz: float,
    fractional_bandwidth: float,
    window_m: float,
    snr_db: float = math.inf,
    coherence: float = 1.0,
    sound_speed_m_s: float = 1540.0,
) -> float:
    r"""Return the Cramér–Rao bound of the standard deviation of a displacement, m.

    .. math:: \sigma_d \ge \frac{c}{2} \sqrt{\frac{3}{2 f^3 \pi^2 T (B^3 + 12 B)}
        \left( \frac{1}{\rho^2} \left( 1 + \frac{1}{\mathrm{SNR}^2} \right)^2 - 1 \right)}

    for speckle of a flat spectrum, windows of the duration T = 2 ``window_m`` / c and the amplitude
    ratio SNR.

    Parameters
    ----------
    frequency_hz, fractional_bandwidth : float
        Centre f of the echoes' band, Hz, and its width over f, B.
    window_m : float
        Length of the window along the line, m; lines of independent speckle multiply it.
    snr_db : float
        Signal to noise of each frame, dB.
    coherence : float
        ρ, correlation coefficient of the two windows without noise, 0 to 1.
    sound_speed_m_s : float
        c, m/s.

    References
    ----------
    W. F. Walker, G. E. Trahey, "A fundamental limit on delay estimation using partially correlated
    speckle signals", IEEE TUFFC 42(2), 1995, equation 22.
    """
    f_hz = positive(frequency_hz, "frequency_hz")
    share = positive(fractional_bandwidth, "fractional_bandwidth")
    c_m_s = positive(sound_speed_m_s, "sound_speed_m_s")
    coherence = number(coherence, "coherence")
    if not 0 < coherence <= 1:
        raise ArgumentError(f"coherence must be greater than 0 and at most 1, got {coherence}")
    snr_db = number(snr_db, "snr_db")
    if math.isnan(snr_db) or snr_db == -math.inf:
        raise ArgumentError(f"snr_db must be a number of dB, or inf, got {snr_db}")
    duration_s = 2 * positive(window_m, "window_m") / c_m_s
    try:
        noise = (1 + 10 ** (-snr_db / 10)) ** 2 / coherence**2 - 1
        variance_s2 = 3 / (2 * f_hz**3 * math.pi**2 * duration_s * (share**3 + 12 * share)) * noise
    except (OverflowError, ZeroDivisionError):
        raise ArgumentError("the bound is no number: are all values in SI units?") from None
    return c_m_s / 2 * math.sqrt(variance_s2)
