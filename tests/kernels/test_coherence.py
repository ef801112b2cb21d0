"""Coherence factor against its definition in float64, its bounds and its closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from usdk_kernels import coherence

ACROSS = {
    "elements": coherence.ACROSS_ELEMENTS,
    "transmits": coherence.ACROSS_TRANSMITS,
    "both": coherence.ACROSS_BOTH,
}
KERNELS = {np.float32: coherence.coherence_rf, np.complex64: coherence.coherence_iq}


def python(kernel):
    """The kernel's source, run by the interpreter."""
    return getattr(kernel, "py_func", kernel)


def coherence_reference(aligned, apodization, weights, across, normalize):
    """Float64, one point at a time, straight from the definition."""
    out = np.zeros(len(aligned), complex)
    for p in range(len(aligned)):
        s, a, w = aligned[p].astype(complex), apodization[p].astype(float), weights[p].astype(float)
        parts, g = {
            "elements": (w @ s, a),
            "transmits": (s @ a, w),
            "both": (s.ravel(), np.outer(w, a).ravel()),
        }[across]
        total = g @ parts
        energy = np.abs(g).sum() * (np.abs(g) @ np.abs(parts) ** 2)
        factor = np.abs(total) ** 2 / energy if energy else 0.0
        divisor = np.abs(w).sum() * a.sum() if normalize else 1.0
        out[p] = factor * total / divisor if divisor > 0 else 0.0
    return out


def case(dtype, seed=0, shape=(23, 3, 17)):
    rng = np.random.default_rng(seed)
    aligned = rng.standard_normal(shape) + 0.7
    if dtype is np.complex64:
        aligned = aligned + 1j * rng.standard_normal(shape)
    apodization = rng.uniform(0.1, 1, (shape[0], shape[2])).astype(np.float32)
    apodization[rng.random(apodization.shape) < 0.3] = 0
    aligned = np.where(apodization[:, None] != 0, aligned, 0).astype(dtype)
    weights = rng.uniform(0.2, 1, shape[:2]).astype(np.float32)
    weights[rng.random(shape[:2]) < 0.2] = 0
    return aligned, apodization, weights


def run(kernel, aligned, apodization, weights, across="elements", normalize=0):
    out = np.full(len(aligned), np.nan, aligned.dtype)
    kernel(aligned, apodization, weights, ACROSS[across], normalize, out)
    return out


