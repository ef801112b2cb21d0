"""Vectors from velocities, and how sure they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from usdk.doppler import Correlations
from usdk.doppler.vector import phase_variance, solve_vectors
from usdk.errors import ArgumentError
from usdk.scan import LinearScan

SCAN = LinearScan(x_m=np.linspace(0, 1e-2, 60), z_m=np.linspace(1e-2, 2e-2, 70))


def directions(*degrees):
    angle = np.radians(degrees) / 2
    one = np.stack((-np.sin(angle), -np.cos(angle)), axis=-1)
    return np.broadcast_to(one[:, None, None], (len(degrees), *SCAN.shape, 2))


def test_the_covariance_is_that_of_the_errors():
    rng = np.random.default_rng(0)
    looks, truth = directions(-20, 0, 20), np.array([0.3, -0.1])
    std = np.array([0.01, 0.02, 0.015])[:, None, None]
    velocity = looks @ truth + std * rng.standard_normal((3, *SCAN.shape))
    vectors = solve_vectors(velocity, np.broadcast_to(std**2, velocity.shape), looks, SCAN)
    error = (vectors.velocity_m_s - truth).reshape(-1, 2)
    stated = vectors.covariance_m2_s2[0, 0]
    np.testing.assert_allclose(np.cov(error.T), stated, rtol=0.1, atol=0.05 * stated.max())
    assert np.abs(error.mean(axis=0) / np.sqrt(np.diag(stated) / len(error))).max() < 4
    # χ² of three looks and two unknowns has one degree of freedom.
    assert vectors.chi_square.mean() == pytest.approx(1, rel=0.1)
    assert vectors.fit.mean() == pytest.approx(0.5, abs=0.03)
    speed = np.hypot(*truth)
    assert (vectors.speed_m_s - speed).std() == pytest.approx(vectors.speed_std_m_s.mean(), rel=0.1)
    angle = np.arctan2(truth[0], truth[1])
    assert (vectors.direction_rad - angle).std() == pytest.approx(
        vectors.direction_std_rad.mean(), rel=0.1
    )


def test_confidence_is_the_share_of_vectors_that_go_the_right_way():
    rng = np.random.default_rng(1)
    looks, truth = directions(-20, 20), np.array([0.05, 0.0])
    velocity = looks @ truth + 0.01 * rng.standard_normal((2, *SCAN.shape))
    vectors = solve_vectors(velocity, np.full(velocity.shape, 1e-4), looks, SCAN)
    sure = vectors.confidence > 0.9
    assert 0.05 < sure.mean() < 0.95
    right = vectors.velocity_m_s @ truth > 0
    assert right[sure].mean() > 0.9
    assert np.isnan(vectors.fit).all()


@given(seed=st.integers(0, 2**16))
def test_mirrored_and_scaled_flow_gives_mirrored_and_scaled_vectors(seed):
    rng = np.random.default_rng(seed)
    scan = LinearScan(x_m=np.array([0, 1e-3]), z_m=np.array([0, 1e-3]))
    looks = directions(-15, 3, 20)[:, :2, :2]
    velocity = rng.uniform(-0.3, 0.3, (3, 2, 2))
    variance = rng.uniform(1e-4, 1e-3, velocity.shape)
    found = solve_vectors(velocity, variance, looks, scan)
    scaled = solve_vectors(-3 * velocity, 9 * variance, looks, scan)
    np.testing.assert_allclose(scaled.velocity_m_s, -3 * found.velocity_m_s, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(scaled.chi_square, found.chi_square, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(scaled.confidence, found.confidence, atol=1e-4)
    mirrored = solve_vectors(velocity, variance, looks * [-1, 1], scan)
    np.testing.assert_allclose(
        mirrored.velocity_m_s, found.velocity_m_s * [-1, 1], rtol=1e-3, atol=1e-5
    )


def test_aliased_looks_are_undone_where_the_geometry_tells():
    rng = np.random.default_rng(3)
    looks, truth, nyquist = directions(-20, -7, 5, 20), np.array([1.5, 0.05]), 0.2
    ideal = looks @ truth
    noisy = ideal + 0.002 * rng.standard_normal(ideal.shape)
    aliased = (noisy + nyquist) % (2 * nyquist) - nyquist
    assert np.abs(ideal[:, 0, 0]).max() > 1.2 * nyquist
    options = {"nyquist_m_s": nyquist, "greatest_wrap": 1, "expected_speed_m_s": 1.0}
    vectors = solve_vectors(aliased, np.full(aliased.shape, 4e-6), looks, SCAN, **options)
    good = np.linalg.norm(vectors.velocity_m_s - truth, axis=-1) < 0.2
    assert good.mean() > 0.98


def test_the_variance_of_a_phase_follows_from_coherence():
    rng = np.random.default_rng(4)
    coherence, n_pairs, n_trials = 0.8, 16, 20_000
    shape = (n_trials, n_pairs, 2)
    first = rng.standard_normal(shape).view(complex)[..., 0]
    other = rng.standard_normal(shape).view(complex)[..., 0]
    second = coherence * first + np.sqrt(1 - coherence**2) * other
    phase = np.angle((second * first.conj()).mean(axis=1))
    known = Correlations(
        power=np.ones((1, 1), np.float32), lag_one=np.full((1, 1), coherence, np.complex64)
    )
    stated = float(phase_variance(known, n_independent=n_pairs)[0, 0])
    assert phase.var() == pytest.approx(stated, rel=0.1)
    silent = Correlations(power=np.zeros((1, 1), np.float32), lag_one=np.zeros((1, 1), "c8"))
    assert float(phase_variance(silent, n_independent=4)[0, 0]) == pytest.approx(np.pi**2 / 3)


@pytest.mark.parametrize(
    "options",
    [
        {"velocity_m_s": np.zeros((1, *SCAN.shape))},
        {"velocity_m_s": np.zeros((3, 2, 2))},
        {"velocity_m_s": np.zeros((3, *SCAN.shape), complex)},
        {"variance_m2_s2": np.zeros((2, *SCAN.shape))},
        {"directions": np.zeros((3, *SCAN.shape))},
        {"greatest_wrap": 1},
        {"greatest_wrap": -1},
        {"expected_speed_m_s": 0},
    ],
)
def test_what_does_not_fit_is_refused(options):
    given_ = {
        "velocity_m_s": np.zeros((3, *SCAN.shape)),
        "variance_m2_s2": np.ones((3, *SCAN.shape)),
        "directions": directions(-10, 0, 10),
        "scan": SCAN,
    }
    with pytest.raises(ArgumentError):
        solve_vectors(**{**given_, **options})
