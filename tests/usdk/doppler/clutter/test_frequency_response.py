"""Frequency responses against scipy's and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal

from usdk.doppler import SlowTime
from usdk.doppler.clutter import (
    FirFilter,
    IirFilter,
    MeanFilter,
    PolynomialFilter,
    SvdFilter,
    cutoff_for,
    frequency_bias,
    frequency_response,
)
from usdk.errors import ArgumentError

SHIFTS = np.linspace(-0.5, 0.5, 201)


def test_of_a_fir_filter_it_is_the_usual_one():
    clutter = FirFilter.high_pass(0.15, 7)
    _, response = scipy.signal.freqz(clutter.taps, worN=2 * np.pi * SHIFTS)
    np.testing.assert_allclose(
        frequency_response(clutter, 12, SHIFTS), np.abs(response) ** 2, atol=1e-6
    )
    np.testing.assert_allclose(frequency_bias(clutter, 12, [-0.4, 0.2, 0.45]), 0, atol=1e-7)


@pytest.mark.parametrize("n", [4, 12, 33])
def test_of_mean_removal_it_is_one_less_the_dirichlet_kernel(n):
    with np.errstate(invalid="ignore"):
        kernel = np.sin(np.pi * SHIFTS * n) / (n * np.sin(np.pi * SHIFTS))
    kernel[SHIFTS == 0] = 1
    expected = 1 - kernel**2
    np.testing.assert_allclose(frequency_response(MeanFilter(), n, SHIFTS), expected, atol=1e-6)


def test_of_a_long_packet_an_iir_filter_has_the_usual_one():
    clutter = IirFilter(0.1, 3, initialization="zero")
    away = np.abs(SHIFTS) > 0.15
    _, response = scipy.signal.freqz_sos(clutter.sections, 2 * np.pi * SHIFTS[away])
    gain = frequency_response(clutter, 1500, SHIFTS[away])
    np.testing.assert_allclose(gain, np.abs(response) ** 2, atol=0.01)


@pytest.mark.parametrize(
    "clutter", [MeanFilter(), PolynomialFilter(2), IirFilter(0.06), FirFilter.difference(2)]
)
def test_real_filters_treat_both_directions_alike_and_stop_0_hz(clutter):
    gain, bias = (f(clutter, 12, SHIFTS) for f in (frequency_response, frequency_bias))
    np.testing.assert_allclose(gain, gain[::-1], atol=1e-9)
    passed = gain > 1e-3
    np.testing.assert_allclose(bias[passed], -bias[::-1][passed], atol=1e-6)
    assert gain[100] < 1e-11


def test_a_filter_that_does_nothing_passes_everything_unbiased():
    np.testing.assert_allclose(frequency_response(np.eye(8), 8, SHIFTS), 1)
    np.testing.assert_allclose(frequency_bias(np.eye(8), 8, SHIFTS), 0, atol=1e-12)


def test_the_bias_is_what_autocorrelation_finds(tone):
    clutter = PolynomialFilter(3)
    for shift in (0.08, 0.12, -0.3):
        left = clutter(tone(shift, 12)).astype(complex)
        found = np.angle(np.sum(left[1:] * left[:-1].conj())) / (2 * np.pi)
        expected = frequency_bias(clutter, 12, shift)
        assert found - shift == pytest.approx(float(expected), abs=1e-5)


def test_projection_stops_more_than_the_other_beginnings():
    # The share of clutter's power near 0 Hz that a third-order filter leaves of ten pulses.
    near = np.linspace(-0.01, 0.01, 21)
    left = {
        how: frequency_response(IirFilter(0.1, 3, initialization=how), 10, near).max()
        for how in ("projection", "step", "zero")
    }
    assert left["projection"] < 1e-5 < left["step"] < left["zero"]


def test_a_polynomial_stops_more_the_higher_its_degree():
    gains = [frequency_response(PolynomialFilter(d), 16, 0.03) for d in range(4)]
    assert np.all(np.diff(gains) < 0)


def test_the_cutoff_of_a_velocity_is_where_the_stop_band_ends():
    slow_time = SlowTime(prf_hz=4000, frequency_hz=5e6)
    cutoff = cutoff_for(0.05, slow_time)
    clutter = IirFilter(cutoff, 4, kind="Butterworth", initialization="zero")
    gain = frequency_response(clutter, 2000, [cutoff])
    assert 10 * np.log10(gain[0]) == pytest.approx(-3, abs=0.1)


def test_responses_have_the_shape_of_the_frequencies():
    assert frequency_response(MeanFilter(), 8, 0.1).shape == ()
    assert frequency_bias(MeanFilter(), 8, np.zeros((2, 3)) + 0.2).shape == (2, 3)
    many = frequency_response(MeanFilter(), 8, np.linspace(0, 0.5, 3000))
    assert many[2999] == pytest.approx(frequency_response(MeanFilter(), 8, [0.5])[0])


@pytest.mark.parametrize(
    ("clutter", "n_pulses", "frequencies", "words"),
    [
        (SvdFilter(2), 12, [0.1], "no frequency response"),
        (PolynomialFilter(3), 4, [0.1], "at least 5 pulses"),
        (MeanFilter(), 12, [np.nan], "finite"),
        (MeanFilter(), 12, ["fast"], "real numbers"),
        (MeanFilter(), 12, np.zeros(2**16 + 1), "at most"),
        (np.eye(3), 4, [0.1], "4 columns"),
        (np.zeros((0, 4)), 4, [0.1], "no pulses"),
        ("mean", 4, [0.1], "ClutterFilter"),
        (MeanFilter(), 2.5, [0.1], "n_pulses"),
    ],
)
def test_what_has_no_response_is_refused(clutter, n_pulses, frequencies, words):
    with pytest.raises(ArgumentError, match=words):
        frequency_response(clutter, n_pulses, frequencies)
