"""FIR filtering against numpy's convolution in float64."""

from __future__ import annotations

import numpy as np
import pytest

from usdk_kernels.fir_filter import fir_filter

KERNELS = [fir_filter, getattr(fir_filter, "py_func", fir_filter)]


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("n_taps", [1, 7, 33])
@pytest.mark.parametrize("decimation", [1, 3])
def test_it_is_a_convolution_centred_on_the_sample(kernel, n_taps, decimation):
    rng = np.random.default_rng(0)
    rf = rng.standard_normal((3, 50)).astype(np.float32)
    half = rng.standard_normal(n_taps // 2 + 1)
    taps = np.concatenate((half[:0:-1], half)).astype(np.float32)
    out = np.empty((3, -(-50 // decimation)), np.float32)
    kernel(rf, taps, decimation, out)
    middle = n_taps // 2
    full = [np.convolve(row.astype(float), taps.astype(float))[middle : middle + 50] for row in rf]
    np.testing.assert_allclose(out, np.array(full)[:, ::decimation], atol=2e-5)


@pytest.mark.parametrize("kernel", KERNELS)
def test_empty_rows_are_left_alone(kernel):
    kernel(np.empty((0, 9), np.float32), np.ones(3, np.float32), 1, np.empty((0, 9), np.float32))
    kernel(np.empty((2, 0), np.float32), np.ones(3, np.float32), 1, np.empty((2, 0), np.float32))


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_sample_that_is_no_number_spoils_only_what_it_reaches(kernel):
    rf = np.zeros((1, 20), np.float32)
    rf[0, 10] = np.nan
    out = np.empty((1, 20), np.float32)
    kernel(rf, np.ones(5, np.float32), 1, out)
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(out[0])), np.arange(8, 13))


def test_one_specialisation_serves_all_calls():
    assert len(getattr(fir_filter, "signatures", [None])) == 1
