from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.signal

from usdk.acquisition import ReceiveSettings
from usdk.beamform.geometry import Geometry
from usdk.beamform.options import Interpolation, Method
from usdk.beamform.upsampling import FACTOR, N_TAPS, Upsampling, interpolation_filter
from usdk.probe import Probe
from usdk.scan import LinearScan
from usdk.sequences import plane_waves

FS = 20e6
PROBE = Probe.linear(
    "L", n_elements=5, pitch_m=0.3e-3, centre_frequency_hz=5e6, fractional_bandwidth=0.6
)
RECEIVE = ReceiveSettings(sampling_frequency_hz=FS, n_samples=200, time_zero_s=(1e-6,) * 3)
SCAN = LinearScan(x_m=np.linspace(-1e-3, 1e-3, 3), z_m=np.linspace(5e-3, 9e-3, 4))
METHOD = Method(f_number=1.0, interpolation=Interpolation.BAND_LIMITED)


def upsampling(receive: ReceiveSettings = RECEIVE) -> Upsampling:
    return Upsampling(Geometry(PROBE, plane_waves([-5, 0, 5]), receive, SCAN), METHOD)


def test_a_window_of_scipy_gives_the_same_filter() -> None:
    taps = interpolation_filter()
    whole = np.zeros(N_TAPS * FACTOR + 1)
    for p in range(FACTOR):
        whole[p + (N_TAPS - 1 - np.arange(N_TAPS)) * FACTOR] = taps[p]
    # The same filter by its window and its cut-off, half the sampling frequency
    window = scipy.signal.windows.kaiser(N_TAPS * FACTOR + 1, 5.65)
    middle = N_TAPS * FACTOR // 2
    expected = np.sinc((np.arange(N_TAPS * FACTOR + 1) - middle) / FACTOR) * window
    np.testing.assert_allclose(whole, expected, atol=2e-3)


def test_samples_stay_and_a_constant_stays() -> None:
    taps = interpolation_filter()
    np.testing.assert_array_equal(taps[0], np.arange(N_TAPS) == N_TAPS // 2 - 1)
    np.testing.assert_allclose(taps.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(taps[1], taps[3][::-1], atol=1e-7)


@pytest.mark.parametrize("share", [0.05, 0.2, 0.3, 0.36])
@pytest.mark.parametrize("iq", [True, False], ids=["IQ", "RF"])
def test_tones_are_read_between_their_samples(share: float, iq: bool) -> None:
    """Within 0.2 % up to 0.36 of the sampling frequency."""
    receive = replace(RECEIVE, demodulation_frequency_hz=5e6 if iq else 0.0)
    plan = upsampling(receive)
    fine = np.arange(199 * FACTOR + 1) / FACTOR
    tone = np.exp(2j * np.pi * share * fine + 0.3j)
    tone = tone.astype(np.complex64) if iq else tone.real.astype(np.float32)
    data = np.ascontiguousarray(np.broadcast_to(tone[::FACTOR], (3, 5, 200)))
    found = plan.take(data, None)
    inner = slice(N_TAPS * FACTOR, -N_TAPS * FACTOR)
    np.testing.assert_allclose(found[1, 2, inner], tone[inner], atol=2e-3)
    np.testing.assert_array_equal(found[..., ::FACTOR], data)


def test_the_geometry_is_that_of_a_faster_converter() -> None:
    plan = upsampling()
    receive = plan.geometry.receive
    assert receive.sampling_frequency_hz == FACTOR * FS
    assert receive.n_samples == 199 * FACTOR + 1
    assert receive.time_zero_s == RECEIVE.time_zero_s
    assert plan.method.interpolation is Interpolation.LINEAR
    assert plan.n_bytes == 4 * 3 * 5 * receive.n_samples


def test_the_copy_is_made_once_and_threads_do_not_share_it() -> None:
    plan = upsampling()
    rng = np.random.default_rng(0)
    frames = rng.standard_normal((6, 3, 5, 200)).astype(np.float32)
    first = plan.take(frames[0], 1)
    plan.give_back(first)
    assert plan.take(frames[1], 1) is first
    expected = [upsampling().take(frame, 1) for frame in frames]
    found: list[Any] = [None] * 6

    def work(i: int) -> None:
        fine = plan.take(frames[i], 2)
        found[i] = fine.copy()
        plan.give_back(fine)

    workers = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    np.testing.assert_array_equal(found, expected)
