"""Vectors by least squares, against numpy's own and a search written out."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from usdk_kernels.vector_least_squares import MAX_LOOKS, vector_least_squares

KERNELS = [vector_least_squares, getattr(vector_least_squares, "py_func", vector_least_squares)]


def naive(velocity, variance, direction, period, wrap, speed):
    """Return vector, covariance, chi-square and wraps of one point."""
    root = 1 / np.sqrt(variance)
    best = None
    for turns in itertools.product(range(-wrap, wrap + 1), repeat=len(velocity)):
        values = velocity + np.array(turns) * period
        vector = np.linalg.lstsq(direction * root[:, None], values * root, rcond=None)[0]
        chi = (((values - direction @ vector) * root) ** 2).sum()
        cost = chi + (vector**2).sum() / speed**2
        if best is None or cost < best[0]:
            best = (cost, vector, chi, turns)
    covariance = np.linalg.inv((direction * root[:, None]).T @ (direction * root[:, None]))
    return best[1], covariance, best[2], best[3]


def run(kernel, velocity, variance, direction, period=0.4, wrap=0, speed=np.inf):
    velocity = np.array(velocity, np.float32)
    n_looks, n_points = velocity.shape
    out = [np.empty((n_points, k), np.float32) for k in (2, 3)]
    out += [np.empty(n_points, np.float32) for _ in range(2)]
    out += [np.empty(n_points, np.int16), np.empty((n_looks, n_points), np.int16)]
    kernel(
        velocity,
        np.array(variance, np.float32),
        np.array(direction, np.float32),
        np.full(n_looks, period, np.float64),
        wrap,
        float(speed),
        0,
        n_points,
        *out,
    )
    return out


def looks(n_looks, n_points, rng):
    angle = np.linspace(-0.4, 0.5, n_looks)
    direction = np.stack((-np.sin(angle), -np.cos(angle)), axis=-1)[:, None]
    return direction + 0.01 * rng.standard_normal((n_looks, n_points, 2))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("n_looks", "wrap"), [(2, 0), (3, 0), (5, 0), (3, 1), (3, 2)])
def test_it_is_numpy_s_least_squares(kernel, n_looks, wrap):
    rng = np.random.default_rng(0)
    n = 12
    direction = looks(n_looks, n, rng).astype(np.float32)
    velocity = rng.uniform(-0.2, 0.2, (n_looks, n)).astype(np.float32)
    variance = rng.uniform(1e-3, 2e-2, (n_looks, n)).astype(np.float32)
    speed = 0.5 if wrap else np.inf
    out, covariance, chi, condition, n_used, wraps = run(
        kernel, velocity, variance, direction, wrap=wrap, speed=speed
    )
    for p in range(n):
        expected = naive(velocity[:, p], variance[:, p], direction[:, p], 0.4, wrap, speed)
        np.testing.assert_allclose(out[p], expected[0], rtol=1e-3, atol=1e-5)
        full = expected[1][[0, 0, 1], [0, 1, 1]]
        np.testing.assert_allclose(covariance[p], full, rtol=1e-3, atol=1e-6)
        assert chi[p] == pytest.approx(expected[2], rel=1e-3, abs=1e-4)
        np.testing.assert_array_equal(wraps[:, p], expected[3])
        assert condition[p] == pytest.approx(np.linalg.cond(direction[:, p]), rel=1e-4)
        assert n_used[p] == n_looks


@pytest.mark.parametrize("kernel", KERNELS)
def test_looks_that_say_nothing_are_left_out(kernel):
    rng = np.random.default_rng(1)
    direction = looks(3, 5, rng)
    truth = np.array([0.1, -0.05])
    velocity = direction @ truth
    variance = np.full((3, 5), 1e-4)
    velocity[0, 0], variance[1, 1], direction[2, 2, 0] = np.nan, 0, np.inf
    velocity[:2, 3] = np.nan
    direction[:, 4] = direction[0, 4]
    out, _, _, condition, n_used, _ = run(kernel, velocity, variance, direction)
    np.testing.assert_array_equal(n_used, [2, 2, 2, 1, 3])
    np.testing.assert_allclose(out[:3], np.tile(truth, (3, 1)), atol=1e-5)
    assert np.isnan(out[3:]).all()
    assert np.isinf(condition[3:]).all()


@pytest.mark.parametrize("kernel", KERNELS)
def test_too_many_looks_and_candidates_are_cut(kernel):
    rng = np.random.default_rng(2)
    n_looks = MAX_LOOKS + 3
    direction = looks(n_looks, 1, rng)
    truth = np.array([0.1, -0.05])
    out, *_, n_used, wraps = run(
        kernel, direction @ truth, np.ones((n_looks, 1)), direction, wrap=3, speed=1
    )
    np.testing.assert_allclose(out[0], truth, atol=1e-5)
    assert n_used[0] == MAX_LOOKS
    np.testing.assert_array_equal(wraps, 0)


def test_one_specialisation_serves_all_calls():
    run(vector_least_squares, [[0.1], [0.1]], [[1.0], [1.0]], looks(2, 1, np.random.default_rng(2)))
    assert len(getattr(vector_least_squares, "signatures", [None])) == 1
