"""Polynomial regression against numpy's and against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from usdk.doppler.clutter import MeanFilter, PolynomialFilter
from usdk.errors import ArgumentError


@pytest.mark.parametrize("degree", [0, 1, 2, 5])
@pytest.mark.parametrize("n", [8, 16, 31])
def test_it_leaves_what_polyfit_leaves(degree, n, noise):
    packet = noise(4, n)
    times = np.arange(n)
    fit = np.polynomial.polynomial.polyfit(times / n, packet.T.astype(complex), degree)
    expected = packet - np.polynomial.polynomial.polyval(times / n, fit)
    np.testing.assert_allclose(PolynomialFilter(degree)(packet), expected, atol=3e-6)


@pytest.mark.parametrize("degree", [0, 1, 3])
def test_a_polynomial_of_the_degree_vanishes_and_one_of_the_next_does_not(degree):
    times = np.linspace(-1, 1, 14)
    for power in range(degree + 2):
        packet = (times**power * (1 - 2j)).astype(np.complex64)[None]
        left = np.abs(PolynomialFilter(degree)(packet)).max()
        assert left < 2e-6 if power <= degree else left > 0.05


@pytest.mark.parametrize("degree", [0, 2, 15])
@pytest.mark.parametrize("n", [17, 2048])
def test_the_basis_is_orthonormal_and_makes_the_matrix(degree, n):
    clutter = PolynomialFilter(degree)
    basis = clutter.basis(n)
    assert (basis.shape, basis.dtype) == ((degree + 1, n), np.float32)
    np.testing.assert_allclose(basis @ basis.T, np.eye(degree + 1), atol=2e-6)
    np.testing.assert_allclose(clutter.matrix(n), np.eye(n) - basis.T @ basis, atol=1e-6)


def test_filtering_twice_is_filtering_once(noise):
    clutter = PolynomialFilter(2)
    once = clutter(noise(5, 12))
    np.testing.assert_allclose(clutter(once), once, atol=1e-6)


def test_the_mean_filter_is_degree_zero(noise):
    packet = noise(6, 9)
    expected = packet - packet.mean(-1, keepdims=True)
    np.testing.assert_allclose(MeanFilter()(packet), expected, atol=1e-6)
    assert MeanFilter().describe() == "mean removal"
    assert PolynomialFilter(3).describe() == "polynomial regression, degree 3"


@pytest.mark.parametrize(("n", "degree"), [(2, 0), (4, 0), (5, 1), (12, 2), (15, 3), (64, 3)])
def test_the_packet_chooses_the_degree_when_nobody_does(n, degree, noise):
    chosen = PolynomialFilter()
    assert chosen.degree_for(n) == degree
    packet = noise(6, n)
    np.testing.assert_array_equal(chosen(packet), PolynomialFilter(degree)(packet))
    assert chosen.describe() == "polynomial regression, degree by the packet"


@pytest.mark.parametrize("degree", [-1, 16, 1.5, "two", float("nan")])
def test_a_degree_out_of_range_is_refused(degree):
    with pytest.raises(ArgumentError, match="degree"):
        PolynomialFilter(degree)


def test_a_packet_of_which_nothing_would_be_left_is_refused():
    with pytest.raises(ArgumentError, match="at least 4 pulses or a lower degree"):
        PolynomialFilter(2).matrix(3)
    assert PolynomialFilter(2).n_pulses_out(4) == 4


def test_a_filter_works_where_a_peer_s_always_raises(noise):
    """PyMUST 0.1.9's ``wfilt`` raises for each of its methods; regression is one of them."""
    packet = noise(6, 5, 16)
    wfilt = pytest.importorskip("pymust.wfilt").wfilt
    for method in ("poly", "dct", "svd"):
        with pytest.raises(AttributeError, match="ndims"):
            wfilt(packet, method, 1)
    drift = np.linspace(-1, 1, 16) * 100
    left = PolynomialFilter(1)((packet + drift).astype(np.complex64))
    np.testing.assert_allclose(left, PolynomialFilter(1)(packet), atol=1e-4)
