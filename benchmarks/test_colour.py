"""Colour Doppler of W3: a packet of 16 pulses, 128 x 512 points; ours, plain numpy, usual numba.

PyMUST takes part without a filter: its own always raises.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest

from usdk.doppler import Autocorrelator, Averaging, Correlations, SlowTime, average
from usdk.doppler.clutter import ClutterFilter, IirFilter, MeanFilter, PolynomialFilter, SvdFilter

SHAPE, N_PULSES = (128, 512), 16
CLOCK = SlowTime(prf_hz=4000.0, frequency_hz=5e6)
THREADS = [1, 2]
FILTERS: dict[str, ClutterFilter | None] = {
    "none": None,
    "mean": MeanFilter(),
    "polynomial": PolynomialFilter(1),
    "IIR": IirFilter(0.1, 4),
    "SVD": SvdFilter(2),
}


@pytest.fixture(scope="module")
def packet() -> Any:
    """Tissue, blood and noise, since an SVD depends on the data."""
    rng = np.random.default_rng(3)

    def speckle(*shape: int) -> Any:
        return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)

    t = np.arange(N_PULSES)
    tissue = 10 * speckle(*SHAPE, 1) * np.exp(0.03j * t)
    blood = speckle(*SHAPE, 1) * np.exp(1j * np.linspace(0, 2, SHAPE[0])[:, None, None] * t)
    return (tissue + blood + 0.02 * speckle(*SHAPE, N_PULSES)).astype(np.complex64)


@numba.njit(parallel=True, fastmath=True)
def usual_numba(iq, filters, velocity, power):  # type: ignore[no-untyped-def]
    """The loop of most notebooks: point after point, on all cores."""
    for i in numba.prange(iq.shape[0]):
        for j in range(iq.shape[1]):
            y = iq[i, j]
            if filters.size:
                y = filters @ y
            lag, level = 0j, 0.0
            for t in range(y.size):
                level += y[t].real ** 2 + y[t].imag ** 2
                if t:
                    lag += y[t] * np.conj(y[t - 1])
            velocity[i, j] = np.angle(lag) / np.pi
            power[i, j] = level / y.size


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.benchmark(group="velocity, spread and power of a packet (128 x 512 x 16)")
def test_ours(benchmark: Any, packet: Any, name: str, threads: int) -> None:
    plan = Autocorrelator(SHAPE, N_PULSES, clutter=FILTERS[name])
    out = np.empty(SHAPE, np.float32), np.empty(SHAPE, np.float32), np.empty(SHAPE, np.float32)
    benchmark(lambda: plan.flow_values(packet, CLOCK, out=out, threads=threads))


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.benchmark(group="correlations with the axial one (128 x 512 x 16)")
def test_ours_along_depth(benchmark: Any, packet: Any, threads: int) -> None:
    plan = Autocorrelator(SHAPE, N_PULSES, clutter=PolynomialFilter(1), axial=True)
    out = Correlations.empty(SHAPE, axial=True)
    benchmark(lambda: plan(packet, out=out, threads=threads))


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.benchmark(group="averaging over 3 lines and 9 samples (128 x 512)")
def test_ours_averaging(benchmark: Any, packet: Any, threads: int) -> None:
    raw = Autocorrelator(SHAPE, N_PULSES)(packet)
    averaging, out = Averaging(n_lines=3, n_samples=9, window="hann"), Correlations.empty(SHAPE)
    benchmark(lambda: average(raw, averaging, out=out, threads=threads))


@pytest.mark.parametrize("name", ["none", "polynomial"])
@pytest.mark.benchmark(group="velocity, spread and power of a packet (128 x 512 x 16)")
def test_plain_numpy(benchmark: Any, packet: Any, name: str) -> None:
    clutter = FILTERS[name]
    matrix = None if clutter is None else clutter.matrix(N_PULSES)

    def run() -> Any:
        y = packet if matrix is None else packet @ matrix.T
        lag = np.einsum("xzt,xzt->xz", y[..., 1:], y[..., :-1].conj())
        return np.angle(lag), np.einsum("xzt,xzt->xz", y, y.conj()).real

    benchmark(run)


@pytest.mark.parametrize("name", ["none", "polynomial"])
@pytest.mark.benchmark(group="velocity, spread and power of a packet (128 x 512 x 16)")
def test_usual_numba(benchmark: Any, packet: Any, name: str) -> None:
    clutter = FILTERS[name]
    matrix = np.empty((0, 0)) if clutter is None else np.asarray(clutter.matrix(N_PULSES))
    out = np.empty(SHAPE, np.float32), np.empty(SHAPE, np.float32)
    benchmark(lambda: usual_numba(packet, matrix.astype(np.complex64), *out))


@pytest.mark.benchmark(group="velocity, spread and power of a packet (128 x 512 x 16)")
def test_pymust(benchmark: Any, packet: Any) -> None:
    pymust = pytest.importorskip("pymust")
    parameters = pymust.utils.Param()
    parameters.fc, parameters.c, parameters.PRF = 5e6, 1540.0, 4000.0
    benchmark(lambda: pymust.iq2doppler(packet, parameters))


def test_all_find_the_same(packet: Any) -> None:
    plan = Autocorrelator(SHAPE, N_PULSES, clutter=FILTERS["polynomial"])
    velocity, _, power = plan.flow_values(packet, CLOCK)
    theirs = np.empty(SHAPE, np.float32), np.empty(SHAPE, np.float32)
    usual_numba(packet, FILTERS["polynomial"].matrix(N_PULSES).astype(np.complex64), *theirs)  # type: ignore[union-attr]
    turn = np.exp(1j * np.pi * (velocity / CLOCK.nyquist_m_s - theirs[0]))
    np.testing.assert_allclose(turn, 1, atol=1e-3)
    np.testing.assert_allclose(power, theirs[1], rtol=1e-3)
