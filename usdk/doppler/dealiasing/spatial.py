"""Spatial unwrapping: what a point's neighbours tell of the periods that it lacks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import positive
from usdk.doppler.dealiasing.dealiased import Dealiased
from usdk.doppler.flow_map import FlowMap
from usdk.doppler.point_nyquist import nyquist_where
from usdk.errors import ArgumentError
from usdk_kernels.region_unwrapping import unwrap_regions

__all__ = [
    "BELOW_GREATEST_DB",
    "LEAST_COHERENCE",
    "LEAST_POWER_DB",
    "unwrap_correlated",
    "unwrap_flow_map",
    "unwrap_velocity",
]

LEAST_POWER_DB = 6.0
"""Power above the noise from which on a point counts as flow, dB."""

LEAST_COHERENCE = 0.5
"""Lag-one coherence from which on a point counts as flow where the noise is not known."""

BELOW_GREATEST_DB = 20.0
"""Power below the greatest down to which it does, dB: what a clutter filter leaves of tissue is
as coherent as flow, and joins a vessel to all that is around it."""


def unwrap_velocity(
    velocity_m_s: NDArray[Any], nyquist_m_s: float, *, weight: NDArray[Any] | None = None
) -> tuple[NDArray[np.float32], NDArray[np.int16]]:
    """Undo the aliasing of a map of velocities by its continuity.

    Regions join across their borders, the heaviest border first, and an entire border votes for
    the periods between them: `usdk_kernels.region_unwrapping`. What is found is a whole number k
    for each point, and the result is exactly ``v + 2 k nyquist_m_s``.

    One number is left open for each connected region of flow. It is settled by the region's edge
    towards what is no flow, where blood is slow: most of the edge stays as it was measured. A
    region without an edge inside the map keeps most of itself.

    Parameters
    ----------
    velocity_m_s : array_like, (n_lines, n_samples)
        Velocities, aliased into ±nyquist_m_s, m/s; NaN where there is no flow.
    nyquist_m_s : float
        Nyquist velocity, m/s.
    weight : array_like, (n_lines, n_samples), optional
        How much each point counts, such as its power; 0 or NaN where there is no flow. All points
        count alike when absent.

    Returns
    -------
    velocity_m_s : ndarray of float32, (n_lines, n_samples)
        Unwrapped velocities, m/s; points without flow as they were.
    n_wraps : ndarray of int16, (n_lines, n_samples)
        k, 0 where there is no flow.

    Raises
    ------
    ArgumentError
        If the shapes do not fit, or the values are not real.

    Notes
    -----
    Flow that changes by more than the Nyquist velocity from one point to the next cannot be
    unwrapped by any method of this kind. Steering the packets to a higher PRF, or two PRFs
    (`StaggeredPrfs`), can.
    """
    velocity = _map(velocity_m_s, "velocity_m_s")
    nyquist = positive(nyquist_m_s, "nyquist_m_s")
    if weight is None:
        weights = np.ones_like(velocity)
    else:
        weights = _map(weight, "weight")
        if weights.shape != velocity.shape:
            raise ArgumentError(f"weight must have the map's shape {velocity.shape}")
    n_wraps = np.empty(velocity.shape, np.int16)
    unwrap_regions(velocity, weights, nyquist, n_wraps)
    return (velocity + (2 * nyquist * n_wraps)).astype(np.float32), n_wraps


def unwrap_flow_map(flow_map: FlowMap, *, is_flow: NDArray[np.bool_] | None = None) -> Dealiased:
    """Undo the aliasing of a flow map by its continuity, as `unwrap_velocity` says.

    A turn of the phase is twice the Nyquist velocity of the point, at the frequency at which its
    velocity was read: that of the echoes where the 2-D autocorrelation measured it
    (`usdk.doppler.point_nyquist`).

    Parameters
    ----------
    flow_map : FlowMap
        What was measured. Its lag-one magnitude weighs the points.
    is_flow : array_like of bool, (n_lines, n_samples), optional
        Where there is flow; the other points stay as they are. When absent, where the power is
        `LEAST_POWER_DB` above the map's noise power, or where that is unknown, where the lag-one
        coherence is at least `LEAST_COHERENCE` and the power within `BELOW_GREATEST_DB` of the
        greatest.

    Returns
    -------
    Dealiased
        A map with the same slow time and Nyquist velocity, beyond which its velocities may go.
    """
    if not isinstance(flow_map, FlowMap):
        raise ArgumentError(f"give a FlowMap, not {type(flow_map).__name__}: see unwrap_velocity")
    if is_flow is None and np.isfinite(flow_map.noise_power):
        is_flow = flow_map.power > flow_map.noise_power * 10 ** (LEAST_POWER_DB / 10)
    elif is_flow is not None and np.shape(is_flow) != flow_map.scan.shape:
        raise ArgumentError(f"is_flow must have the map's shape {flow_map.scan.shape}")
    velocity, n_wraps = unwrap_correlated(
        flow_map.velocity_m_s,
        flow_map.lag_one,
        flow_map.power,
        flow_map.nyquist_m_s,
        is_flow=is_flow,
    )
    return Dealiased(flow_map=replace(flow_map, velocity_m_s=velocity), n_wraps=n_wraps)


def unwrap_correlated(
    velocity_m_s: NDArray[np.float32],
    lag_one: NDArray[np.complex64],
    power: NDArray[np.float32],
    nyquist_m_s: float,
    *,
    is_flow: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.int16]]:
    """Undo the aliasing of velocities and of the correlations that they came from.

    As `unwrap_flow_map` of the same arrays, for maps whose noise is not known.
    """
    strength = np.abs(lag_one)
    if is_flow is None:
        greatest = np.max(power, initial=0.0, where=np.isfinite(power))
        is_flow = strength >= LEAST_COHERENCE * power
        is_flow &= power >= greatest * 10 ** (-BELOW_GREATEST_DB / 10)
    weight = np.where(is_flow, strength, np.float32(0)).astype(np.float32)
    nyquist = nyquist_where(velocity_m_s, lag_one, nyquist_m_s)
    turns, n_wraps = unwrap_velocity(velocity_m_s / nyquist, 1.0, weight=weight)
    return np.where(n_wraps == 0, velocity_m_s, turns * nyquist).astype(np.float32), n_wraps


def _map(values: Any, name: str) -> NDArray[np.float32]:
    array = np.asarray(values)
    if array.dtype.kind not in "bfiu" or array.ndim != 2:
        raise ArgumentError(
            f"{name} must be real numbers of shape (n_lines, n_samples), got {array.dtype} "
            f"{array.shape}"
        )
    return np.require(array, np.float32, ("C", "W"))
