"""Cutoffs of filters along slow time: a share of the PRF, or the velocity that it stands for."""

from __future__ import annotations

from typing import Any

from usdk.arguments import number, positive, require_instance
from usdk.doppler.slow_time import SlowTime
from usdk.errors import ArgumentError

__all__ = ["cutoff_for", "require_cutoff"]


def cutoff_for(velocity_m_s: float, slow_time: SlowTime) -> float:
    """Return the cutoff, as a share of the PRF, that takes echoes slower than a velocity away.

    Parameters
    ----------
    velocity_m_s : float
        Greatest velocity along the beam, either way, that is clutter, m/s.
    slow_time : SlowTime
        PRF and frequency of the packets.

    Raises
    ------
    ArgumentError
        If the velocity is not above 0 and below the Nyquist velocity.
    """
    require_instance(slow_time, SlowTime, "slow_time")
    velocity_m_s = positive(velocity_m_s, "velocity_m_s")
    if velocity_m_s >= slow_time.nyquist_m_s:
        raise ArgumentError(
            f"a cutoff of {velocity_m_s:g} m/s lies beyond the Nyquist velocity of "
            f"{slow_time.nyquist_m_s:.4g} m/s: take a lower one or a higher PRF"
        )
    return velocity_m_s / (2 * slow_time.nyquist_m_s)


def require_cutoff(cutoff: Any) -> float:
    """Return a cutoff, share of the PRF, as a float; `ArgumentError` unless 0 < cutoff < 0.5."""
    result = number(cutoff, "cutoff")
    if not 0 < result < 0.5:
        raise ArgumentError(
            f"cutoff must be a share of the PRF between 0 and 0.5, got {cutoff!r}: "
            "cutoff_for(velocity_m_s, slow_time) turns a velocity into one"
        )
    return result
