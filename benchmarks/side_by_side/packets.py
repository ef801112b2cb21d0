"""Colour Doppler beside everybody else: a packet of 16 pulses to velocity and power.

128 x 512 points of tissue, blood with a parabolic profile and noise. Every participant returns its
velocities, up to a scale, and has its matrices made beforehand.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numba
import numpy as np
from scipy.ndimage import gaussian_filter

from usdk.doppler import Autocorrelator, SlowTime
from usdk.doppler.clutter import ClutterFilter, IirFilter, PolynomialFilter, SvdFilter

__all__ = ["PACKETS", "participants"]

Run = Callable[[], Any]
CLOCK = SlowTime(prf_hz=4000.0, frequency_hz=5e6)
POLYNOMIAL = PolynomialFilter(1)


def packet() -> SimpleNamespace:
    """16 pulses at 128 x 512 points to velocity and power."""
    w = SimpleNamespace(name="W3.kasai", nx=128, nz=512, nf=16, shape=(128, 512))
    rng = np.random.default_rng(3)

    def speckle(n: int) -> Any:
        shape = (w.nx, w.nz, n)
        return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)

    tissue, blood = (gaussian_filter(speckle(1), (1.0, 2.0, 0)) for _ in range(2))
    across = np.linspace(-1, 1, w.nx)[:, None, None]
    velocity_m_s = 0.25 * np.clip(1 - (across / 0.5) ** 2, 0, None)
    turn_rad = np.pi / CLOCK.nyquist_m_s * np.arange(w.nf)
    iq = 10 * tissue * np.exp(2e-3j * turn_rad) + 0.02 * speckle(w.nf)
    iq = iq + blood * np.exp(1j * velocity_m_s * turn_rad) * (velocity_m_s > 0)
    w.iqd, w.clutter = iq.astype(np.complex64), None
    return w


def packet_polynomial() -> SimpleNamespace:
    """The same without a polynomial of degree 1."""
    return SimpleNamespace(**(vars(packet()) | {"name": "W3.poly", "clutter": POLYNOMIAL}))


def packet_svd() -> SimpleNamespace:
    """The same without two singular vectors."""
    return SimpleNamespace(**(vars(packet()) | {"name": "W3.svd", "clutter": SvdFilter(2)}))


PACKETS: dict[str, Callable[[], SimpleNamespace]] = {
    "packet": packet,
    "packet-polynomial": packet_polynomial,
    "packet-svd": packet_svd,
}


def usdk(w: SimpleNamespace, clutter: ClutterFilter | None) -> Run:
    """Filter, velocity, spread and power in one pass."""
    plan = Autocorrelator(w.shape, w.nf, clutter=clutter)
    velocity, spread, power = (np.empty(w.shape, np.float32) for _ in range(3))

    def run() -> Any:
        plan.flow_values(w.iqd, CLOCK, out=(velocity, spread, power))
        return velocity

    return run


def plain_numpy(w: SimpleNamespace) -> Run:
    """Sums by einsum; the filter as a matrix, the SVD by the eigenvectors of 16 x 16."""
    matrix = None
    if w.name == "W3.poly":
        matrix = w.clutter.matrix(w.nf).astype(np.complex64)

    def run() -> Any:
        y = w.iqd
        if matrix is not None:
            y = y @ matrix.T
        elif w.name == "W3.svd":
            points = y.reshape(-1, w.nf)
            _, vectors = np.linalg.eigh(points.T @ points.conj())
            kept = vectors[:, :-2]
            y = (points @ (kept.conj() @ kept.T)).reshape(y.shape)
        lag = np.einsum("xzt,xzt->xz", y[..., 1:], y[..., :-1].conj())
        power = np.einsum("xzt,xzt->xz", y, y.conj()).real / w.nf
        return np.angle(lag) / np.pi, power

    return lambda: run()[0]


@numba.njit(parallel=True, fastmath=True)
def loop(iq, matrix, velocity, power):  # type: ignore[no-untyped-def]
    """The loop of most notebooks: point after point, on all cores."""
    for i in numba.prange(iq.shape[0]):
        for j in range(iq.shape[1]):
            y = iq[i, j]
            if matrix.size:
                y = matrix @ y
            lag, level = 0j, 0.0
            for t in range(y.size):
                level += y[t].real ** 2 + y[t].imag ** 2
                if t:
                    lag += y[t] * np.conj(y[t - 1])
            velocity[i, j] = np.angle(lag) / np.pi
            power[i, j] = level / y.size


def usual_numba(w: SimpleNamespace) -> Run:
    """The same sums, one point after the other."""
    matrix = np.empty((0, 0)) if w.clutter is None else w.clutter.matrix(w.nf)
    matrix = matrix.astype(np.complex64)
    velocity, power = np.empty(w.shape, np.float32), np.empty(w.shape, np.float32)

    def run() -> Any:
        loop(w.iqd, matrix, velocity, power)
        return velocity

    return run


def pymust_doppler(w: SimpleNamespace) -> Run:
    """`pymust.iq2doppler`; its wall filter always raises."""
    import pymust

    parameters = pymust.utils.Param()
    parameters.fc, parameters.c, parameters.PRF = 5e6, 1540.0, 4000.0
    return lambda: pymust.iq2doppler(w.iqd, parameters)[0]


def participants(name: str, w: SimpleNamespace) -> dict[str, Run]:
    """Return all who do a workload, ready to run."""
    runs = {"usdk": usdk(w, w.clutter), "plain numpy": plain_numpy(w)}
    if name == "packet-polynomial":
        runs["usdk, IIR with projection"] = usdk(w, IirFilter(0.1, 4))
    if name != "packet-svd":
        runs["usual numba"] = usual_numba(w)
        if (folder := os.environ.get("USDK_BENCH_CEILING")) is not None:
            sys.path.insert(0, folder)
            colour = importlib.import_module("ceiling").Colour(w)
            runs["C"] = lambda: colour()[0]
    if name == "packet":
        runs["PyMUST"] = pymust_doppler(w)
    return runs
