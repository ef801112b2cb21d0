"""Aliasing appears where theory says, and the neighbourhood undoes it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from usdk.doppler import FlowMap, SlowTime
from usdk.doppler.dealiasing import unwrap_flow_map, unwrap_velocity
from usdk.errors import ArgumentError
from usdk.scan import LinearScan

SLOW_TIME = SlowTime(prf_hz=4000, frequency_hz=5e6)
NYQUIST = SLOW_TIME.nyquist_m_s
SHAPE = (48, 160)


def vessel(peak=1.8):
    """Return a parabolic profile across a slanting vessel, in units of Nyquist, and its inside."""
    line, sample = np.meshgrid(np.arange(SHAPE[0]), np.arange(SHAPE[1]), indexing="ij")
    place = (sample - 80 - 0.4 * (line - 24)) / 45
    return peak * np.clip(1 - place**2, 0, None), np.abs(place) < 1


def measured(truth, noise, rng):
    """Return velocities as phases give them, and the periods that they lack."""
    noisy = truth + noise * rng.standard_normal(truth.shape)
    phase = np.angle(np.exp(1j * np.pi * noisy))
    return np.asarray(SLOW_TIME.velocity_m_s(phase)), np.rint((noisy - phase / np.pi) / 2)


def test_aliasing_appears_exactly_where_the_profile_passes_nyquist():
    truth, inside = vessel()
    _, lacking = measured(truth, 0.0, np.random.default_rng(0))
    # 1.8 (1 − r²) = 1 at r = 2/3: two thirds of the vessel's width are aliased.
    np.testing.assert_array_equal(lacking != 0, truth > 1)
    assert (lacking != 0).sum() / inside.sum() == pytest.approx(2 / 3, abs=0.01)


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize(("noise", "failing"), [(0.0, 0.0), (0.1, 0.0), (0.2, 1e-4), (0.3, 0.01)])
def test_a_vessel_of_1_8_nyquist_is_undone(noise, failing, direction):
    truth, inside = vessel()
    rng = np.random.default_rng(5)
    wrong = 0
    for _ in range(10):
        velocity, lacking = measured(direction * truth, noise, rng)
        found, n_wraps = unwrap_velocity(velocity, NYQUIST, weight=inside)
        wrong += (n_wraps != lacking)[inside].sum()
        np.testing.assert_allclose(found, velocity + 2 * NYQUIST * n_wraps, atol=1e-6)
    assert wrong <= failing * 10 * inside.sum()


def test_what_is_not_aliased_stays_as_it_is():
    truth, inside = vessel(peak=0.6)
    velocity, _ = measured(truth, 0.1, np.random.default_rng(1))
    found, n_wraps = unwrap_velocity(velocity, NYQUIST, weight=inside)
    np.testing.assert_array_equal(n_wraps, 0)
    np.testing.assert_array_equal(found, velocity.astype(np.float32))


def test_without_an_edge_most_of_the_map_stays():
    truth = np.full(SHAPE, 0.8)
    truth[20:30, 60:90] = 1.3
    velocity, lacking = measured(truth, 0.0, np.random.default_rng(0))
    np.testing.assert_array_equal(unwrap_velocity(velocity, NYQUIST)[1], lacking)


@given(seed=st.integers(0, 2**16), noise=st.sampled_from([0.0, 0.1]))
def test_direction_and_scale_do_not_matter(seed, noise):
    rng = np.random.default_rng(seed)
    truth, inside = vessel(peak=rng.uniform(0.2, 3))
    velocity, _ = measured(truth, noise, rng)
    velocity = velocity.astype(np.float32)
    n_wraps = unwrap_velocity(velocity, NYQUIST, weight=inside)[1]
    scaled = unwrap_velocity(4 * velocity, 4 * NYQUIST, weight=8 * inside)[1]
    np.testing.assert_array_equal(scaled, n_wraps)
    mirrored = unwrap_velocity(velocity[::-1, ::-1], NYQUIST, weight=inside[::-1, ::-1])[1]
    np.testing.assert_array_equal(mirrored[::-1, ::-1], n_wraps)
    reversed_ = unwrap_velocity(-velocity, NYQUIST, weight=inside)[1]
    np.testing.assert_array_equal(reversed_, -n_wraps)


def flow_map(velocity, power, coherence, noise_power=np.nan):
    scan = LinearScan(x_m=np.linspace(-1e-2, 1e-2, SHAPE[0]), z_m=np.linspace(1e-2, 3e-2, SHAPE[1]))
    lag_one = coherence * power * np.exp(1j * np.pi * velocity / NYQUIST)
    return FlowMap(
        velocity_m_s=velocity.astype(np.float32),
        power=power.astype(np.float32),
        spread_m_s=np.zeros(SHAPE, np.float32),
        lag_one=lag_one.astype(np.complex64),
        scan=scan,
        slow_time=SLOW_TIME,
        noise_power=noise_power,
    )


@pytest.mark.parametrize("noise_power", [np.nan, 1.0])
def test_a_flow_map_is_unwrapped_where_there_is_flow(noise_power):
    truth, inside = vessel()
    rng = np.random.default_rng(4)
    velocity, lacking = measured(truth, 0.05, rng)
    velocity = np.where(inside, velocity, rng.uniform(-NYQUIST, NYQUIST, SHAPE))
    seen = flow_map(velocity, np.where(inside, 100.0, 1.0), np.where(inside, 0.9, 0.2), noise_power)
    dealiased = unwrap_flow_map(seen)
    np.testing.assert_array_equal(dealiased.n_wraps, np.where(inside, lacking, 0))
    np.testing.assert_allclose(dealiased.flow_map.velocity_m_s.max() / NYQUIST, 1.8, atol=0.25)
    assert dealiased.flow_map.slow_time == SLOW_TIME
    given_mask = unwrap_flow_map(seen, is_flow=inside)
    np.testing.assert_array_equal(given_mask.n_wraps, dealiased.n_wraps)


def test_what_a_filter_leaves_of_tissue_is_no_flow():
    """It is coherent and everywhere: with it a vessel would have no edge of its own."""
    truth, inside = vessel()
    velocity, lacking = measured(truth, 0.05, np.random.default_rng(4))
    tissue = np.full(SHAPE, -0.3 * NYQUIST)
    seen = flow_map(np.where(inside, velocity, tissue), np.where(inside, 1.0, 3e-3), np.ones(SHAPE))
    np.testing.assert_array_equal(unwrap_flow_map(seen).n_wraps, np.where(inside, lacking, 0))


def test_a_turn_is_that_at_the_frequency_of_the_echoes():
    """Velocities of the 2-D autocorrelation: its phases are those of a lower frequency."""
    truth, inside = vessel()
    ratio = np.linspace(1.02, 1.15, SHAPE[1])
    phase_m_s, lacking = measured(truth, 0.0, np.random.default_rng(4))
    weak = np.where(inside, 1.0, 1e-4)
    seen = flow_map(phase_m_s, weak, np.ones(SHAPE))
    seen = replace(seen, velocity_m_s=(phase_m_s * ratio).astype(np.float32))
    found = unwrap_flow_map(seen)
    np.testing.assert_array_equal(found.n_wraps, np.where(inside, lacking, 0))
    expected = (truth * ratio)[inside] * NYQUIST
    np.testing.assert_allclose(found.flow_map.velocity_m_s[inside], expected, atol=1e-3 * NYQUIST)


@pytest.mark.parametrize(
    ("velocity", "options"),
    [
        (np.zeros(3), {}),
        (np.zeros((3, 3), complex), {}),
        (np.zeros((3, 3)), {"weight": np.zeros((3, 4))}),
        (np.zeros((3, 3)), {"nyquist_m_s": 0}),
    ],
)
def test_what_is_no_map_is_refused(velocity, options):
    with pytest.raises(ArgumentError):
        unwrap_velocity(velocity, **{"nyquist_m_s": 1.0, **options})


def test_a_flow_map_of_other_things_is_refused():
    with pytest.raises(ArgumentError, match="FlowMap"):
        unwrap_flow_map(np.zeros(SHAPE))
    seen = flow_map(np.zeros(SHAPE), np.ones(SHAPE), np.ones(SHAPE))
    with pytest.raises(ArgumentError, match="is_flow"):
        unwrap_flow_map(seen, is_flow=np.ones(3, bool))
