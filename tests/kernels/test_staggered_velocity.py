"""One velocity from several aliased ones, against a search over all velocities."""

from __future__ import annotations

import numpy as np
import pytest

from usdk_kernels.staggered_velocity import staggered_velocity

KERNELS = [staggered_velocity, getattr(staggered_velocity, "py_func", staggered_velocity)]


def aliased(velocity, nyquist):
    return (velocity + nyquist) % (2 * nyquist) - nyquist


def naive(measured, nyquists, weights, extended):
    """Return the velocity with the least weighted squared distance, by a fine search."""
    candidates = np.arange(-extended, extended, extended / 20_000)
    cost = np.zeros(candidates.shape)
    for value, nyquist, weight in zip(measured, nyquists, weights, strict=True):
        cost += weight * aliased(candidates - value, nyquist) ** 2
    return candidates[cost.argmin()]


def run(kernel, velocities, nyquists, weights, n_periods):
    velocities = np.array(velocities, np.float32)
    n = velocities.shape[1]
    out = np.empty(n, np.float32), np.empty(n, np.int16), np.empty(n, np.float32)
    nyquists = np.array(nyquists, np.float64)
    kernel(velocities, nyquists, np.array(weights, np.float64), n_periods, 0, n, *out)
    return out


@pytest.mark.parametrize("kernel", KERNELS)
def test_it_is_the_least_squares_velocity(kernel):
    rng = np.random.default_rng(1)
    nyquists, weights = [0.4, 0.3, 0.24], [1.0, 2.0, 1.5]
    extended = 1.2
    truth = rng.uniform(-1.1, 1.1, 40)
    measured = [aliased(truth + 0.02 * rng.standard_normal(40), n) for n in nyquists]
    velocity, wraps, residual = run(kernel, measured, nyquists, weights, 3)
    expected = [naive(m, nyquists, weights, extended) for m in np.array(measured).T]
    np.testing.assert_allclose(velocity, expected, atol=2 * extended / 20_000)
    np.testing.assert_array_equal(wraps, np.rint((velocity - measured[0]) / 0.8))
    rms = [
        np.sqrt(
            sum(w * aliased(v - m, n) ** 2 for m, n, w in zip(ms, nyquists, weights, strict=True))
            / sum(weights)
        )
        for v, ms in zip(velocity, np.array(measured).T, strict=True)
    ]
    np.testing.assert_allclose(residual, rms, atol=1e-5)


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_value_that_is_no_number_spoils_its_point_alone(kernel):
    measured = [[0.1, np.nan, 0.1], [0.1, 0.1, np.inf]]
    velocity, wraps, residual = run(kernel, measured, [0.4, 0.3], [1.0, 1.0], 4)
    np.testing.assert_array_equal(np.isnan(velocity), [False, True, True])
    np.testing.assert_array_equal(np.isnan(residual), [False, True, True])
    np.testing.assert_array_equal(wraps, [0, 0, 0])


@pytest.mark.parametrize("kernel", KERNELS)
def test_only_the_range_asked_for_is_written(kernel):
    out = np.full(4, 9, np.float32), np.full(4, 9, np.int16), np.full(4, 9, np.float32)
    values = np.zeros((2, 4), np.float32)
    kernel(values, np.array([0.4, 0.3]), np.ones(2), 4, 1, 3, *out)
    for array in out:
        np.testing.assert_array_equal(array, [9, 0, 0, 9])


def test_one_specialisation_serves_all_calls():
    assert len(getattr(staggered_velocity, "signatures", [None])) == 1
