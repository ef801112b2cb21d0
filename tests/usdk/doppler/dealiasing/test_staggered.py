"""Staggered PRFs: the extended range, and how often noise breaks it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from usdk.doppler import FlowMap, SlowTime
from usdk.doppler.dealiasing import StaggeredPrfs
from usdk.doppler.point_nyquist import point_nyquist_m_s
from usdk.errors import ArgumentError
from usdk.scan import LinearScan


def prfs(*prf_hz, frequency_hz=5e6):
    return StaggeredPrfs([SlowTime(prf_hz=one, frequency_hz=frequency_hz) for one in prf_hz])


def measured(pair, velocity):
    """Return each PRF's aliased velocity, by way of the phase."""
    return [
        s.velocity_m_s(np.angle(np.exp(1j * np.pi * velocity / s.nyquist_m_s)))
        for s in pair.slow_times
    ]


@pytest.mark.parametrize(
    ("first_hz", "second_hz", "ratio"),
    [(4000, 3000, 3), (3000, 4000, 4), (5000, 4000, 4), (5000, 3000, 3), (2000, 3000, 3)],
)
def test_the_extended_nyquist_velocity_is_exact(first_hz, second_hz, ratio):
    pair = prfs(first_hz, second_hz)
    assert pair.nyquist_m_s == pytest.approx(ratio * pair.slow_times[0].nyquist_m_s, rel=1e-12)
    assert pair.slow_time.nyquist_m_s == pytest.approx(pair.nyquist_m_s, rel=1e-12)
    difference_s = abs(1 / first_hz - 1 / second_hz)
    if abs(first_hz - second_hz) == 1000:
        # λ / 4 (T2 − T1), for neighbouring numbers.
        assert pair.nyquist_m_s == pytest.approx(1540 / 5e6 / 4 / difference_s, rel=1e-12)
    truth = np.linspace(-0.9999, 0.9999, 1001) * pair.nyquist_m_s
    found = pair(measured(pair, truth))
    np.testing.assert_allclose(found.velocity_m_s, truth, atol=1e-5)
    beyond = pair(measured(pair, truth + 2 * pair.nyquist_m_s))
    np.testing.assert_allclose(beyond.velocity_m_s, truth, atol=1e-5)
    np.testing.assert_array_equal(
        found.n_wraps, np.rint((truth - measured(pair, truth)[0]) / 2 / pair._nyquist_m_s[0])
    )


def test_three_prfs_reach_further_than_two():
    three = prfs(5000, 4000, 3000)
    assert three.n_periods == 12
    truth = np.linspace(-0.999, 0.999, 301) * three.nyquist_m_s
    np.testing.assert_allclose(three(measured(three, truth)).velocity_m_s, truth, atol=2e-5)


def test_two_frequencies_do_what_two_prfs_do():
    pair = StaggeredPrfs(
        [SlowTime(prf_hz=4000, frequency_hz=6e6), SlowTime(prf_hz=4000, frequency_hz=4e6)]
    )
    assert pair.nyquist_m_s == pytest.approx(2 * 1540 * 4000 / 4 / 4e6)


@pytest.mark.parametrize("noise", [0.05, 0.08, 0.12])
def test_the_failure_rate_is_the_formula_s(noise):
    pair = prfs(4000, 3000)
    rng = np.random.default_rng(3)
    n = 40_000
    truth = rng.uniform(-0.7, 0.7, n) * pair.nyquist_m_s
    # Phases of one standard deviation, π noise.
    stds = [noise * s.nyquist_m_s for s in pair.slow_times]
    noisy = [
        np.asarray(v) + std * rng.standard_normal(n)
        for v, std in zip(measured(pair, truth), stds, strict=True)
    ]
    found = pair(noisy)
    failing = np.abs(found.velocity_m_s - truth) > 0.25 * pair.nyquist_m_s
    expected = pair.failure_rate(*stds)
    assert failing.mean() == pytest.approx(expected, abs=4 * np.sqrt(expected / n) + 1e-4)
    # Where it is right, the two phases are averaged: as inverse variances add up.
    error = (found.velocity_m_s - truth)[~failing]
    best = 1 / np.sqrt(sum(std**-2 for std in stds))
    assert error.std() == pytest.approx(best, rel=0.03)
    assert abs(error.mean()) < 4 * best / np.sqrt(n)


