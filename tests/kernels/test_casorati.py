"""Casorati matrices against numpy in float64."""

from __future__ import annotations

import numpy as np
import pytest

from usdk_kernels import casorati
from usdk_kernels.casorati import KEEP, LANES, MULTIPLY, REMOVE

NAMES = ("gram", "filter_points", "filter_and_correlate", "magnitudes")
COMPILED = {name: getattr(casorati, name) for name in NAMES}
PLAIN = {name: getattr(kernel, "py_func", kernel) for name, kernel in COMPILED.items()}
KERNELS = pytest.mark.parametrize("kernels", [COMPILED, PLAIN], ids=["compiled", "plain"])


def noise(*shape, seed=0):
    parts = np.random.default_rng(seed).standard_normal((2, *shape))
    return (parts[0] + 1j * parts[1]).astype(np.complex64)


def floats(array):
    return np.ascontiguousarray(array, np.complex64).view(np.float32)


def orthonormal(n_vectors, n_pulses):
    columns, _ = np.linalg.qr(noise(n_pulses, n_pulses, seed=1).astype(complex))
    return columns[:, :n_vectors].T


def reference_gram(packet):
    packet = packet.astype(np.complex128)
    return packet.T @ packet.conj()


def reference_filter(packet, vectors, kind):
    packet, vectors = packet.astype(np.complex128), vectors.astype(np.complex64).astype(complex)
    parts = packet @ vectors.conj().T
    if kind == MULTIPLY:
        return parts
    return packet - parts @ vectors if kind == REMOVE else parts @ vectors


@KERNELS
@pytest.mark.parametrize(("n_points", "n_pulses"), [(5, 1), (70, 3), (520, 8), (33, 12)])
def test_the_gram_matrix_is_that_of_the_pulses(kernels, n_points, n_pulses):
    packet = noise(n_points, n_pulses)
    out = np.zeros((n_pulses, 2 * n_pulses))
    kernels["gram"](floats(packet), 0, n_points, out)
    expected = np.tril(reference_gram(packet))
    np.testing.assert_allclose(out.view(complex), expected, atol=1e-5 * n_points)


@KERNELS
def test_gram_matrices_of_parts_add_up(kernels):
    packet, out = noise(100, 5), np.zeros((5, 10))
    for start, stop in ((0, 1), (1, 65), (65, 100)):
        kernels["gram"](floats(packet), start, stop, out)
    np.testing.assert_allclose(out.view(complex), np.tril(reference_gram(packet)), atol=1e-4)


@KERNELS
def test_a_gram_matrix_tells_of_what_is_no_number(kernels):
    packet = noise(20, 4)
    packet[7, 2] = np.nan
    out = np.zeros((4, 8))
    kernels["gram"](floats(packet), 0, 20, out)
    assert np.isnan(out.view(complex)[2, 2])


@KERNELS
@pytest.mark.parametrize("kind", [REMOVE, KEEP, MULTIPLY])
@pytest.mark.parametrize(
    ("n_points", "n_pulses", "n_vectors"), [(3, 5, 1), (20, 8, 3), (16, 12, 2)]
)
def test_filters_are_the_matrix_product(kernels, kind, n_points, n_pulses, n_vectors):
    packet = noise(n_points, n_pulses)
    n_vectors = n_pulses if kind == MULTIPLY else n_vectors
    vectors = noise(n_pulses, n_pulses) if kind == MULTIPLY else orthonormal(n_vectors, n_pulses)
    expected = reference_filter(packet, vectors, kind)
    out = np.empty((n_points, 2 * n_pulses), np.float32)
    kernels["filter_points"](floats(packet), floats(vectors), kind, 0, n_points, out)
    np.testing.assert_allclose(out.view(np.complex64), expected, atol=3e-5)
    for lag in (1, n_pulses - 1):
        power, lagged = np.empty(n_points, np.float32), np.empty((n_points, 2), np.float32)
        settings = (floats(packet), floats(vectors), kind, lag, 0, n_points)
        kernels["filter_and_correlate"](*settings, power, lagged)
        np.testing.assert_allclose(power, np.mean(np.abs(expected) ** 2, axis=1), rtol=2e-5)
        products = np.mean(expected[:, lag:] * expected[:, :-lag].conj(), axis=1)
        scale = power.max()
        np.testing.assert_allclose(lagged.view(np.complex64)[:, 0], products, atol=3e-5 * scale)


@KERNELS
@pytest.mark.parametrize("kind", [REMOVE, KEEP])
def test_no_vectors_take_nothing_away_and_keep_nothing(kernels, kind):
    packet, out = noise(18, 6), np.full((18, 12), np.nan, np.float32)
    kernels["filter_points"](floats(packet), np.zeros((0, 12), np.float32), kind, 0, 18, out)
    expected = packet if kind == REMOVE else np.zeros_like(packet)
    np.testing.assert_array_equal(out.view(np.complex64), expected)


@KERNELS
def test_magnitudes_are_those_of_the_parts_along_the_vectors(kernels):
    packet, vectors = noise(21, 6), orthonormal(5, 6)
    out = np.empty((5, 21), np.float32)
    kernels["magnitudes"](floats(packet), floats(vectors), 0, 21, out)
    expected = np.abs(reference_filter(packet, vectors, MULTIPLY)).T
    np.testing.assert_allclose(out, expected, atol=2e-5)


def test_any_division_gives_the_same_bits():
    packet, vectors = floats(noise(90, 8)), floats(orthonormal(3, 8))
    whole, parts = np.empty_like(packet), np.empty_like(packet)
    casorati.filter_points(packet, vectors, REMOVE, 0, 90, whole)
    for start, stop in ((0, 1), (1, LANES), (LANES, 50), (50, 90)):
        casorati.filter_points(packet, vectors, REMOVE, start, stop, parts)
    np.testing.assert_array_equal(parts, whole)


@KERNELS
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_stays_with_its_point(kernels, value):
    packet = noise(20, 4)
    packet[3, 1] = value
    out = np.empty((20, 8), np.float32)
    with np.errstate(invalid="ignore"):
        kernels["filter_points"](floats(packet), floats(orthonormal(1, 4)), REMOVE, 0, 20, out)
    assert not np.isfinite(out[3]).any()
    assert np.isfinite(np.delete(out, 3, axis=0)).all()


@KERNELS
def test_only_the_range_is_written(kernels):
    packet, out = noise(40, 4), np.zeros((40, 8), np.float32)
    kernels["filter_points"](floats(packet), floats(orthonormal(1, 4)), REMOVE, 17, 19, out)
    assert out[17:19].all()
    assert not np.delete(out, (17, 18), axis=0).any()


@pytest.mark.parametrize("name", NAMES)
def test_one_specialisation_serves_all_calls(name):
    assert len(getattr(COMPILED[name], "signatures", [None])) == 1
