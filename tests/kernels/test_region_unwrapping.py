"""Unwrapping by regions: where the true number of periods is known."""

from __future__ import annotations

import numpy as np
import pytest

from usdk_kernels.region_unwrapping import MAX_WRAPS, unwrap_regions

KERNELS = [unwrap_regions, getattr(unwrap_regions, "py_func", unwrap_regions)]
NYQUIST = 0.25


def wrapped(truth):
    """Return the aliased velocities and the periods that they lack."""
    lacking = np.floor((truth / NYQUIST + 1) / 2)
    return (truth - 2 * NYQUIST * lacking).astype(np.float32), lacking


def run(kernel, velocity, weight=None):
    out = np.full(velocity.shape, 99, np.int16)
    weight = np.ones(velocity.shape, np.float32) if weight is None else weight
    kernel(velocity, weight, NYQUIST, out)
    return out


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("axis", [0, 1])
def test_it_is_numpy_s_unwrap_along_a_row(kernel, axis):
    truth = np.expand_dims(3 * np.sin(np.linspace(0, 7, 120)), axis)
    velocity, _ = wrapped(truth)
    expected = np.unwrap(velocity.ravel(), period=2 * NYQUIST)
    found = (velocity + 2 * NYQUIST * run(kernel, velocity)).ravel()
    # The periods of the entire row are free.
    difference = (found - expected) / (2 * NYQUIST)
    np.testing.assert_allclose(difference, round(float(difference[0])), atol=1e-4)


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_peak_of_many_periods_is_followed_in_two_dimensions(kernel):
    x, z = np.meshgrid(np.linspace(-1, 1, 40), np.linspace(-1, 1, 50), indexing="ij")
    radius = np.hypot(x, z)
    truth = 2 * (1 - radius**2)
    velocity, lacking = wrapped(truth)
    inside = radius < 0.97
    out = run(kernel, velocity, inside.astype(np.float32))
    np.testing.assert_array_equal(out[inside], lacking[inside])
    np.testing.assert_array_equal(out[~inside], 0)


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_part_has_its_own_reference_and_bad_values_are_outside(kernel):
    truth = np.zeros((12, 12))
    truth[1:5, 1:5] = 0.1
    truth[2:4, 2:4] = 0.3
    truth[7:11, 7:11] = -0.1
    truth[8:10, 8:10] = -0.3
    velocity, lacking = wrapped(truth)
    weight = (truth != 0).astype(np.float32)
    velocity[0, 0], velocity[11, 0] = np.nan, np.inf
    weight[0, 0] = weight[11, 0] = 1
    weight[0, 11], weight[11, 11], weight[6, 6] = np.nan, np.inf, -1
    np.testing.assert_array_equal(run(kernel, velocity, weight), lacking)


@pytest.mark.parametrize("kernel", KERNELS)
def test_velocities_outside_nyquist_lead_nowhere(kernel):
    rng = np.random.default_rng(2)
    velocity = (1e30 * rng.standard_normal((9, 8))).astype(np.float32)
    assert np.abs(run(kernel, velocity)).max() <= 2 * MAX_WRAPS


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("shape", [(0, 4), (4, 0), (1, 1)])
def test_the_smallest_maps_stay(kernel, shape):
    np.testing.assert_array_equal(run(kernel, np.full(shape, 0.2, np.float32)), 0)


def test_one_specialisation_serves_all_calls():
    run(unwrap_regions, np.full((2, 2), 0.2, np.float32))
    assert len(getattr(unwrap_regions, "signatures", [None])) == 1
