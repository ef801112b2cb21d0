"""Delay-and-sum: our two kernels, and the gather loop that is usually written with numba."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numba
import numpy as np
import pytest

from usdk.acquisition import Acquisition
from usdk.beamform import Beamformer
from usdk.demodulation import demodulate
from usdk.scan import LinearScan, scan_for

OPTIONS: dict[str, Any] = {"f_number": 1.0, "window": "boxcar", "normalize": False}


def usual_das(is_iq: bool) -> Any:
    """Delay-and-sum of a flat array as in many notebooks: point after point, on all cores."""

    @numba.njit(parallel=True, fastmath=True)
    def das(data, points_m, elements_x_m, arrival_s, time_zero_s, fs, fd, c, f_number, out):  # type: ignore[no-untyped-def]
        n_transmits, n_elements, n_samples = data.shape
        for p in numba.prange(points_m.shape[0]):
            x, z = points_m[p, 0], points_m[p, 2]
            total = out[p] * 0
            for t in range(n_transmits):
                for e in range(n_elements):
                    dx = x - elements_x_m[e]
                    if abs(dx) * 2 * f_number > z:
                        continue
                    time_s = arrival_s[t, p] + math.sqrt(dx * dx + z * z) / c
                    s = (time_s - time_zero_s[t]) * fs
                    i = int(s)
                    if i < 0 or i >= n_samples - 1:
                        continue
                    w = s - i
                    value = (1 - w) * data[t, e, i] + w * data[t, e, i + 1]
                    if is_iq:
                        angle = 2 * math.pi * fd * time_s
                        total += value * complex(math.cos(angle), math.sin(angle))
                    else:
                        total += value
            out[p] = total

    return das


def usual(acquisition: Acquisition, scan: LinearScan) -> Callable[[], Any]:
    """Return the peer, ready to run: its tables are made beforehand, as ours are."""
    points_m = scan.points_m().reshape(-1, 3)
    receive, probe = acquisition.receive, acquisition.probe
    arrival_s = np.stack(
        [
            wave.arrival_time_s(points_m, probe, receive.sound_speed_m_s)
            for wave in acquisition.sequence.transmits
        ]
    )
    is_iq = acquisition.is_iq
    data = acquisition.data[0].astype(np.complex64 if is_iq else np.float32)
    out = np.zeros(len(points_m), data.dtype)
    arguments = (
        data,
        points_m,
        probe.element_positions_m[:, 0].copy(),
        arrival_s,
        np.array(receive.time_zero_s),
        receive.sampling_frequency_hz,
        receive.demodulation_frequency_hz,
        receive.sound_speed_m_s,
        OPTIONS["f_number"],
    )

    das = usual_das(is_iq)

    def run() -> Any:
        das(*arguments, out)
        return out.reshape(scan.shape)

    return run


def ours(acquisition: Acquisition, scan: LinearScan, kernel: str) -> Callable[[], Any]:
    plan = Beamformer.for_acquisition(acquisition, scan, kernel=kernel, **OPTIONS)
    dtype = np.complex64 if acquisition.is_iq else np.float32
    data, out = acquisition.data[0].astype(dtype), np.empty(scan.shape, dtype)
    return lambda: plan(data, out=out)


ALL: dict[str, Callable[..., Callable[[], Any]]] = {
    "shift": partial(ours, kernel="shift"),
    "general": partial(ours, kernel="general"),
    "usual numba": usual,
}


@pytest.mark.parametrize("who", ALL)
@pytest.mark.benchmark(group="beamforming, W1 RF (11 x 128 x 2112 to 128 x 512)")
def test_w1_rf(benchmark: Any, eleven_waves: Acquisition, w1_scan: LinearScan, who: str) -> None:
    benchmark(ALL[who](eleven_waves, w1_scan))


@pytest.mark.parametrize("who", ALL)
@pytest.mark.benchmark(group="beamforming, W1 IQ (11 x 128 x 2112 to 128 x 512)")
def test_w1_iq(benchmark: Any, eleven_waves: Acquisition, w1_scan: LinearScan, who: str) -> None:
    benchmark(ALL[who](demodulate(eleven_waves), w1_scan))


@pytest.mark.parametrize("who", ALL)
@pytest.mark.benchmark(group="beamforming, pybf IQ (3 x 192 x 2313 to 383 x 1140)")
def test_pybf_iq(benchmark: Any, recording: Callable[[str], Acquisition], who: str) -> None:
    iq = demodulate(recording("pybf/rf_dataset.hdf5"))
    scan = scan_for(iq.probe, depth_m=iq.receive.depth_m)
    assert isinstance(scan, LinearScan)
    benchmark.pedantic(ALL[who](iq, scan), rounds=3, warmup_rounds=1)


@pytest.mark.parametrize("who", ["shift", "general"])
def test_all_make_the_same_picture(
    eleven_waves: Acquisition, w1_scan: LinearScan, who: str
) -> None:
    for data in (eleven_waves, demodulate(eleven_waves)):
        first, second = ALL[who](data, w1_scan)(), usual(data, w1_scan)()
        # An element on the very rim of an aperture may count for one and not for the other.
        off = np.abs(first - second) > 1e-3 * np.abs(second).max()
        assert off.mean() < 0.02
