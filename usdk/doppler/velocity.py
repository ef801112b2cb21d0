"""Velocity and spread from correlations: Kasai's autocorrelation and Loupas' 2-D autocorrelator."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import positive, require_instance
from usdk.doppler.correlations import Correlations
from usdk.doppler.slow_time import SlowTime
from usdk.errors import ArgumentError
from usdk.image.inputs import require_planar
from usdk.scan import LinearScan, SectorScan
from usdk.tiles import cut, run_tiles
from usdk_kernels import flow_values as kernels

__all__ = ["depth_sample_period_s", "flow_values", "mean_frequency_hz"]

_POINTS_PER_TILE = 2**14


def flow_values(
    correlations: Correlations,
    slow_time: SlowTime,
    *,
    sample_period_s: float | None = None,
    is_baseband: bool = False,
    out: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None,
    threads: int | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    r"""Return mean velocity along the beam and its spread, m/s.

    Kasai: from the phase of the lag-one autocorrelation at the frequency f of ``slow_time``,

    .. math:: v = v_N \frac{\arg R_1}{\pi}, \qquad
        \sigma_v = v_N \frac{\sqrt{2 (1 - |R_1| / R_0)}}{\pi}, \qquad v_N = \frac{c\,PRF}{4 f}.

    Loupas, where the correlations hold the axial one: the same with the mean frequency of the
    echoes, `mean_frequency_hz`, point by point in place of f. It is the better one where the
    spectrum of the echoes is not centred on f, as behind attenuating tissue.

    Parameters
    ----------
    correlations : Correlations
        Averaged or not. Their lag L divides the Nyquist velocity.
    slow_time : SlowTime
        PRF, frequency and sound speed; the frequency is that of the demodulation.
    sample_period_s : float, optional
        Time of echoes from one depth to the next, 2 Δz / c (see `depth_sample_period_s`), s;
        needed with an axial correlation.
    is_baseband : bool
        Whether the phase of the IQ along depth is relative to the demodulation frequency. False
        for beamformed IQ of `usdk.beamform`, whose phase turns as that of the RF signal does.
    out : (ndarray, ndarray) of float32, (...), optional
        Where to write velocity and spread, C-contiguous.
    threads : int, optional
        Threads to use; `usdk.tiles.n_threads` when absent.

    Returns
    -------
    velocity_m_s, spread_m_s : ndarray of float32, (...)
        Positive towards the probe. 0 where there is no power; NaN where a correlation is NaN.

    Raises
    ------
    ArgumentError
        If an axial correlation comes without ``sample_period_s``, or a number is out of range.

    References
    ----------
    Kasai et al., IEEE Trans. Sonics Ultrason. 32(3), 1985, equations 8 and 12; Loupas, Powers,
    Gill, IEEE Trans. Ultrason. Ferroelectr. Freq. Control 42(4), 1995, equation 13.
    """
    require_instance(correlations, Correlations, "correlations")
    require_instance(slow_time, SlowTime, "slow_time")
    shape = correlations.shape
    arrays = tuple(np.empty(shape, np.float32) for _ in range(2)) if out is None else tuple(out)
    if len(arrays) != 2 or not all(isinstance(array, np.ndarray) for array in arrays):
        raise ArgumentError("out must be two arrays, of velocity and of spread")
    velocity, spread = arrays
    for array in arrays:
        if array.shape != shape or array.dtype != np.float32 or not array.flags.carray:
            raise ArgumentError(f"out must be writable, C-contiguous float32 of shape {shape}")
    power = np.require(correlations.power, np.float32, ("C", "W")).reshape(-1)
    lag_one = _parts(correlations.lag_one)
    scale = float(slow_time.nyquist_m_s / correlations.lag)
    places = velocity.reshape(-1), spread.reshape(-1)
    tiles = cut(power.size, _POINTS_PER_TILE)
    if correlations.axial is None:
        run_tiles(
            lambda tile: kernels.kasai(power, lag_one, scale, *tile, *places),
            tiles,
            threads=threads,
        )
        return velocity, spread
    if sample_period_s is None:
        raise ArgumentError(
            "the 2-D autocorrelator needs sample_period_s, the time of echoes between two depths: "
            "give it, or correlate without axial=True"
        )
    turns = positive(sample_period_s, "sample_period_s") * slow_time.frequency_hz
    axial, reference = _parts(correlations.axial), 0.0 if is_baseband else turns
    run_tiles(
        lambda tile: kernels.loupas(power, lag_one, axial, scale, turns, reference, *tile, *places),
        tiles,
        threads=threads,
    )
    return velocity, spread


def mean_frequency_hz(
    axial: NDArray[np.complex64],
    slow_time: SlowTime,
    *,
    sample_period_s: float,
    is_baseband: bool = False,
) -> NDArray[np.float32]:
    r"""Return the mean frequency of the echoes from the axial lag-one correlation, Hz.

    .. math:: \bar f = f + \arg(A_1 e^{-2 \pi j f_r \Delta t}) / (2 \pi \Delta t)

    with f_r = 0 for baseband IQ and f otherwise, limited to 0.5 … 1.5 f.

    Parameters
    ----------
    axial : ndarray of complex64, (...)
        A_1 of `Correlations`.
    slow_time, sample_period_s, is_baseband
        As for `flow_values`.
    """
    require_instance(slow_time, SlowTime, "slow_time")
    period_s = positive(sample_period_s, "sample_period_s")
    f_hz = slow_time.frequency_hz
    turn = 1.0 if is_baseband else np.exp(-2j * np.pi * f_hz * period_s)
    found_hz = f_hz + np.angle(np.asarray(axial) * turn) / (2 * np.pi * period_s)
    limits_hz = kernels.LEAST_SHARE * f_hz, kernels.GREATEST_SHARE * f_hz
    return np.asarray(np.clip(found_hz, *limits_hz), np.float32)


def depth_sample_period_s(
    scan: LinearScan | SectorScan, *, sound_speed_m_s: float = 1540.0
) -> float:
    """Return the time of echoes from one depth of a scan to the next, 2 Δz / c, s.

    It is that of unsteered transmits; a plane wave steered by α takes (1 + cos α) Δz / c.
    """
    require_planar(scan)
    depths_m = scan.z_m if isinstance(scan, LinearScan) else scan.ranges_m
    step_m = (depths_m[-1] - depths_m[0]) / (depths_m.size - 1)
    return float(2 * step_m / positive(sound_speed_m_s, "sound_speed_m_s"))


def _parts(values: NDArray[np.complex64]) -> NDArray[np.float32]:
    """Return real and imaginary parts in turn, without a copy where that is possible."""
    values = np.require(values, np.complex64, ("C", "A", "W"))
    return values.reshape(-1).view(np.float32)
