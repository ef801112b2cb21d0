"""Local averages against scipy's correlation, renormalised at the edges."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import correlate1d

from usdk_kernels.local_average import local_average

KERNELS = [local_average, getattr(local_average, "py_func", local_average)]


def expected(image, line_weights, sample_weights):
    def both(values):
        across = correlate1d(values, line_weights, axis=0, mode="constant")
        return correlate1d(across, sample_weights, axis=1, mode="constant")

    values = image.astype(np.float64)
    return both(values) / both(np.ones(values.shape[:2]))[:, :, None]


def run(kernel, image, line_weights, sample_weights, tiles=None):
    flat = np.ascontiguousarray(image.reshape(image.shape[0], -1))
    out = np.full(flat.shape, 7, np.float32)
    weights = (np.array(line_weights, np.float32), np.array(sample_weights, np.float32))
    for tile in tiles or [(0, image.shape[0])]:
        kernel(flat, image.shape[2], *weights, *tile, out)
    return out.reshape(image.shape)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("n_parts", [1, 2])
@pytest.mark.parametrize(
    ("lines", "samples"),
    [
        ([1], [1]),
        ([1, 1, 1], [1]),
        ([1], [1, 2, 1]),
        ([1, 3, 1], [1, 4, 6, 4, 1]),
        ([1] * 15, [1] * 41),
    ],
)
def test_it_is_the_weighted_mean_of_the_neighbours_that_exist(kernel, n_parts, lines, samples):
    image = np.random.default_rng(0).standard_normal((6, 19, n_parts)).astype(np.float32)
    actual = run(kernel, image, lines, samples)
    wanted = expected(image, np.array(lines, float), np.array(samples, float))
    np.testing.assert_allclose(actual, wanted, atol=1e-6)


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_constant_stays_what_it_is_up_to_the_edges(kernel):
    image = np.full((5, 9, 2), 3, np.float32)
    np.testing.assert_allclose(run(kernel, image, [1, 2, 1], [1, 1, 1]), 3, rtol=1e-6)


def test_tiles_may_be_cut_anywhere_without_changing_a_bit():
    image = np.random.default_rng(0).standard_normal((9, 33, 2)).astype(np.float32)
    whole = run(local_average, image, [1, 2, 1], [1, 1, 1, 1, 1])
    parts = run(local_average, image, [1, 2, 1], [1, 1, 1, 1, 1], [(4, 9), (0, 1), (1, 4)])
    np.testing.assert_array_equal(whole, parts)


def test_no_number_spreads_as_far_as_the_window_and_no_farther():
    image = np.ones((7, 11, 1), np.float32)
    image[3, 5] = np.nan
    spoiled = np.isnan(run(local_average, image, [1, 1, 1], [1, 1, 1, 1, 1])[..., 0])
    wanted = np.zeros((7, 11), bool)
    wanted[2:5, 3:8] = True
    np.testing.assert_array_equal(spoiled, wanted)


def test_nothing_to_do_does_nothing():
    image = np.ones((3, 4, 1), np.float32)
    np.testing.assert_array_equal(run(local_average, image, [1], [1], [(1, 1)]), 7)
    assert run(local_average, image[:, :0], [1], [1]).size == 0


def test_one_specialisation_serves_all_calls():
    assert len(getattr(local_average, "signatures", [None])) == 1
