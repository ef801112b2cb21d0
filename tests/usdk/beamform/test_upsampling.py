from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from usdk.acquisition import ReceiveSettings
from usdk.beamform.geometry import Geometry
from usdk.beamform.options import Interpolation, Method
from usdk.beamform.upsampling import N_TAPS, Upsampling
from usdk.errors import ArgumentError
from usdk.probe import Probe
from usdk.scan import LinearScan
from usdk.sequences import plane_waves

FS = 20e6
FACTOR = 4
PROBE = Probe.linear(
    "L", n_elements=5, pitch_m=0.3e-3, centre_frequency_hz=5e6, fractional_bandwidth=0.6
)
RECEIVE = ReceiveSettings(sampling_frequency_hz=FS, n_samples=200, time_zero_s=(1e-6,) * 3)
SCAN = LinearScan(x_m=np.linspace(-1e-3, 1e-3, 3), z_m=np.linspace(5e-3, 9e-3, 4))
METHOD = Method(f_number=1.0, interpolation=Interpolation.BAND_LIMITED, upsampling=FACTOR)


def upsampling(receive: ReceiveSettings = RECEIVE) -> Upsampling:
    return Upsampling(Geometry(PROBE, plane_waves([-5, 0, 5]), receive, SCAN), METHOD)


@pytest.mark.parametrize("share", [0.16, 0.25, 0.34])
def test_tones_of_the_probes_band_are_read_between_their_samples(share: float) -> None:
    """Within 1 %, a smooth factor that makes up for the straight lines that follow aside."""
    fine = np.arange(199 * FACTOR + 1) / FACTOR
    tone = np.cos(2 * np.pi * share * fine + 0.3).astype(np.float32)
    data = np.ascontiguousarray(np.broadcast_to(tone[::FACTOR], (3, 5, 200)))
    found = upsampling().take(data, None)[1, 2]
    inner = slice(N_TAPS * FACTOR, -N_TAPS * FACTOR)
    scale = found[inner] @ tone[inner] / (tone[inner] @ tone[inner])
    np.testing.assert_allclose(found[inner], scale * tone[inner], atol=1e-2)
    assert scale == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("share", [-0.1, 0.0, 0.02, 0.1])
def test_tones_of_iq_are_read_between_their_samples(share: float) -> None:
    fine = np.arange(199 * FACTOR + 1) / FACTOR
    tone = np.exp(2j * np.pi * share * fine).astype(np.complex64)
    data = np.ascontiguousarray(np.broadcast_to(tone[::FACTOR], (3, 5, 200)))
    iq = replace(RECEIVE, demodulation_frequency_hz=5e6)
    inner = slice(N_TAPS * FACTOR, -N_TAPS * FACTOR)
    np.testing.assert_allclose(upsampling(iq).take(data, None)[1, 2, inner], tone[inner], atol=5e-3)


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


def test_a_copy_that_would_fill_the_memory_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("usdk.beamform.upsampling.MAX_FINE_BYTES", 10_000)
    with pytest.raises(ArgumentError, match="upsample less"):
        upsampling()
