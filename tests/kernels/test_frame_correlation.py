"""Correlation of frames in windows, against sums written out in float64."""

from __future__ import annotations

import numpy as np
import pytest

from usdk_kernels.frame_correlation import correlate_frames

KERNELS = [correlate_frames, getattr(correlate_frames, "py_func", correlate_frames)]


def naive(first, second, half_lines, half_samples, greatest, i, m):
    """Return R, A, coherence and shift of one point."""
    n_samples = first.shape[1]
    lines = slice(max(0, i - half_lines), i + half_lines + 1)
    one, other = first[lines].astype(complex), second[lines].astype(complex)
    lower, upper = max(0, m - half_samples), min(n_samples, m + half_samples + 1)
    along = sum(
        (frame[:, lower + 1 : upper] * frame[:, lower : upper - 1].conj()).sum()
        for frame in (one, other)
    )
    best = (0.0, 0.0, 0)
    for shift in sorted(range(-greatest, greatest + 1), key=abs):
        pairs = [n for n in range(lower, upper) if 0 <= n + shift < n_samples]
        a, b = one[:, pairs], other[:, [n + shift for n in pairs]]
        value = (b * a.conj()).sum()
        power = (np.abs(a) ** 2).sum() * (np.abs(b) ** 2).sum()
        fit = abs(value) / np.sqrt(power) if power > 0 else 0.0
        if shift == 0 or fit > best[1] + 1e-9:
            best = (value, fit, shift)
    return best[0], along, best[1], best[2]


def run(kernel, first, second, *sizes, lines=None):
    shape = first.shape
    out = (
        np.empty(shape, np.complex64),
        np.empty(shape, np.complex64),
        np.empty(shape, np.float32),
        np.empty(shape, np.int16),
    )
    kernel(first, second, *sizes, *(lines or (0, shape[0])), *out)
    return out


def frames(shape=(5, 23), seed=0):
    rng = np.random.default_rng(seed)
    first = rng.standard_normal((*shape, 2)).view(complex)[..., 0]
    second = np.roll(first, 2, axis=1) * np.exp(0.3j)
    second = second + 0.1 * rng.standard_normal((*shape, 2)).view(complex)[..., 0]
    return first.astype(np.complex64), second.astype(np.complex64)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("sizes", [(0, 0, 0), (0, 4, 0), (1, 3, 3), (2, 30, 1)])
def test_it_is_the_sums_over_the_window(kernel, sizes):
    first, second = frames()
    found = run(kernel, first, second, *sizes)
    for i in range(first.shape[0]):
        for m in range(first.shape[1]):
            lag_one, axial, coherence, shift = naive(first, second, *sizes, i, m)
            assert found[3][i, m] == shift
            assert found[0][i, m] == pytest.approx(lag_one, rel=1e-5, abs=1e-5)
            assert found[1][i, m] == pytest.approx(axial, rel=1e-5, abs=1e-5)
            assert found[2][i, m] == pytest.approx(coherence, abs=1e-6)


@pytest.mark.parametrize("kernel", KERNELS)
def test_lines_may_be_cut_anywhere(kernel):
    first, second = frames()
    whole = run(kernel, first, second, 1, 3, 2)
    parts = [run(kernel, first, second, 1, 3, 2, lines=lines) for lines in ((0, 2), (2, 5))]
    for n, array in enumerate(whole):
        np.testing.assert_array_equal(array[:2], parts[0][n][:2])
        np.testing.assert_array_equal(array[2:], parts[1][n][2:])


@pytest.mark.parametrize("kernel", KERNELS)
def test_silence_and_bad_values_have_no_coherence(kernel):
    silent = np.zeros((2, 8), np.complex64)
    lag_one, axial, coherence, shift = run(kernel, silent, silent, 1, 2, 3)
    for array in (lag_one, axial, coherence, shift):
        np.testing.assert_array_equal(array, 0)
    first, second = frames((2, 12))
    first[0, 5] = np.nan
    second[0, 6] = np.inf
    with np.errstate(invalid="ignore"):  # what numpy warns of where the source runs as Python
        coherence = run(kernel, first, second, 0, 1, 2)[2]
    assert np.isfinite(coherence).all()
    np.testing.assert_array_equal(coherence[0, 8:], 0)
    assert (coherence[1] > 0).all()


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("shape", [(0, 4), (3, 0), (1, 1)])
def test_the_smallest_frames_do_no_harm(kernel, shape):
    ones = np.ones(shape, np.complex64)
    assert run(kernel, ones, ones, 1, 1, 5)[3].max(initial=0) == 0


def test_one_specialisation_serves_all_calls():
    assert len(getattr(correlate_frames, "signatures", [None])) == 1
