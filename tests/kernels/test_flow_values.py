"""Velocity and spread against numpy's own arctangent in float64."""

from __future__ import annotations

import numpy as np
import pytest

from usdk_kernels import flow_values


def python(kernel):
    return getattr(kernel, "py_func", kernel)


KASAI = [flow_values.kasai, python(flow_values.kasai)]
LOUPAS = [flow_values.loupas, python(flow_values.loupas)]


def correlations(n=3000, seed=0):
    rng = np.random.default_rng(seed)
    lag = (rng.standard_normal(n) + 1j * rng.standard_normal(n)).astype(np.complex64)
    lag *= 10 ** rng.uniform(-12, 12, n).astype(np.float32)
    power = (np.abs(lag) * rng.uniform(0.9, 3, n)).astype(np.float32)
    return power, lag


def run_kasai(kernel, power, lag, scale=0.5, tiles=None):
    velocity, spread = (np.full(power.size, 7, np.float32) for _ in range(2))
    for tile in tiles or [(0, power.size)]:
        kernel(power, lag.view(np.float32), scale, *tile, velocity, spread)
    return velocity, spread


def run_loupas(kernel, power, lag, axial, turns, reference):
    velocity, spread = (np.full(power.size, 7, np.float32) for _ in range(2))
    parts = lag.view(np.float32), axial.view(np.float32)
    kernel(power, *parts, 0.5, turns, reference, 0, power.size, velocity, spread)
    return velocity, spread


@pytest.mark.parametrize("kernel", KASAI)
def test_the_phase_is_numpy_s_to_a_few_roundings(kernel):
    power, lag = correlations()
    velocity, spread = run_kasai(kernel, power, lag)
    exact = lag.astype(np.complex128)
    np.testing.assert_allclose(velocity, 0.5 * np.angle(exact) / np.pi, atol=1e-7)
    lost = np.clip(1 - np.abs(exact) / power, 0, None)
    np.testing.assert_allclose(spread, 0.5 * np.sqrt(2 * lost) / np.pi, atol=1e-4)


@pytest.mark.parametrize("kernel", KASAI)
@pytest.mark.parametrize(
    ("value", "half_turns"),
    [(1, 0), (1j, 0.5), (-1, 1), (-1j, -0.5), (1 + 1j, 0.25), (-1 - 1j, -0.75), (0, 0)],
)
def test_axes_and_diagonals_are_exact(kernel, value, half_turns):
    lag = np.full(1, value, np.complex64)
    velocity, _ = run_kasai(kernel, np.abs(lag), lag, 1.0)
    assert velocity[0] == pytest.approx(half_turns, abs=1e-7)


@pytest.mark.parametrize("kernel", KASAI)
def test_a_point_without_power_is_at_rest(kernel):
    velocity, spread = run_kasai(kernel, np.zeros(3, np.float32), np.zeros(3, np.complex64))
    np.testing.assert_array_equal(velocity, 0)
    np.testing.assert_array_equal(spread, 0)


@pytest.mark.parametrize("kernel", KASAI)
def test_no_number_stays_no_number(kernel):
    power, lag = correlations(20)
    lag[3], lag[4], power[5] = np.nan, 1 + 1j * np.nan, np.nan
    velocity, spread = run_kasai(kernel, power, lag)
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(velocity)), [3, 4])
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(spread)), [3, 4, 5])


def test_tiles_may_be_cut_anywhere_without_changing_a_bit():
    power, lag = correlations(203)
    whole = run_kasai(flow_values.kasai, power, lag)
    parts = run_kasai(flow_values.kasai, power, lag, tiles=[(50, 203), (0, 1), (1, 50)])
    np.testing.assert_array_equal(whole, parts)


@pytest.mark.parametrize("kernel", LOUPAS)
@pytest.mark.parametrize("is_baseband", [False, True])
def test_the_mean_frequency_received_corrects_the_velocity(kernel, is_baseband):
    power, lag = correlations(500)
    turns, shares = 0.31, np.random.default_rng(1).uniform(0.55, 1.45, 500)
    reference = 0.0 if is_baseband else turns
    phase = 2 * np.pi * (turns * (shares - 1) + reference)
    axial = (3 * np.exp(1j * phase)).astype(np.complex64)
    velocity, spread = run_loupas(kernel, power, lag, axial, turns, reference)
    plain = run_kasai(flow_values.kasai, power, lag)
    np.testing.assert_allclose(velocity, plain[0] / shares, rtol=3e-6, atol=1e-7)
    np.testing.assert_allclose(spread, plain[1] / shares, rtol=3e-6, atol=1e-7)


@pytest.mark.parametrize("kernel", LOUPAS)
def test_frequencies_that_no_pulse_holds_are_limited(kernel):
    power, lag = correlations(2)
    axial = np.exp(np.array([-3j, 3j])).astype(np.complex64)
    velocity, _ = run_loupas(kernel, power, lag, axial, 0.1, 0.0)
    plain, _ = run_kasai(flow_values.kasai, power, lag)
    limits = [flow_values.LEAST_SHARE, flow_values.GREATEST_SHARE]
    np.testing.assert_allclose(velocity, plain / limits, rtol=1e-6)


def test_one_specialisation_serves_all_calls():
    for kernel in (flow_values.kasai, flow_values.loupas):
        assert len(getattr(kernel, "signatures", [None])) == 1
