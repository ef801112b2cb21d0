r"""One velocity from several that are aliased at different Nyquist velocities.

Every measurement knows the velocity up to whole periods :math:`P_i = 2 v_{N,i}`.  Of all whole
numbers k of periods the ones are taken whose velocities agree best (Chinese remainder theorem made
robust: the difference of the measurements is rounded to a multiple, not the measurements):

.. math::
    \hat v(k) = \frac{\sum_i w_i (v_i + k_i P_i)}{\sum_i w_i}, \qquad
    \hat k = \arg\min_k \sum_i w_i \left(v_i + k_i P_i - \hat v(k)\right)^2

The first measurement's :math:`k_0` runs over the periods that fit the extended one; of the others
the nearest whole number is taken for each.

References
----------
D. Posada, J. Porée, A. Pellissier, B. Chayer, F. Tournoux, G. Cloutier, D. Garcia, "Staggered
multiple-PRF ultrafast color Doppler", IEEE Trans. Med. Imaging 35(6), 2016, section II.
X.-G. Xia, G. Wang, "Phase unwrapping and a robust Chinese remainder theorem", IEEE Signal Process.
Lett. 14(4), 2007.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from usdk_kernels._compile import kernel


@kernel
def staggered_velocity(
    velocity_m_s: npt.NDArray[np.float32],
    nyquist_m_s: npt.NDArray[np.float64],
    weight: npt.NDArray[np.float64],
    n_periods: int,
    start: int,
    stop: int,
    out: npt.NDArray[np.float32],
    wraps: npt.NDArray[np.int16],
    residual_m_s: npt.NDArray[np.float32],
) -> None:
    r"""Velocity within ± n_periods · nyquist_m_s[0]; the equation stands at the head of the module.

    Parameters
    ----------
    velocity_m_s : (n_measurements, n_points) float32
        Aliased velocities v, m/s.
    nyquist_m_s : (n_measurements,) float64 > 0
        Nyquist velocity of each, m/s.
    weight : (n_measurements,) float64 > 0
        Inverse of each measurement's variance, up to a common factor.
    n_periods : int64 ≥ 1
        The extended Nyquist velocity over the first one.
    start, stop : int64
        Range of points, 0 ≤ start ≤ stop ≤ n_points.
    out : (n_points,) float32
        Velocity, −n_periods · nyquist_m_s[0] ≤ v < n_periods · nyquist_m_s[0], m/s.  Overwritten.
    wraps : (n_points,) int16
        Whole periods that were added to the first measurement.  Overwritten.
    residual_m_s : (n_points,) float32
        Weighted rms of the measurements about the result, m/s.  Overwritten.

    Notes
    -----
    A point with a value that is not finite becomes NaN, with 0 wraps.  All arrays are C-contiguous.
    Not checked: shapes, start, stop, the signs.
    """
    n = velocity_m_s.shape[0]
    total = 0.0
    for i in range(n):
        total += weight[i]
    first_period = 2.0 * nyquist_m_s[0]
    extended = n_periods * nyquist_m_s[0]
    for p in range(start, stop):
        is_finite = True
        for i in range(n):
            is_finite = is_finite and math.isfinite(velocity_m_s[i, p])
        if not is_finite:
            out[p] = np.float32(math.nan)
            wraps[p] = 0
            residual_m_s[p] = np.float32(math.nan)
            continue
        best_cost = math.inf
        best_velocity = 0.0
        # Half the periods to either side; the result is brought into the extended range below.
        for k in range(-(n_periods // 2), n_periods - n_periods // 2):
            reference = velocity_m_s[0, p] + k * first_period
            mean = weight[0] * reference
            square = weight[0] * reference * reference
            for i in range(1, n):
                period = 2.0 * nyquist_m_s[i]
                aliased = np.float64(velocity_m_s[i, p])
                near = aliased + math.floor((reference - aliased) / period + 0.5) * period
                mean += weight[i] * near
                square += weight[i] * near * near
            mean /= total
            cost = max(square / total - mean * mean, 0.0)
            if cost < best_cost:
                best_cost = cost
                best_velocity = mean
        turns = math.floor((best_velocity + extended) / (2.0 * extended))
        best_velocity -= turns * 2.0 * extended
        out[p] = best_velocity
        count = math.floor((best_velocity - velocity_m_s[0, p]) / first_period + 0.5)
        wraps[p] = min(max(count, -32768.0), 32767.0)
        residual_m_s[p] = math.sqrt(best_cost)
