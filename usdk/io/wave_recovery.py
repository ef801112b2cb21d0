"""Which wave was sent, found from the element delays alone.

A wavefront that leaves the elements q at times τ is a part of a sphere about a source s when

    ± |q − s| = d + c τ      (+: diverging from s;  −: focused on s)

Squared, this is linear in s, d and k = |s|² − d²:

    |q|² − (c τ)² = 2 q·s + 2 d c τ − k

so that s follows from one least-squares solution, and the sign is that of d + c τ. It is how a
source is located from range differences: J. O. Smith, J. S. Abel, "Closed-form least-squares source
location estimation from range-difference measurements", IEEE Trans. Acoust. Speech Signal Process.
35(12), 1987.
A plane wave is c τ = q·direction + const.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from usdk.errors import DataDamagedError
from usdk.probe import ArrayKind, Probe
from usdk.transmit import (
    MAX_DISTANCE_M,
    DivergingWave,
    FocusedWave,
    PlaneWave,
    SingleElement,
    Transmit,
)

__all__ = ["PLANE_TOLERANCE_S", "wave_from_delays"]

PLANE_TOLERANCE_S = 1e-10
"""Greatest departure of a plane wave's delays from a straight line, s."""


def wave_from_delays(
    delays_s: NDArray[np.float64],
    probe: Probe,
    sound_speed_m_s: float,
    *,
    beam_x_m: float | None = None,
) -> Transmit:
    """Return the wave that an array in the x-z plane sends with the given delays.

    Parameters
    ----------
    delays_s : ndarray, (n_elements,)
        When each element fires, s, from any zero; NaN when silent.
    probe : Probe
        The array.
    sound_speed_m_s : float
        Sound speed, m/s.
    beam_x_m : float, optional
        Where a focused beam's axis leaves the array, m; the middle of the firing elements when
        absent.

    Raises
    ------
    DataDamagedError
        If no element fires, or those that fire are not neighbours.
    """
    fires = np.flatnonzero(~np.isnan(delays_s))
    if fires.size == 0 or fires[-1] - fires[0] + 1 != fires.size:
        raise DataDamagedError("the elements that fire must be one or more neighbours")
    if fires.size == 1:
        return SingleElement(element=int(fires[0]))
    is_part = fires.size < probe.n_elements
    aperture = (int(fires[0]), int(fires[-1]) + 1) if is_part else None
    x_m, z_m = probe.element_positions_m[fires][:, (0, 2)].T
    # Counted from the mean delay, d is the mean of d + c τ: it alone tells the sign.
    with np.errstate(over="ignore", invalid="ignore"):
        path_m = sound_speed_m_s * (delays_s[fires] - delays_s[fires].mean())
    if not np.all(np.abs(path_m) <= MAX_DISTANCE_M):
        raise DataDamagedError("delays or the sound speed are too large to be a wave's")
    if probe.kind is ArrayKind.CURVED and np.ptp(delays_s[fires]) < PLANE_TOLERANCE_S:
        x, y, z = (float(v) for v in probe.centre_of_curvature_m)
        return DivergingWave(source_m=(x, y, z), aperture=aperture)
    is_flat = np.ptp(z_m) < 1e-9
    places = [x_m] if is_flat else [x_m, z_m]
    sine = _plane_sine(places, path_m, PLANE_TOLERANCE_S * sound_speed_m_s)
    if sine is not None:
        return PlaneWave(azimuth_rad=math.asin(sine), aperture=aperture)
    ones = np.ones_like(x_m)
    design = np.column_stack([*(2 * q for q in places), 2 * path_m, -ones])
    solution = np.linalg.lstsq(design, x_m**2 + (0 if is_flat else z_m**2) - path_m**2)[0]
    *source, distance_m, k = (float(v) for v in solution)
    if is_flat:
        # Only |z − z of the array| follows from a flat array: behind it or before it says d.
        depth_m = math.sqrt(max(distance_m**2 + k - source[0] ** 2, 0.0))
        source.append(float(z_m.mean()) + math.copysign(depth_m, -distance_m))
    where = (source[0], 0.0, source[1])
    if distance_m > 0:
        return DivergingWave(source_m=where, aperture=aperture)
    middle = float(x_m.mean()) if beam_x_m is None else beam_x_m
    order = np.argsort(x_m)
    origin = (middle, 0.0, float(np.interp(middle, x_m[order], z_m[order])))
    return FocusedWave(focus_m=where, origin_m=origin, aperture=aperture)


def _plane_sine(
    places: list[NDArray[np.float64]], path_m: NDArray[np.float64], tolerance_m: float
) -> float | None:
    """Return the sine of a plane wave's azimuth, or None if the wave is not plane."""
    design = np.column_stack([*places, np.ones_like(path_m)])
    solution = np.linalg.lstsq(design, path_m)[0]
    if np.max(np.abs(design @ solution - path_m)) > tolerance_m:
        return None
    sine = float(solution[0])
    is_unit = len(places) == 1 or abs(math.hypot(*solution[:2]) - 1) < 1e-6
    return sine if is_unit and abs(sine) < 1 else None