@given(seed=st.integers(0, 2**16), sign=st.sampled_from([-1, 1]), scale=st.sampled_from([0.5, 2.0]))
def test_sign_and_scale_carry_over(seed, sign, scale):
    rng = np.random.default_rng(seed)
    pair = prfs(5000, 4000)
    velocities = [rng.uniform(-0.9, 0.9, 20) * s.nyquist_m_s for s in pair.slow_times]
    found = pair(velocities)
    other = StaggeredPrfs(
        [SlowTime(prf_hz=scale * s.prf_hz, frequency_hz=s.frequency_hz) for s in pair.slow_times]
    )([sign * scale * v for v in velocities])
    difference = other.velocity_m_s - sign * scale * found.velocity_m_s
    period = 2 * scale * pair.nyquist_m_s
    clear = np.abs(found.residual_m_s) < 0.9 * found.residual_m_s.max()
    wrapped = (difference + period / 2) % period - period / 2
    np.testing.assert_allclose(wrapped[clear], 0, atol=1e-4)


def test_flow_maps_become_one_with_the_extended_scale():
    pair = prfs(4000, 3000)
    scan = LinearScan(x_m=np.linspace(0, 1e-2, 4), z_m=np.linspace(0, 1e-2, 5))
    truth = np.linspace(-0.9, 0.9, 20).reshape(4, 5) * pair.nyquist_m_s
    maps = [
        FlowMap(
            velocity_m_s=np.asarray(velocity, np.float32),
            power=np.full((4, 5), power, np.float32),
            spread_m_s=np.full((4, 5), 0.01, np.float32),
            lag_one=np.full((4, 5), power, np.complex64),
            scan=scan,
            slow_time=slow_time,
            noise_power=0.5,
        )
        for velocity, slow_time, power in zip(
            measured(pair, truth), pair.slow_times, (1.0, 3.0), strict=True
        )
    ]
    both = pair.dealias(maps)
    np.testing.assert_allclose(both.flow_map.velocity_m_s, truth, atol=1e-5)
    assert both.flow_map.nyquist_m_s == pytest.approx(pair.nyquist_m_s)
    np.testing.assert_allclose(both.flow_map.power, 2)
    velocity = both.flow_map.slow_time.velocity_m_s(np.angle(both.flow_map.lag_one))
    np.testing.assert_allclose(velocity, truth, atol=1e-5)
    assert both.n_wraps.any()
    with pytest.raises(ArgumentError, match="in their order"):
        pair.dealias(maps[::-1])


def test_flow_maps_at_the_frequency_of_the_echoes_become_one_at_it():
    """Velocities of the 2-D autocorrelation are aliased where their phases are."""
    pair = prfs(4000, 3000)
    scan = LinearScan(x_m=np.linspace(0, 1e-2, 4), z_m=np.linspace(0, 1e-2, 5))
    truth = np.linspace(-0.93, 0.9, 20).reshape(4, 5) * pair.nyquist_m_s
    ratio = 1.1
    zeros = np.zeros((4, 5), np.float32)
    maps = [
        FlowMap(
            velocity_m_s=np.asarray(ratio * velocity, np.float32),
            power=zeros + 1,
            spread_m_s=zeros,
            lag_one=np.exp(1j * np.pi * velocity / slow_time.nyquist_m_s).astype(np.complex64),
            scan=scan,
            slow_time=slow_time,
        )
        for velocity, slow_time in zip(measured(pair, truth), pair.slow_times, strict=True)
    ]
    both = pair.dealias(maps).flow_map
    np.testing.assert_allclose(both.velocity_m_s, ratio * truth, atol=1e-4)
    np.testing.assert_allclose(point_nyquist_m_s(both), ratio * both.nyquist_m_s, rtol=1e-4)


@pytest.mark.parametrize(
    "prf_hz", [(4000,), (4000, 4000), (4000, 4000 / np.sqrt(2)), (67_000, 66_000)]
)
def test_prfs_that_extend_nothing_or_never_agree_are_refused(prf_hz):
    with pytest.raises(ArgumentError):
        prfs(*prf_hz)


def test_velocities_that_do_not_fit_are_refused():
    pair = prfs(4000, 3000)
    for wrong in ([np.zeros(3)], [np.zeros(3), np.zeros(4)], [np.zeros(2), np.zeros(2, complex)]):
        with pytest.raises(ArgumentError):
            pair(wrong)
    with pytest.raises(ArgumentError, match="two PRFs"):
        prfs(5000, 4000, 3000).failure_rate(0.1, 0.1)
