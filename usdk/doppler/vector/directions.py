r"""Where an echo was sent from and where it was heard: the directions that a look measures along.

The time of an echo from the point p is :math:`\tau(p) = \tau_t(p) + \tau_r(p)`. A scatterer with
the velocity v passes through it at :math:`\dot\tau = \nabla\tau \cdot v = (k_t + k_r) \cdot v / c`,
so that the Doppler shift is

.. math:: f_D = -\frac{f}{c} (k_t + k_r) \cdot v

with k_t = c ∇τ_t, the way that the transmit travels, and k_r = c ∇τ_r, which points from the
receive aperture to the point. Over an aperture k_r is the mean of its elements' unit vectors, and a
little shorter than 1. Speckle has the power spectrum of the point spread function: an element
counts by the square of its apodization, over the density :math:`1 + k_t \cdot k_r` with which
frequency and angle fill the plane of spatial frequencies :math:`f (k_t + k_r) / c`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from usdk.beamform import Beamformer
from usdk.errors import ArgumentError
from usdk.probe import Probe
from usdk.transmit import Transmit

__all__ = ["look_directions", "receive_directions", "transmit_directions"]

_STEP_M = 1e-6
_POINTS_AT_ONCE = 2048
# Waves sent against the way that they are received carry no phase.
_LEAST_DENSITY = 0.05


def transmit_directions(
    transmit: Transmit, points_m: NDArray[np.float64], probe: Probe, sound_speed_m_s: float
) -> NDArray[np.float64]:
    """Return the way a transmit travels at each point, (..., 3): the gradient of its arrival times.

    Parameters
    ----------
    transmit : Transmit
        Of any kind.
    points_m : ndarray of float64, (..., 3)
        Points, m.
    probe : Probe
        What sends it.
    sound_speed_m_s : float
        m/s.
    """
    points_m = np.asarray(points_m, np.float64)
    slopes = []
    for axis in range(3):
        step_m = np.zeros(3)
        step_m[axis] = _STEP_M
        later = transmit.arrival_time_s(points_m + step_m, probe, sound_speed_m_s)
        earlier = transmit.arrival_time_s(points_m - step_m, probe, sound_speed_m_s)
        slopes.append((later - earlier) * (sound_speed_m_s / (2 * _STEP_M)))
    return np.stack(slopes, axis=-1)


def receive_directions(
    beamformer: Beamformer, sent: Sequence[NDArray[np.float64]]
) -> list[NDArray[np.float64]]:
    """Return the mean unit vectors from the receive aperture to each point, (*scan.shape, 3) each.

    The aperture is the beamformer's own at each point: F-number, window and directivity. NaN where
    no element receives.

    Parameters
    ----------
    beamformer : Beamformer
        Its scan and apertures.
    sent : sequence of ndarray, (*scan.shape, 3)
        `transmit_directions` of each look; one result for each.
    """
    geometry, method = beamformer.geometry, beamformer.method
    points_m = geometry.scan.points_m().reshape(-1, 3)
    # The aperture of a point does not depend on transmits or samples: the least of both will do.
    plan = Beamformer(
        geometry.probe,
        replace(geometry.sequence, transmits=geometry.sequence.transmits[:1]),
        replace(geometry.receive, n_samples=2, time_zero_s=geometry.receive.time_zero_s[:1]),
        geometry.scan,
        f_number=method.f_number,
        window=method.window,
        taper=method.taper,
        directivity=method.directivity,
        weighting="compound",
    )
    silence = np.zeros((1, geometry.probe.n_elements, 2), geometry.dtype)
    elements_m = geometry.probe.element_positions_m
    sent_flat = [np.reshape(one, (-1, 3)) for one in sent]
    results = [np.empty(points_m.shape) for _ in sent]
    for first in range(0, len(points_m), _POINTS_AT_ONCE):
        part = slice(first, min(first + _POINTS_AT_ONCE, len(points_m)))
        power = plan.aligned(silence, points=part).apodization.astype(np.float64) ** 2
        away_m = points_m[part, np.newaxis] - elements_m
        length_m = np.linalg.norm(away_m, axis=2, keepdims=True)
        units = away_m / np.maximum(length_m, 1e-12)
        for way, result in zip(sent_flat, results, strict=True):
            along = np.einsum("pei,pi->pe", units, way[part])
            weight = power / np.maximum(1 + along, _LEAST_DENSITY)
            with np.errstate(invalid="ignore"):
                mean = np.einsum("pe,pei->pi", weight, units) / weight.sum(axis=1, keepdims=True)
            result[part] = mean
    return [result.reshape(*geometry.scan.shape, 3) for result in results]


def look_directions(
    beamformer: Beamformer, groups: list[tuple[int, ...]] | None = None
) -> NDArray[np.float32]:
    r"""Return a of each look and point, (n_looks, *scan.shape, 2), x and z.

    .. math:: a = -(k_t + k_r) / 2

    so that a velocity along the beam, positive towards the probe as `SlowTime` has it, is a · v.

    Parameters
    ----------
    beamformer : Beamformer
        Its scan, apertures and transmits.
    groups : list of tuple of int, optional
        The transmits of each look, counted alike where there are several; every transmit is a look
        of its own when absent.
    """
    geometry = beamformer.geometry
    transmits = geometry.sequence.transmits
    if groups is None:
        groups = [(n,) for n in range(len(transmits))]
    if any(not group or max(group) >= len(transmits) or min(group) < 0 for group in groups):
        raise ArgumentError(f"groups must name transmits from 0 to {len(transmits) - 1}")
    speed_m_s = geometry.receive.sound_speed_m_s
    points_m = geometry.scan.points_m()
    sent = []
    for group in groups:
        ways = [
            transmit_directions(transmits[t], points_m, geometry.probe, speed_m_s) for t in group
        ]
        sent.append(np.mean(ways, axis=0))
    received = receive_directions(beamformer, sent)
    looks = [-(k_t + k_r)[..., ::2] / 2 for k_t, k_r in zip(sent, received, strict=True)]
    return np.ascontiguousarray(looks, np.float32)
