"""Velocity and spread: closed forms, bias and variance against theory, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from usdk.doppler import (
    Autocorrelator,
    Correlations,
    SlowTime,
    depth_sample_period_s,
    flow_values,
    mean_frequency_hz,
)
from usdk.errors import ArgumentError
from usdk.scan import LinearScan, SectorScan

CLOCK = SlowTime(prf_hz=4000.0, frequency_hz=5e6)
PERIOD_S = 0.65e-7
RAD = CLOCK.nyquist_m_s / np.pi
"""Velocity of one radian from pulse to pulse, m/s."""


def echoes(velocity_m_s: Any, frequency_hz: float, shape: tuple[int, int], n_pulses: int) -> Any:
    """RF-like IQ of an unending echo of one frequency that moves towards the probe."""
    delay_s = PERIOD_S * np.arange(shape[1])[:, None]
    earlier_s = 2 * velocity_m_s / CLOCK.sound_speed_m_s * np.arange(n_pulses) / CLOCK.prf_hz
    iq = np.exp(2j * np.pi * frequency_hz * (delay_s + earlier_s))
    return np.broadcast_to(iq, (*shape, n_pulses)).astype(np.complex64)


def estimate(iq: Any, *, axial: bool = False, lag: int = 1) -> tuple[Any, Any]:
    found = Autocorrelator(iq.shape[:-1], iq.shape[-1], axial=axial, lag=lag)(iq)
    return flow_values(found, CLOCK, sample_period_s=PERIOD_S)


@given(share=st.floats(-0.99, 0.99), n_pulses=st.integers(2, 32), amplitude=st.floats(1e-6, 1e6))
def test_one_tone_is_exact(share: float, n_pulses: int, amplitude: float) -> None:
    velocity_m_s = share * CLOCK.nyquist_m_s
    iq = (amplitude * echoes(velocity_m_s, 5e6, (2, 3), n_pulses)).astype(np.complex64)
    velocity, spread = estimate(iq)
    np.testing.assert_allclose(velocity, velocity_m_s, atol=1e-6 * CLOCK.nyquist_m_s)
    np.testing.assert_allclose(spread, 0, atol=1e-3 * CLOCK.nyquist_m_s)


@given(share=st.floats(-3, 3))
def test_beyond_the_nyquist_velocity_it_aliases_as_theory_says(share: float) -> None:
    velocity, _ = estimate(echoes(share * CLOCK.nyquist_m_s, 5e6, (1, 2), 8))
    turns = (velocity / CLOCK.nyquist_m_s - share) / 2
    np.testing.assert_allclose(turns, np.round(turns), atol=1e-5)
    assert np.all(np.abs(velocity) <= CLOCK.nyquist_m_s * (1 + 1e-6))


@pytest.mark.parametrize("lag", [1, 2, 3])
def test_another_lag_divides_the_nyquist_velocity(lag: int) -> None:
    velocity_m_s = 0.9 * CLOCK.nyquist_m_s / lag
    velocity, _ = estimate(echoes(velocity_m_s, 5e6, (1, 4), 9), lag=lag)
    np.testing.assert_allclose(velocity, velocity_m_s, rtol=1e-5)


@pytest.mark.parametrize("half_width", [0.05, 0.2, 0.6])
def test_two_tones_read_their_mean_and_kasai_s_spread(half_width: float) -> None:
    """Phase relations of the tones through the whole turn, whose cross terms cancel in the mean."""
    mean = 0.25
    t, n_phases = np.arange(12), 16
    phases = 2 * np.pi * np.arange(n_phases)[:, None] / n_phases
    both = np.exp(1j * (mean - half_width) * t) + np.exp(1j * ((mean + half_width) * t + phases))
    found = Autocorrelator((1, n_phases), 12)(both[None].astype(np.complex64))
    power, lag_one = found.power.mean(axis=1), found.lag_one.mean(axis=1)
    velocity, spread = flow_values(Correlations(power, lag_one), CLOCK)
    assert velocity[0] == pytest.approx(mean * RAD, rel=1e-5)
    assert spread[0] == pytest.approx(2 * np.sin(half_width / 2) * RAD, rel=1e-3)


@pytest.mark.parametrize("frequency_hz", [3.5e6, 4.4e6, 5e6, 6.3e6])
@pytest.mark.parametrize("velocity_m_s", [-0.2, 0.03, 0.21])
def test_the_2d_autocorrelator_needs_not_know_the_frequency_received(
    frequency_hz: float, velocity_m_s: float
) -> None:
    iq = echoes(velocity_m_s, frequency_hz, (2, 20), 10)
    velocity, _ = estimate(iq, axial=True)
    np.testing.assert_allclose(velocity, velocity_m_s, rtol=1e-4)
    plain, _ = estimate(iq)
    np.testing.assert_allclose(plain, velocity_m_s * frequency_hz / 5e6, rtol=1e-4)


def test_baseband_iq_says_so() -> None:
    frequency_hz, velocity_m_s = 4.2e6, 0.1
    base = np.exp(-2j * np.pi * 5e6 * PERIOD_S * np.arange(20))[:, None]
    iq = (echoes(velocity_m_s, frequency_hz, (2, 20), 10) * base).astype(np.complex64)
    found = Autocorrelator((2, 20), 10, axial=True)(iq)
    options: Any = {"sample_period_s": PERIOD_S, "is_baseband": True}
    velocity, _ = flow_values(found, CLOCK, **options)
    np.testing.assert_allclose(velocity, velocity_m_s, rtol=1e-4)
    assert found.axial is not None
    frequencies = mean_frequency_hz(found.axial, CLOCK, **options)
    np.testing.assert_allclose(frequencies, frequency_hz, rtol=1e-4)


def noisy(n_points: int, n_pulses: int, snr: float, phase_rad: float) -> Any:
    rng = np.random.default_rng(4)
    shape = (1, n_points, n_pulses)
    noise = (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) / np.sqrt(2 * snr)
    start = np.exp(2j * np.pi * rng.uniform(size=(1, n_points, 1)))
    return (start * np.exp(1j * phase_rad * np.arange(n_pulses)) + noise).astype(np.complex64)


@pytest.mark.parametrize("n_pulses", [2, 8, 16])
@pytest.mark.parametrize("snr_db", [10, 20, 30])
def test_bias_and_variance_in_white_noise_are_those_of_theory(n_pulses: int, snr_db: int) -> None:
    """Of one tone: the pulse-pair formula, which meets the Cramér–Rao bound for two pulses.

    var = 1/((N − 1)² S) + 1/(2 (N − 1) S²) of the phase at the signal-to-noise ratio S; the bound
    is 6 / (N (N² − 1) S) (D. C. Rife, R. R. Boorstyn, IEEE Trans. Inf. Theory 20(5), 1974).
    """
    snr, n_points = 10 ** (snr_db / 10), 8_000
    velocity, _ = estimate(noisy(n_points, n_pulses, snr, 0.7))
    phases = velocity / RAD
    variance = 1 / ((n_pulses - 1) ** 2 * snr) + 1 / (2 * (n_pulses - 1) * snr**2)
    bound = 6 / (n_pulses * (n_pulses**2 - 1) * snr)
    assert abs(phases.mean() - 0.7) < 4 * np.sqrt(variance / n_points)
    assert phases.var() == pytest.approx(variance, rel=0.08 if snr_db > 10 else 0.15)
    assert phases.var() > 0.95 * bound
    if n_pulses == 2:
        assert variance == pytest.approx(bound, rel=1.5 / snr)


def test_the_spread_of_a_tone_in_noise_is_that_of_its_share_of_the_power() -> None:
    snr = 4.0
    iq = noisy(4_000, 12, snr, 0.3)
    found = Autocorrelator(iq.shape[:2], 12)(iq)
    mean = Correlations(found.power.mean(axis=1), found.lag_one.mean(axis=1))
    _, spread = flow_values(mean, CLOCK)
    assert spread[0] == pytest.approx(RAD * np.sqrt(2 / (1 + snr)), rel=0.02)


def test_the_spread_of_a_narrow_gaussian_spectrum_is_its_standard_deviation() -> None:
    rng, width = np.random.default_rng(5), 0.15
    tones = 0.4 + width * rng.standard_normal((4000, 1, 30))
    phases = 2 * np.pi * rng.uniform(size=tones.shape)
    iq = np.exp(1j * (tones * np.arange(8)[:, None] + phases)).sum(axis=-1)[None]
    found = Autocorrelator((1, 4000), 8)(iq.astype(np.complex64))
    mean = Correlations(found.power.mean(axis=1), found.lag_one.mean(axis=1))
    velocity, spread = flow_values(mean, CLOCK)
    assert velocity[0] == pytest.approx(0.4 * RAD, rel=0.02)
    assert spread[0] == pytest.approx(width * RAD, rel=0.05)


def test_any_number_of_threads_gives_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("usdk.doppler.velocity._POINTS_PER_TILE", 100)
    iq = noisy(1_000, 4, 1.0, 0.3)
    found = Autocorrelator(iq.shape[:2], 4, axial=True)(iq)
    one, three = (flow_values(found, CLOCK, sample_period_s=PERIOD_S, threads=n) for n in (1, 3))
    np.testing.assert_array_equal(one, three)


def test_results_go_where_they_are_told() -> None:
    found = Autocorrelator((1, 20), 4)(noisy(20, 4, 1.0, 0.3))
    out = np.empty((1, 20), np.float32), np.empty((1, 20), np.float32)
    velocity, spread = flow_values(found, CLOCK, out=out)
    assert velocity is out[0]
    assert spread is out[1]
    with pytest.raises(ArgumentError, match="out"):
        flow_values(found, CLOCK, out=(np.empty((1, 21), np.float32), out[1]))


def test_the_time_between_depths_is_that_there_and_back() -> None:
    z_m = np.arange(100) * 50e-6 + 0.01
    line = LinearScan(x_m=np.array((0.0, 1e-3)), z_m=z_m)
    assert depth_sample_period_s(line, sound_speed_m_s=1500) == pytest.approx(100e-6 / 1500)
    sector = SectorScan(angles_rad=np.array((0.0, 0.1)), ranges_m=z_m)
    assert depth_sample_period_s(sector) == pytest.approx(100e-6 / 1540)


def test_the_2d_autocorrelator_says_what_it_lacks() -> None:
    found = Autocorrelator((1, 20), 4, axial=True)(noisy(20, 4, 1.0, 0.3))
    with pytest.raises(ArgumentError, match="sample_period_s"):
        flow_values(found, CLOCK)
    with pytest.raises(ArgumentError, match="sample_period_s"):
        flow_values(found, CLOCK, sample_period_s=-1.0)
