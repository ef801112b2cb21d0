"""Recursive averaging against its recursion in float64."""

from __future__ import annotations

import numpy as np
import pytest

from usdk_kernels.recursive_average import recursive_average

KERNELS = [recursive_average, getattr(recursive_average, "py_func", recursive_average)]


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("coefficient", [0.0, 0.3, 0.95])
def test_it_is_the_recursion(kernel, coefficient):
    rng = np.random.default_rng(0)
    state = np.zeros((3, 5), np.float32)
    expected = np.zeros((3, 5))
    for frame in rng.uniform(0, 9, (20, 3, 5)).astype(np.float32):
        expected = coefficient * expected + (1 - coefficient) * frame
        image = frame.copy()
        kernel(coefficient, state, image)
        np.testing.assert_allclose(image, expected, rtol=1e-5)
        np.testing.assert_array_equal(image, state)


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_coefficient_of_zero_heals_what_was_no_number(kernel):
    state = np.full((1, 2), np.nan, np.float32)
    image = np.array([[1, 2]], np.float32)
    kernel(0.5, state, image)
    assert np.isnan(image).all()
    image[:] = [[3, 4]]
    kernel(0.0, state, image)
    np.testing.assert_array_equal(image, [[3, 4]])
    np.testing.assert_array_equal(state, [[3, 4]])


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("shape", [(0, 4), (4, 0)])
def test_empty_images_are_left_alone(kernel, shape):
    kernel(0.5, np.empty(shape, np.float32), np.empty(shape, np.float32))


def test_one_specialisation_serves_all_calls():
    assert len(getattr(recursive_average, "signatures", [None])) == 1
