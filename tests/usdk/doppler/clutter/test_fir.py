"""FIR filters against scipy's."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.signal

from usdk.doppler.clutter import FirFilter
from usdk.errors import ArgumentError


@pytest.mark.parametrize("taps", [[1.0], [1, -1], [0.2, -0.5, 0.9, -0.4], [0, 0, 1]])
def test_it_is_lfilter_without_its_beginning(taps, noise):
    packet = noise(3, 7, 12)
    expected = scipy.signal.lfilter(taps, 1, packet.astype(complex))[..., len(taps) - 1 :]
    np.testing.assert_allclose(FirFilter(taps)(packet), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("cutoff", "n_taps", "beta"), [(0.1, 7, 2.0), (0.3, 3, 0.0), (0.05, 31, 8.0)]
)
def test_a_high_pass_is_a_pulse_less_scipy_s_low_pass(cutoff, n_taps, beta):
    low = scipy.signal.firwin(n_taps, cutoff, window=("kaiser", beta), fs=1.0)
    expected = np.eye(n_taps)[n_taps // 2] - low
    made = FirFilter.high_pass(cutoff, n_taps, beta=beta)
    np.testing.assert_allclose(made.taps, expected, atol=1e-7)
    assert made.taps.sum() == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("order", range(1, 9))
def test_differences_take_polynomials_of_lower_order_away(order):
    clutter = FirFilter.difference(order)
    times = np.linspace(-1, 1, 12)
    assert np.abs(clutter((times ** (order - 1)).astype(np.complex64))).max() < 1e-6
    assert np.abs(clutter((-1.0) ** np.arange(12) + 0j)).max() == pytest.approx(1)


def test_outputs_and_words():
    assert FirFilter([1, -1]).n_pulses_out(2) == 1
    assert FirFilter([1, -1]).describe() == "FIR, 2 taps"
    assert FirFilter.difference(2).describe() == "FIR, difference of order 2"
    assert "cutoff 0.1 PRF" in FirFilter.high_pass(0.1, 5).describe()


@pytest.mark.parametrize(
    "taps", [[], [[1, 2]], [math.nan, 1], [math.inf], ["a"], [1j], [0, 0], np.ones(256), None]
)
def test_taps_that_are_none_are_refused(taps):
    with pytest.raises(ArgumentError, match="taps"):
        FirFilter(taps)


@pytest.mark.parametrize(
    "options",
    [
        {"n_taps": 4},
        {"n_taps": 1},
        {"n_taps": 257},
        {"cutoff": 0.5},
        {"cutoff": math.nan},
        {"beta": -1},
        {"beta": math.nan},
    ],
)
def test_designs_that_cannot_be_are_refused(options):
    with pytest.raises(ArgumentError):
        FirFilter.high_pass(**{"cutoff": 0.1, "n_taps": 5, **options})


@pytest.mark.parametrize("order", [0, 9, 1.5])
def test_orders_of_differences_are_limited(order):
    with pytest.raises(ArgumentError, match="order"):
        FirFilter.difference(order)


def test_a_packet_shorter_than_the_taps_is_refused(noise):
    with pytest.raises(ArgumentError, match="3 pulses is too short for 5 taps"):
        FirFilter.high_pass(0.1, 5)(noise(2, 3))


def test_taps_stay_as_they_were_given():
    taps = np.array([1.0, -1.0])
    clutter = FirFilter(taps)
    taps[:] = 0
    np.testing.assert_array_equal(clutter.taps, [1, -1])
    with pytest.raises(ValueError, match="read-only"):
        clutter.taps[0] = 0
