"""Vectors of velocities along several directions, and how sure the velocities are."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import count, number, positive, require_instance
from usdk.doppler.correlations import Correlations
from usdk.doppler.vector.vector_map import VectorMap
from usdk.errors import ArgumentError
from usdk.image.inputs import require_planar
from usdk.scan import LinearScan, SectorScan
from usdk.tiles import cut, run_tiles
from usdk_kernels.vector_least_squares import MAX_LOOKS, vector_least_squares

__all__ = ["phase_variance", "solve_vectors"]

_POINTS_PER_TILE = 1024
_MAX_WRAP = 8
# Of a phase of which nothing is known: uniform over one turn.
_GREATEST_VARIANCE = math.pi**2 / 3
_LEAST_VARIANCE = 1e-8


def phase_variance(correlations: Correlations, *, n_independent: float) -> NDArray[np.float32]:
    r"""Return the variance of the phase of lag-one correlations, rad².

    .. math:: \sigma_\varphi^2 = \frac{1 - \rho^2}{2 N \rho^2}, \qquad \rho = |R_1| / R_0

    the Cramér–Rao bound for N independent pairs, at most π²/3, that of a phase unknown altogether.

    Parameters
    ----------
    correlations : Correlations
        Power and lag-one correlation.
    n_independent : float
        N: pairs of pulses times independent points averaged.

    References
    ----------
    E. Rodriguez, J. M. Martin, "Theory and design of interferometric synthetic aperture radars",
    IEE Proc. F 139(2), 1992, equation 19 (of pairs); D. S. Zrnić, "Spectral moment estimates from
    correlated pulse pairs", IEEE Trans. Aerosp. Electron. Syst. 13(4), 1977 (of pulse pairs).
    """
    require_instance(correlations, Correlations, "correlations")
    n = positive(n_independent, "n_independent")
    with np.errstate(divide="ignore", invalid="ignore"):
        square = (np.abs(correlations.lag_one).astype(np.float64) / correlations.power) ** 2
        variance = (1 - np.minimum(square, 1.0)) / (2 * n * square)
    variance = np.where(np.isfinite(variance), variance, _GREATEST_VARIANCE)
    return np.clip(variance, _LEAST_VARIANCE, _GREATEST_VARIANCE).astype(np.float32)


def solve_vectors(
    velocity_m_s: NDArray[Any],
    variance_m2_s2: NDArray[Any],
    directions: NDArray[Any],
    scan: LinearScan | SectorScan,
    *,
    nyquist_m_s: NDArray[Any] | float = math.inf,
    greatest_wrap: int = 0,
    expected_speed_m_s: float = math.inf,
    power: NDArray[np.float32] | None = None,
    threads: int | None = None,
) -> VectorMap:
    """Return velocity vectors from velocities along several directions, by least squares.

    Parameters
    ----------
    velocity_m_s : array_like, (n_looks, n_lines, n_samples)
        Velocities along the beams, positive towards the probe, m/s.
    variance_m2_s2 : array_like, (n_looks, n_lines, n_samples)
        Their variances, m²/s².
    directions : array_like, (n_looks, n_lines, n_samples, 2)
        a of `look_directions`. A look counts at a point where all three are finite.
    scan : LinearScan or SectorScan
        Where the points lie.
    nyquist_m_s : float or array_like, (n_looks,)
        Nyquist velocity of each look, m/s; needed where ``greatest_wrap`` is not 0.
    greatest_wrap : int
        Periods by which each velocity may be aliased, to either side; all sets of them are tried,
        and the most probable one is taken. 0 takes velocities as they are.
    expected_speed_m_s : float
        Standard deviation that either component is expected to have, m/s. It decides between sets
        that fit alike: looks at ±α and 0 alone hardly tell a period of all of them from none.
    power : ndarray of float32, (n_lines, n_samples), optional
        Kept with the result.
    threads : int, optional
        Threads to use; `usdk.tiles.n_threads` when absent.

    Raises
    ------
    ArgumentError
        If shapes do not fit, or a number is out of range.
    """
    require_planar(scan)
    velocity = np.asarray(velocity_m_s)
    n_looks = velocity.shape[0] if velocity.ndim else 0
    if not 2 <= n_looks <= MAX_LOOKS or velocity.shape[1:] != scan.shape:
        raise ArgumentError(
            f"velocity_m_s must have shape (2 to {MAX_LOOKS} looks, *{scan.shape}), got "
            f"{velocity.shape}"
        )
    variance, look = np.asarray(variance_m2_s2), np.asarray(directions)
    if variance.shape != velocity.shape or look.shape != (*velocity.shape, 2):
        raise ArgumentError(
            "variance_m2_s2 must have the shape of velocity_m_s, directions two numbers for each"
        )
    if any(array.dtype.kind not in "fiu" for array in (velocity, variance, look)):
        raise ArgumentError("velocities, variances and directions must be real")
    wrap = count(greatest_wrap, "greatest_wrap", least=0, most=_MAX_WRAP)
    period = 2 * np.broadcast_to(np.asarray(nyquist_m_s, np.float64), (n_looks,)).copy()
    if wrap and not np.all(np.isfinite(period) & (period > 0)):
        raise ArgumentError("a search over wraps needs nyquist_m_s, positive and finite")
    speed = number(expected_speed_m_s, "expected_speed_m_s")
    if not speed > 0:
        raise ArgumentError(f"expected_speed_m_s must be positive, got {speed}")
    # A period that is not known is not used either, but 0 times infinity would be.
    period[~np.isfinite(period)] = 0.0
    n_points = velocity[0].size
    speeds = np.require(velocity.reshape(n_looks, n_points), np.float32, ("C", "W"))
    variances = np.require(variance.reshape(n_looks, n_points), np.float32, ("C", "W"))
    looks = np.require(look.reshape(n_looks, n_points, 2), np.float32, ("C", "W"))
    vectors, covariance = np.empty((n_points, 2), np.float32), np.empty((n_points, 3), np.float32)
    chi, condition = np.empty(n_points, np.float32), np.empty(n_points, np.float32)
    n_used, wraps = np.empty(n_points, np.int16), np.empty((n_looks, n_points), np.int16)
    run_tiles(
        lambda tile: vector_least_squares(
            speeds, variances, looks, period, wrap, speed, *tile,
            vectors, covariance, chi, condition, n_used, wraps,
        ),
        cut(n_points, _POINTS_PER_TILE),
        threads=threads,
    )  # fmt: skip
    shape = scan.shape
    return VectorMap(
        velocity_m_s=vectors.reshape(*shape, 2),
        covariance_m2_s2=covariance[:, [0, 1, 1, 2]].reshape(*shape, 2, 2),
        chi_square=chi.reshape(shape),
        condition=condition.reshape(shape),
        n_looks=n_used.reshape(shape),
        n_wraps=wraps.reshape(n_looks, *shape),
        power=np.ones(shape, np.float32) if power is None else power,
        scan=scan,
    )
