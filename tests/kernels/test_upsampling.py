"""Polyphase upsampling against scipy's and the sum of its definition."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.signal

from usdk_kernels.upsampling import upsample


def python(kernel):
    """The kernel's source, run by the interpreter."""
    return getattr(kernel, "py_func", kernel)


def reference(data, taps):
    """Float64: scipy's polyphase filter, the taps of all phases interleaved to one filter."""
    factor, n_taps = taps.shape
    # y[nL + p] = Σ_k taps[p, k] x[n + k − K/2 + 1]: coefficient (K/2 − 1 − k) L + p of a filter
    # whose first one is −K/2 L.
    whole = np.zeros(n_taps * factor)
    for p, k in itertools.product(range(factor), range(n_taps)):
        whole[(n_taps - 1 - k) * factor + p] = taps[p, k]
    full = scipy.signal.upfirdn(whole, data.astype(float), up=factor, axis=1)
    first = n_taps // 2 * factor
    n_out = (data.shape[1] - 1) * factor + 1
    padded = np.zeros((data.shape[0], first + n_out, data.shape[2]))
    padded[:, : full.shape[1]] = full[:, : first + n_out]
    return padded[:, first:]


def case(n_rows=3, n_samples=50, n_planes=2, factor=4, n_taps=16, seed=0):
    rng = np.random.default_rng(seed)
    data = rng.standard_normal((n_rows, n_samples, n_planes)).astype(np.float32)
    return data, rng.standard_normal((factor, n_taps)).astype(np.float32)


def run(data, taps, kernel=upsample, cuts=None):
    shape = (data.shape[0], (data.shape[1] - 1) * taps.shape[0] + 1, data.shape[2])
    out = np.full(shape, np.nan, np.float32)
    for a, b in itertools.pairwise(cuts or [0, data.shape[0]]):
        kernel(data, taps, a, b, out)
    return out


@pytest.mark.parametrize("n_planes", [1, 2])
@pytest.mark.parametrize(
    ("factor", "n_taps", "n_samples"),
    [(4, 16, 50), (1, 2, 9), (2, 6, 1), (3, 10, 4), (8, 4, 1500), (4, 16, 1024), (4, 16, 1025)],
)
def test_it_is_the_polyphase_filter_of_scipy(factor, n_taps, n_samples, n_planes):
    data, taps = case(n_samples=n_samples, n_planes=n_planes, factor=factor, n_taps=n_taps)
    np.testing.assert_allclose(run(data, taps), reference(data, taps), atol=1e-5)


def test_source_in_the_interpreter_is_the_polyphase_filter_of_scipy():
    data, taps = case(n_samples=20)
    np.testing.assert_allclose(run(data, taps, python(upsample)), reference(data, taps), atol=1e-5)


def test_an_impulse_gives_the_taps():
    data, taps = case(n_rows=1, n_planes=1)
    data[:] = 0
    data[0, 20] = 1
    image = run(data, taps)[0, :, 0]
    for p, k in itertools.product(range(4), range(16)):
        assert image[(20 - k + 7) * 4 + p] == taps[p, k]


def test_any_cut_gives_the_same_bits_and_other_rows_are_left_alone():
    data, taps = case(n_rows=7)
    np.testing.assert_array_equal(run(data, taps, cuts=[0, 1, 4, 7]), run(data, taps))
    some = run(data, taps, cuts=[2, 5])
    assert np.isnan(some[:2]).all()
    assert np.isnan(some[5:]).all()
    assert np.isfinite(some[2:5]).all()


def test_a_nan_stays_within_the_reach_of_the_filter():
    data, taps = case(n_rows=2)
    clean = run(data, taps)
    data[0, 25] = np.nan
    image = run(data, taps)
    hurt = np.isnan(image).any(axis=(0, 2))
    assert hurt[25 * 4]
    assert not hurt[: (25 - 8) * 4].any()
    assert not hurt[(25 + 8) * 4 :].any()
    np.testing.assert_array_equal(image[1], clean[1])


def test_no_rows_no_work():
    data, taps = case(n_rows=0)
    assert run(data, taps).shape == (0, 197, 2)


def test_one_specialisation_serves_all_calls():
    for n_planes in (1, 2):
        run(*case(n_planes=n_planes))
    assert len(getattr(upsample, "signatures", [None])) == 1