@pytest.mark.parametrize("dtype", KERNELS)
@pytest.mark.parametrize("across", ACROSS)
@pytest.mark.parametrize("normalize", [0, 1])
def test_compiled_and_interpreted_equal_the_definition(dtype, across, normalize):
    arguments = case(dtype)
    expected = coherence_reference(*arguments, across, normalize)
    assert np.abs(expected).max() > 0.1
    for kernel in (KERNELS[dtype], python(KERNELS[dtype])):
        actual = run(kernel, *arguments, across, normalize)
        np.testing.assert_allclose(actual, expected, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", KERNELS)
@pytest.mark.parametrize("across", ACROSS)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_factor_never_amplifies_and_signed_weights_are_weights(dtype, across, seed):
    aligned, apodization, weights = case(dtype, seed, (5, 4, 9))
    signs = np.random.default_rng(seed).choice([-1, 1], weights.shape)
    weights = (weights * signs).astype(np.float32)
    weighted = run(KERNELS[dtype], aligned, apodization, weights, across)
    plain = np.einsum("pte,pe,pt->p", aligned, apodization, weights)
    assert np.all(np.abs(weighted) <= np.abs(plain) * (1 + 1e-5) + 1e-6)
    expected = coherence_reference(aligned, apodization, weights, across, 0)
    np.testing.assert_allclose(weighted, expected, atol=2e-5)


@pytest.mark.parametrize("dtype", KERNELS)
@pytest.mark.parametrize("across", ACROSS)
def test_equal_parts_have_factor_1_at_any_weights(dtype, across):
    _, apodization, weights = case(dtype)
    weights += np.float32(0.1)
    echo = dtype(-0.3 + 0.4j if dtype is np.complex64 else -0.3)
    aligned = np.full((23, 3, 17), echo)
    actual = run(KERNELS[dtype], aligned, apodization, weights, across, 1)
    np.testing.assert_allclose(actual, np.full(23, echo), rtol=2e-6)


@pytest.mark.parametrize(("across", "n"), [("elements", 64), ("transmits", 8), ("both", 512)])
def test_n_independent_parts_have_the_factor_1_over_n_in_the_mean(across, n):
    # Of circular noise |sum|^2 / (N sum |x|^2) is Beta(1, N - 1) distributed: its mean is 1 / N.
    rng = np.random.default_rng(5)
    shape = (4000, 8, 64)
    noise = (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)
    apodization, weights = np.ones((4000, 64), np.float32), np.ones((4000, 8), np.float32)
    total = noise.sum(axis=(1, 2))
    factor = np.abs(run(coherence.coherence_iq, noise, apodization, weights, across) / total)
    assert factor.mean() == pytest.approx(1 / n, rel=0.05)


@pytest.mark.parametrize("across", ACROSS)
def test_elements_and_transmits_that_do_not_count_are_as_if_absent(across):
    aligned, apodization, weights = case(np.complex64)
    heard, sent = np.arange(17) % 3 != 0, np.array([True, False, True])
    apodization = np.where(heard, np.float32(0.5), np.float32(0))[None].repeat(23, 0)
    weights = np.where(sent, np.float32(1), np.float32(0))[None].repeat(23, 0)
    aligned = np.where(sent[:, None] & heard, aligned + 1, 0).astype(np.complex64)
    whole = run(coherence.coherence_iq, aligned, apodization, weights, across, 1)
    parts = (aligned[:, sent][:, :, heard], apodization[:, heard], weights[:, sent])
    parts = [np.ascontiguousarray(part) for part in parts]
    np.testing.assert_allclose(whole, run(coherence.coherence_iq, *parts, across, 1), rtol=1e-5)


@pytest.mark.parametrize("dtype", KERNELS)
@pytest.mark.parametrize("across", ACROSS)
@pytest.mark.parametrize("normalize", [0, 1])
def test_silence_and_empty_apertures_give_zeros(dtype, across, normalize):
    aligned, apodization, weights = case(dtype)
    for silent in (
        (np.zeros_like(aligned), apodization, weights),
        (np.zeros_like(aligned), np.zeros_like(apodization), weights),
        (np.zeros_like(aligned), apodization, np.zeros_like(weights)),
    ):
        actual = run(KERNELS[dtype], *silent, across, normalize)
        np.testing.assert_array_equal(actual, np.zeros(23))


@pytest.mark.parametrize("dtype", KERNELS)
@pytest.mark.parametrize("across", ACROSS)
@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_the_factor_does_not_depend_on_the_unit(dtype, across, size):
    aligned, apodization, weights = case(dtype)
    unit = run(KERNELS[dtype], aligned, apodization, weights, across)
    scaled = (aligned * np.float32(size)).astype(dtype)
    actual = run(KERNELS[dtype], scaled, apodization, weights, across)
    np.testing.assert_allclose(actual / np.float32(size), unit, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("dtype", KERNELS)
@pytest.mark.parametrize("across", ACROSS)
def test_nan_spreads_to_its_own_point_alone(dtype, across):
    aligned, apodization, weights = case(dtype)
    apodization[7], weights[7] = 1, 1
    clean = run(KERNELS[dtype], aligned, apodization, weights, across, 1)
    aligned[7, 1, 4] = np.nan
    broken = run(KERNELS[dtype], aligned, apodization, weights, across, 1)
    assert np.isnan(broken[7])
    np.testing.assert_array_equal(np.delete(broken, 7), np.delete(clean, 7))


@pytest.mark.parametrize("dtype", KERNELS)
@pytest.mark.parametrize("shape", [(0, 2, 3), (4, 0, 3), (4, 2, 0)])
def test_empty_dimensions_give_zeros(dtype, shape):
    n_points, n_transmits, n_elements = shape
    arrays = (
        np.zeros(shape, dtype),
        np.ones((n_points, n_elements), np.float32),
        np.ones((n_points, n_transmits), np.float32),
    )
    for across in ACROSS:
        np.testing.assert_array_equal(run(KERNELS[dtype], *arrays, across, 1), np.zeros(n_points))


def test_one_specialisation_serves_all_calls():
    for dtype, kernel in KERNELS.items():
        for across in ACROSS:
            run(kernel, *case(dtype), across)
        assert len(getattr(kernel, "signatures", [None])) == 1
