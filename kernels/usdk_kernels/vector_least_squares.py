r"""Velocity vectors from velocities along several directions, by weighted least squares.

A look i measures :math:`u_i = a_i \cdot v + \epsilon_i` with the variance :math:`\sigma_i^2`, up to
whole periods :math:`P_i` of its aliasing.  With :math:`w_i = 1 / \sigma_i^2`

.. math::
    \hat v = C \sum_i w_i\, a_i (u_i + k_i P_i), \qquad
    C = \Big( \sum_i w_i\, a_i a_i^T \Big)^{-1}, \qquad
    \chi^2 = \sum_i w_i (u_i + k_i P_i - a_i \cdot \hat v)^2

All numbers :math:`|k_i| \le K` are tried, and those with the least
:math:`\chi^2 + |\hat v|^2 / s^2` are taken: the most probable ones where velocities are expected to
be normal of standard deviation s in either direction.  The velocity itself is not drawn to 0.

References
----------
B. Dunmire, K. W. Beach, K.-H. Labs, M. Plett, D. E. Strandness, "Cross-beam vector Doppler
ultrasound for angle-independent velocity measurements", Ultrasound Med. Biol. 26(8), 2000.
B. Y. S. Yiu, A. C. H. Yu, "Least-squares multi-angle Doppler estimators for plane-wave vector flow
imaging", IEEE TUFFC 63(11), 2016, equations 5 to 8.  Aliased looks: I. K. Ekroll, J. Avdal,
A. Swillens, H. Torp, L. Løvstakken, "An extended least squares method for aliasing-resistant vector
velocity estimation", IEEE TUFFC 63(11), 2016.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from usdk_kernels._compile import kernel

MAX_LOOKS = 32
"""Most looks; further ones are left out."""

MAX_CANDIDATES = 20_000
"""Most sets of numbers k that are tried at a point: K is made smaller until they fit."""

_LEAST_DETERMINANT = 1e-9  # of the normal matrix, over the square of its trace


@kernel
def vector_least_squares(
    velocity_m_s: npt.NDArray[np.float32],
    variance_m2_s2: npt.NDArray[np.float32],
    direction: npt.NDArray[np.float32],
    period_m_s: npt.NDArray[np.float64],
    greatest_wrap: int,
    expected_speed_m_s: float,
    start: int,
    stop: int,
    out: npt.NDArray[np.float32],
    covariance_m2_s2: npt.NDArray[np.float32],
    chi_square: npt.NDArray[np.float32],
    condition: npt.NDArray[np.float32],
    n_used: npt.NDArray[np.int16],
    wraps: npt.NDArray[np.int16],
) -> None:
    r"""Vectors of points start to stop − 1; the equations stand at the head of the module.

    Parameters
    ----------
    velocity_m_s : (n_looks, n_points) float32
        u, m/s.
    variance_m2_s2 : (n_looks, n_points) float32
        σ², m²/s².
    direction : (n_looks, n_points, 2) float32
        a, without unit.  A look of a point counts if its u, a and σ² are finite and σ² > 0.
    period_m_s : (n_looks,) float64 > 0
        P, m/s: twice the Nyquist velocity.
    greatest_wrap : int64 ≥ 0
        K; 0 takes the velocities as they are.
    expected_speed_m_s : float64 > 0
        s, m/s; infinite for none.
    start, stop : int64
        Range of points, 0 ≤ start ≤ stop ≤ n_points.
    out : (n_points, 2) float32
        Velocity, m/s; NaN where fewer than two looks count or they look the same way.  Overwritten.
    covariance_m2_s2 : (n_points, 3) float32
        C: its elements 00, 01 and 11, m²/s².  Overwritten.
    chi_square : (n_points,) float32
        χ².  Overwritten.
    condition : (n_points,) float32
        Condition number of the matrix of the rows a that count.  Overwritten.
    n_used : (n_points,) int16
        Looks that count.  Overwritten.
    wraps : (n_looks, n_points) int16
        k; 0 for looks that do not count.  Overwritten.

    Notes
    -----
    All arrays are C-contiguous.  Not checked: shapes, start, stop, signs of the scalars.
    """
    n_looks = min(velocity_m_s.shape[0], MAX_LOOKS)
    used = np.empty(MAX_LOOKS, np.int64)
    ax = np.empty(MAX_LOOKS, np.float64)
    az = np.empty(MAX_LOOKS, np.float64)
    weight = np.empty(MAX_LOOKS, np.float64)
    measured = np.empty(MAX_LOOKS, np.float64)
    period = np.empty(MAX_LOOKS, np.float64)
    turn = np.empty(MAX_LOOKS, np.int64)
    best_turn = np.empty(MAX_LOOKS, np.int64)
    for p in range(start, stop):
        n = 0
        nxx = nxz = nzz = 0.0
        gxx = gxz = gzz = 0.0
        for i in range(velocity_m_s.shape[0]):
            wraps[i, p] = 0
        for i in range(n_looks):
            u = np.float64(velocity_m_s[i, p])
            variance = np.float64(variance_m2_s2[i, p])
            x = np.float64(direction[i, p, 0])
            z = np.float64(direction[i, p, 1])
            if math.isfinite(u + x + z) and 0 < variance < math.inf:
                used[n] = i
                ax[n] = x
                az[n] = z
                weight[n] = 1.0 / variance
                measured[n] = u
                period[n] = period_m_s[i]
                nxx += weight[n] * x * x
                nxz += weight[n] * x * z
                nzz += weight[n] * z * z
                gxx += x * x
                gxz += x * z
                gzz += z * z
                n += 1
        n_used[p] = n
        determinant = nxx * nzz - nxz * nxz
        trace = nxx + nzz
        spread = math.sqrt(max(0.25 * (gxx - gzz) ** 2 + gxz * gxz, 0.0))
        least = 0.5 * (gxx + gzz) - spread
        if n < 2 or not determinant > _LEAST_DETERMINANT * trace * trace or not least > 0:
            out[p, 0] = np.float32(math.nan)
            out[p, 1] = np.float32(math.nan)
            for j in range(3):
                covariance_m2_s2[p, j] = np.float32(math.nan)
            chi_square[p] = np.float32(math.nan)
            condition[p] = np.float32(math.inf)
            continue
        condition[p] = math.sqrt((0.5 * (gxx + gzz) + spread) / least)
        cxx = nzz / determinant
        cxz = -nxz / determinant
        czz = nxx / determinant
        covariance_m2_s2[p, 0] = cxx
        covariance_m2_s2[p, 1] = cxz
        covariance_m2_s2[p, 2] = czz

        reach = greatest_wrap
        while reach > 0 and n * math.log(2.0 * reach + 1.0) > math.log(1.0 * MAX_CANDIDATES):
            reach -= 1
        for i in range(n):
            turn[i] = -reach
            best_turn[i] = 0
        best_cost = math.inf
        best_chi = 0.0
        best_x = 0.0
        best_z = 0.0
        while True:
            bx = bz = 0.0
            for i in range(n):
                value = weight[i] * (measured[i] + turn[i] * period[i])
                bx += ax[i] * value
                bz += az[i] * value
            vx = cxx * bx + cxz * bz
            vz = cxz * bx + czz * bz
            chi = 0.0
            for i in range(n):
                rest = measured[i] + turn[i] * period[i] - ax[i] * vx - az[i] * vz
                chi += weight[i] * rest * rest
            cost = chi + (vx * vx + vz * vz) / (expected_speed_m_s * expected_speed_m_s)
            if cost < best_cost:
                best_cost = cost
                best_chi = chi
                best_x = vx
                best_z = vz
                for i in range(n):
                    best_turn[i] = turn[i]
            place = 0
            while place < n:
                turn[place] += 1
                if turn[place] <= reach:
                    break
                turn[place] = -reach
                place += 1
            if place == n:
                break
        out[p, 0] = best_x
        out[p, 1] = best_z
        chi_square[p] = best_chi
        for i in range(n):
            wraps[used[i], p] = best_turn[i]
