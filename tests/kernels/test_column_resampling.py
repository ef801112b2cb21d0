"""Column resampling against a float64 sum, and at its edges."""

from __future__ import annotations

import numpy as np
import pytest

from usdk_kernels.column_resampling import GROUP, resample_columns

KERNELS = pytest.mark.parametrize(
    "kernel",
    [resample_columns, getattr(resample_columns, "py_func", resample_columns)],
    ids=["compiled", "python"],
)


@KERNELS
@pytest.mark.parametrize("n_groups", [1, 2, 3])
@pytest.mark.parametrize("n_values", [0, 1, 37])
def test_columns_are_the_weighted_sums(kernel, n_groups, n_values):
    rng = np.random.default_rng(0)
    n_taps = n_groups * GROUP
    image = rng.standard_normal((20, n_values)).astype(np.float32)
    weights = rng.standard_normal((9, n_taps)).astype(np.float32)
    first = rng.integers(0, 20 - n_taps + 1, 9)
    first[:2] = 0, 20 - n_taps
    out = np.full((9, n_values), 5, np.float32)
    kernel(image, weights, first, 0, 8, out)
    taps = image.astype(float)[first[:, None] + np.arange(n_taps)]
    expected = np.einsum("jk,jkm->jm", weights.astype(float), taps)
    np.testing.assert_allclose(out[:8], expected[:8], atol=1e-5)
    assert (out[8] == 5).all()


@KERNELS
def test_a_column_whose_taps_are_not_all_there_is_zero(kernel):
    image = np.ones((10, 6), np.float32)
    first = np.array([-1, -(2**62), 7, 2**62, 6, 0])
    out = np.full((6, 6), np.nan, np.float32)
    kernel(image, np.ones((6, GROUP), np.float32), first, 0, 6, out)
    np.testing.assert_array_equal(out[:, 0], [0, 0, 0, 0, 4, 4])


@KERNELS
def test_too_few_columns_give_zero(kernel):
    out = np.full((2, 3), np.nan, np.float32)
    kernel(
        np.ones((3, 3), np.float32),
        np.ones((2, GROUP), np.float32),
        np.zeros(2, np.int64),
        0,
        2,
        out,
    )
    assert (out == 0).all()


def test_one_specialisation_serves_all_calls():
    assert len(getattr(resample_columns, "signatures", [None])) <= 1
