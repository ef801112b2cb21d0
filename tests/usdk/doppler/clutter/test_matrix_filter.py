"""What every filter with a fixed matrix does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from usdk.doppler.clutter import FirFilter, IirFilter, MeanFilter, PolynomialFilter
from usdk.doppler.clutter.matrix_filter import LONGEST_BY_MATRIX, MAX_PULSES
from usdk.errors import ArgumentError

FILTERS = {
    "mean": MeanFilter(),
    "polynomial": PolynomialFilter(2),
    "fir": FirFilter.high_pass(0.1, 5),
    "difference": FirFilter.difference(2),
    "projection": IirFilter(0.06),
    "step": IirFilter(0.06, initialization="step"),
    "zero": IirFilter(0.06, initialization="zero"),
}
N = 12


@pytest.mark.parametrize("clutter", FILTERS.values(), ids=FILTERS)
def test_a_call_is_the_matrix_times_the_packet(clutter, noise):
    packet = noise(5, 40, N)
    expected = packet.astype(np.complex128) @ clutter.matrix(N).T.astype(np.float64)
    filtered = clutter(packet)
    assert filtered.shape == (5, 40, clutter.n_pulses_out(N))
    np.testing.assert_allclose(filtered, expected, atol=2e-6)


@pytest.mark.parametrize("clutter", FILTERS.values(), ids=FILTERS)
@pytest.mark.parametrize("n", [24, 25, LONGEST_BY_MATRIX + 1])
def test_long_packets_go_another_way_to_the_same(clutter, n, noise):
    packet = noise(2, 3, n) + 10
    expected = packet.astype(np.complex128) @ clutter.matrix(n).T.astype(np.float64)
    np.testing.assert_allclose(clutter(packet), expected, atol=3e-4)


def test_the_bits_of_long_packets_do_not_depend_on_the_threads(noise):
    packet, clutter = noise(600, 26), PolynomialFilter(1)
    np.testing.assert_array_equal(clutter(packet, threads=1), clutter(packet, threads=2))


@pytest.mark.parametrize("clutter", FILTERS.values(), ids=FILTERS)
def test_the_bits_do_not_depend_on_the_threads(clutter, noise):
    packet = noise(4200, N)
    np.testing.assert_array_equal(clutter(packet, threads=1), clutter(packet, threads=3))


@given(
    name=st.sampled_from(sorted(FILTERS)),
    a=st.complex_numbers(max_magnitude=1e3),
    b=st.complex_numbers(max_magnitude=1e3),
)
def test_filters_are_linear(name, a, b, noise):
    clutter = FILTERS[name]
    first, second = noise(6, N), noise(6, N, seed=1)
    together = clutter((a * first + b * second).astype(np.complex64))
    apart = a * clutter(first).astype(complex) + b * clutter(second).astype(complex)
    np.testing.assert_allclose(together, apart, atol=1e-5 * (1 + abs(a) + abs(b)))


@pytest.mark.parametrize("clutter", FILTERS.values(), ids=FILTERS)
def test_a_standing_echo_vanishes_unless_the_filter_begins_with_nothing(clutter):
    left = np.abs(clutter(np.full((3, N), 1 + 1j, np.complex64))).max()
    assert (left > 0.5) == (clutter is FILTERS["zero"])
    assert left < 3e-6 or clutter is FILTERS["zero"]


def test_a_packet_is_not_changed_and_any_layout_is_taken(noise):
    packet = noise(4, 6, N)
    kept = packet.copy()
    expected = MeanFilter()(packet)
    np.testing.assert_array_equal(packet, kept)
    np.testing.assert_array_equal(MeanFilter()(np.asfortranarray(packet)), expected)
    packet.setflags(write=False)
    np.testing.assert_array_equal(MeanFilter()(packet), expected)


def test_the_result_is_written_where_it_is_wanted(noise):
    packet = noise(4, 6, N)
    out = np.empty_like(packet)
    assert MeanFilter()(packet, out=out) is out
    np.testing.assert_array_equal(out, MeanFilter()(packet))


def test_a_single_packet_without_other_axes_and_none_at_all(noise):
    assert MeanFilter()(noise(N)).shape == (N,)
    assert MeanFilter()(noise(0, N)).shape == (0, N)


@pytest.mark.parametrize(
    ("packet", "words"),
    [
        (np.zeros((3, N)), "complex IQ"),
        (np.zeros((), np.complex64), "complex IQ"),
        ([1j, 2j], "array"),
        (np.zeros((3, 1), np.complex64), "1 pulses"),
        (np.zeros((1, MAX_PULSES + 1), np.complex64), f"{MAX_PULSES}"),
    ],
)
def test_what_is_no_packet_is_refused(packet, words):
    with pytest.raises(ArgumentError, match=words):
        MeanFilter()(packet)


@pytest.mark.parametrize(
    "out",
    [
        np.zeros((3, N - 1), np.complex64),
        np.zeros((3, N), np.complex128),
        np.zeros((3, 2 * N), np.complex64)[:, ::2],
    ],
)
def test_a_place_that_does_not_fit_is_refused(out, noise):
    with pytest.raises(ArgumentError, match="C-contiguous complex64"):
        MeanFilter()(noise(3, N), out=out)


def test_the_packet_s_own_memory_is_no_place_for_the_result(noise):
    packet = noise(3, N)
    with pytest.raises(ArgumentError, match="own memory"):
        MeanFilter()(packet, out=packet)


def test_a_matrix_that_a_caller_changes_is_his_own(noise):
    clutter = MeanFilter()
    expected = clutter(noise(3, N))
    clutter.matrix(N)[:] = 0
    np.testing.assert_array_equal(clutter(noise(3, N)), expected)


def test_packets_of_many_sizes_are_served(noise):
    clutter = PolynomialFilter(1)
    for n in range(3, 30):
        assert np.abs(clutter(np.ones((1, n), np.complex64))).max() < 1e-5
