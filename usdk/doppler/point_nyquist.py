"""The Nyquist velocity of each point, at the frequency at which its velocity was read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from usdk.doppler.flow_map import FlowMap

__all__ = ["GREATEST_RATIO", "LEAST_RATIO", "nyquist_where", "point_nyquist_m_s"]

LEAST_RATIO, GREATEST_RATIO = 0.5, 2.0
"""Limits of a point's Nyquist velocity, as a share of the map's."""
_LEAST_PHASE_RAD = 0.1


def point_nyquist_m_s(flow_map: FlowMap) -> NDArray[np.float32]:
    r"""Return the velocity of half a turn at each point of a flow map, (n_lines, n_samples), m/s.

    The 2-D autocorrelation reads a phase at the mean frequency of the echoes, which differs from
    point to point, and so does the velocity at which a phase of π begins anew:

    .. math:: v_{N,i} = \pi \, v_i / \varphi_i, \qquad \varphi_i = \arg R_{1,i}

    where \|φ\| is large enough for the quotient; elsewhere the mean of the map by power. Of the
    plain autocorrelation it is the map's own Nyquist velocity.

    Parameters
    ----------
    flow_map : FlowMap
        Velocities as they were measured, and the lag-one autocorrelations that they came from.
        Where these do not belong together the map's own Nyquist velocity is returned.
    """
    return nyquist_where(flow_map.velocity_m_s, flow_map.lag_one, flow_map.nyquist_m_s)


def nyquist_where(
    velocity_m_s: NDArray[np.float32], lag_one: NDArray[np.complex64], nyquist_m_s: float
) -> NDArray[np.float32]:
    """Return the same from arrays of one shape, and the Nyquist velocity of the pulse sent."""
    phase = np.angle(lag_one)
    nominal_m_s = phase * np.float32(nyquist_m_s / np.pi)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = velocity_m_s / nominal_m_s
        known = (np.abs(phase) >= _LEAST_PHASE_RAD) & (ratio >= LEAST_RATIO)
        known &= ratio <= GREATEST_RATIO
    weight = np.where(known, np.abs(lag_one), 0)
    total = float(weight.sum(dtype=np.float64))
    mean = float((weight * np.where(known, ratio, 0)).sum(dtype=np.float64)) / total if total else 1
    return np.asarray(np.where(known, ratio, mean) * nyquist_m_s, np.float32)
