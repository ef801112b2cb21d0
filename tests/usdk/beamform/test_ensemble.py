from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from usdk.acquisition import ReceiveSettings
from usdk.beamform import Beamformer
from usdk.errors import ArgumentError
from usdk.probe import Probe
from usdk.scan import LinearScan
from usdk.sequences import plane_waves

PROBE = Probe.linear(
    "L", n_elements=16, pitch_m=0.3e-3, centre_frequency_hz=5e6, fractional_bandwidth=0.6
)
WAVES = plane_waves([-6, 5])
RECEIVE = ReceiveSettings(sampling_frequency_hz=20e6, n_samples=300, time_zero_s=(1e-6,) * 2)
SCAN = LinearScan(x_m=np.linspace(-2e-3, 2.1e-3, 14), z_m=np.linspace(3e-3, 9e-3, 21))


def frames(n: int, iq: bool = True) -> NDArray[Any]:
    rng = np.random.default_rng(n)
    data = rng.standard_normal((n, 2, 16, 300, 2)).astype(np.float32)
    return data.view(np.complex64)[..., 0] if iq else data[..., 0].copy()


def beamformer(iq: bool = True, **options: Any) -> Beamformer:
    receive = replace(RECEIVE, demodulation_frequency_hz=5e6 if iq else 0.0)
    return Beamformer(PROBE, WAVES, receive, SCAN, **options)


@pytest.mark.parametrize("n", [1, 4, 7, 16, 33])
@pytest.mark.parametrize("iq", [True, False], ids=["IQ", "RF"])
def test_every_frame_is_what_it_is_alone(n: int, iq: bool) -> None:
    one, data = beamformer(iq), frames(n, iq)
    together = one.ensemble(n)
    expected = np.stack([one(frame) for frame in data], axis=-1)
    limit = 5e-5 * np.abs(expected).max()
    assert together.shape == expected.shape
    assert np.abs(together(data) - expected).max() < limit
    out = np.empty(together.shape, one.dtype)
    assert together.from_frames_fastest(np.moveaxis(data, 0, -1), out=out) is out
    assert np.abs(out - expected).max() < limit


def test_it_says_what_it_does() -> None:
    assert "ensemble kernel, 8 frames" in beamformer().ensemble(8).explain()
    assert "fewer than 4 frames" in beamformer().ensemble(2).explain()
    factor = beamformer(combination="coherence factor").ensemble(8)
    assert "one after the other" in factor.explain()
    assert beamformer().ensemble(8).n_bytes > 0
    assert factor.n_bytes > 0


def test_combinations_are_made_frame_by_frame() -> None:
    one, data = beamformer(combination="coherence factor"), frames(5)
    expected = np.stack([one(frame) for frame in data], axis=-1)
    np.testing.assert_array_equal(one.ensemble(5)(data), expected)
    np.testing.assert_array_equal(
        one.ensemble(5).from_frames_fastest(np.moveaxis(data, 0, -1)), expected
    )


@pytest.mark.parametrize("threads", [2, 5])
def test_the_number_of_threads_changes_no_bit(threads: int) -> None:
    plan, data = beamformer().ensemble(12), frames(12)
    assert np.array_equal(plan(data, threads=1), plan(data, threads=threads))


def test_what_was_not_planned_for_is_refused() -> None:
    plan = beamformer().ensemble(4)
    with pytest.raises(ArgumentError, match="n_frames must be 1 to"):
        beamformer().ensemble(0)
    with pytest.raises(ArgumentError, match="shape"):
        plan(frames(5))
    with pytest.raises(ArgumentError, match="demodulate first"):
        plan(frames(4, iq=False))
    with pytest.raises(ArgumentError, match="out must be"):
        plan(frames(4), out=np.empty((3, 3), np.complex64))
