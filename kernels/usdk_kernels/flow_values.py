r"""Velocity and spread from power and correlations, without a call of the mathematics library.

Kasai: with the phase φ of the lag-L autocorrelation and ρ = |R_L| / R_0 ≤ 1,

.. math:: v = \frac{v_N}{L} \frac{\varphi}{\pi}, \qquad
    \sigma_v = \frac{v_N}{L} \frac{\sqrt{2 (1 - \rho)}}{\pi}

Loupas: both times f / f̄, with the mean frequency received

.. math:: \bar f = f + \frac{\arg (A_1 e^{-2 \pi j f_r \Delta t})}{2 \pi \Delta t}

limited to `LEAST_SHARE` … `GREATEST_SHARE` of f, beyond which no echo of the pulse can lie.

The arctangent is a polynomial of degree 17 whose greatest error is 2e-9 turns and that of its
rounding 5e-8 turns; every step is a vector instruction.

References
----------
C. Kasai, K. Namekawa, A. Koyano, R. Omoto, "Real-time two-dimensional blood flow imaging using an
autocorrelation technique", IEEE Trans. Sonics Ultrason. 32(3), 1985, 458-464: equations 8 and 12.
T. Loupas, J. T. Powers, R. W. Gill, "An axial velocity estimator for ultrasound blood flow imaging,
based on a full evaluation of the Doppler equation by means of a two-dimensional autocorrelation
approach", IEEE Trans. Ultrason. Ferroelectr. Freq. Control 42(4), 1995, 672-688: equation 13.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from usdk_kernels._compile import kernel

LEAST_SHARE = 0.5
"""Least mean frequency, as a share of the nominal one."""
GREATEST_SHARE = 1.5
"""Greatest mean frequency, as a share of the nominal one."""

_TINY = np.float32(1e-37)


# contract: fused multiply-adds in the polynomial.
@kernel(fastmath=frozenset({"contract"}))
def _half_turns(y: np.float32, x: np.float32) -> np.float32:
    """Phase of x + jy in half turns, −1 … 1; 0 for 0, NaN if one of both is NaN."""
    ax, ay = abs(x), abs(y)
    is_steep = ay > ax
    high = ay if is_steep else ax
    low = ax if is_steep else ay
    a = low / (high + _TINY)
    s = a * a
    r = np.float32(-0.004584095906466246) + s * np.float32(0.0007820000173524022)
    r = np.float32(0.01266275905072689) + s * r
    r = np.float32(-0.02302926778793335) + s * r
    r = np.float32(0.033419184386730194) + s * r
    r = np.float32(-0.04507659375667572) + s * r
    r = np.float32(0.06361711770296097) + s * r
    r = np.float32(-0.10610095411539078) + s * r
    r = a * (np.float32(0.31830984354019165) + s * r)
    r = np.float32(0.5) - r if is_steep else r
    r = np.float32(1) - r if x < np.float32(0) else r
    return -r if y < np.float32(0) else r


# contract: as above. noalias: the loops become vectors without tests of overlap.
@kernel(fastmath=frozenset({"contract"}), noalias=True)
def kasai(
    power: npt.NDArray[np.float32],
    lag_one: npt.NDArray[np.float32],
    scale: float,
    start: int,
    stop: int,
    velocity: npt.NDArray[np.float32],
    spread: npt.NDArray[np.float32],
) -> None:
    """Velocity and spread by the autocorrelation.

    Parameters
    ----------
    power : (n_points,) float32
        R_0.
    lag_one : (2 n_points,) float32
        R_L, real and imaginary part of each point in turn, in the same unit.
    scale : float64
        v_N / L, Nyquist velocity over the lag, m/s.
    start, stop : int64
        Range of points, 0 ≤ start ≤ stop ≤ n_points.
    velocity, spread : (n_points,) float32
        v and σ_v, m/s. Overwritten in the range.

    Notes
    -----
    All arrays are C-contiguous. A point without power has velocity 0 and spread 0; where noise
    makes ρ greater than 1, the spread is 0. A NaN gives NaN in what is made of it. Correlations
    above 1e18 have squares that overflow: then the spread is 0. Not checked: shapes, start, stop.
    """
    one = np.uint64(1)
    per_half_turn = np.float32(scale)
    per_root = np.float32(scale * math.sqrt(2) / math.pi)
    for p in range(np.uint64(start), np.uint64(stop)):
        q = p + p
        x, y = lag_one[q], lag_one[q + one]
        velocity[p] = per_half_turn * _half_turns(y, x)
        lost = power[p] - np.float32(math.sqrt(x * x + y * y))
        lost = np.float32(0) if lost < np.float32(0) else lost / (power[p] + _TINY)
        spread[p] = per_root * np.float32(math.sqrt(lost))


# contract, noalias: as above.
@kernel(fastmath=frozenset({"contract"}), noalias=True)
def loupas(
    power: npt.NDArray[np.float32],
    lag_one: npt.NDArray[np.float32],
    axial: npt.NDArray[np.float32],
    scale: float,
    turns_per_sample: float,
    reference_turns: float,
    start: int,
    stop: int,
    velocity: npt.NDArray[np.float32],
    spread: npt.NDArray[np.float32],
) -> None:
    """Velocity and spread by the 2-D autocorrelator.

    Parameters
    ----------
    power, lag_one, scale, start, stop, velocity, spread
        As in `kasai`; the scale is that of the nominal frequency f.
    axial : (2 n_points,) float32
        A_1, as the lag-L autocorrelation.
    turns_per_sample : float64
        f Δt, > 0: turns of the nominal frequency from one depth to the next.
    reference_turns : float64
        f_r Δt: 0 for baseband IQ, f Δt for IQ whose phase turns with depth as the RF's does.

    Notes
    -----
    As in `kasai`. Where the axial correlation is 0, the mean frequency is the nominal one.
    """
    one = np.uint64(1)
    per_half_turn = np.float32(scale)
    per_root = np.float32(scale * math.sqrt(2) / math.pi)
    cosine = np.float32(math.cos(2 * math.pi * reference_turns))
    sine = np.float32(math.sin(2 * math.pi * reference_turns))
    per_turn = np.float32(0.5 / turns_per_sample)
    least, greatest = np.float32(LEAST_SHARE), np.float32(GREATEST_SHARE)
    for p in range(np.uint64(start), np.uint64(stop)):
        q = p + p
        x, y = lag_one[q], lag_one[q + one]
        a, b = axial[q], axial[q + one]
        share = np.float32(1) + per_turn * _half_turns(b * cosine - a * sine, a * cosine + b * sine)
        share = least if share < least else share
        share = greatest if share > greatest else share
        velocity[p] = per_half_turn * _half_turns(y, x) / share
        lost = power[p] - np.float32(math.sqrt(x * x + y * y))
        lost = np.float32(0) if lost < np.float32(0) else lost / (power[p] + _TINY)
        spread[p] = per_root * np.float32(math.sqrt(lost)) / share
