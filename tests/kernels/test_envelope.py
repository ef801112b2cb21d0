"""Envelope detection against float64 magnitudes and scipy's analytic signal."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from usdk_kernels import envelope


def kernels(kernel):
    """The compiled kernel and its source."""
    return [kernel, getattr(kernel, "py_func", kernel)]


def envelope_rf_reference(rf, taps):
    """Float64 convolution, centred."""
    return np.stack([np.hypot(x, np.convolve(x, taps)[len(taps) // 2 :][: len(x)]) for x in rf])


def hilbert_taps(n):
    m = np.arange(n) - n // 2
    ideal = np.where(m % 2, 2 / (np.pi * np.where(m == 0, 1, m)), 0)
    return (ideal * np.hamming(n)).astype(np.float32)


@pytest.mark.parametrize("kernel", kernels(envelope.envelope_iq))
def test_iq_magnitude(kernel):
    rng = np.random.default_rng(0)
    iq = (rng.standard_normal((3, 37)) + 1j * rng.standard_normal((3, 37))).astype(np.complex64)
    out = np.empty(iq.shape, np.float32)
    kernel(iq, out)
    np.testing.assert_allclose(out, np.abs(iq.astype(complex)), rtol=1e-7)


@pytest.mark.parametrize("kernel", kernels(envelope.envelope_iq))
def test_iq_magnitude_neither_overflows_nor_vanishes(kernel):
    iq = np.array([[3e38, 3e37j, 2e38 + 2e38j, 1e-44, 3e-30 + 4e-30j, 0]], np.complex64)
    out = np.empty(iq.shape, np.float32)
    kernel(iq, out)
    np.testing.assert_allclose(out, np.abs(iq.astype(complex)), rtol=1e-6)


@pytest.mark.parametrize("kernel", kernels(envelope.envelope_iq))
def test_iq_nan_stays_visible(kernel):
    iq = np.array([[complex(np.nan, 0), complex(0, np.nan), 1]], np.complex64)
    out = np.empty(iq.shape, np.float32)
    kernel(iq, out)
    np.testing.assert_array_equal(out, [[np.nan, np.nan, 1]])


@pytest.mark.parametrize("n_samples", [0, 1, 5, 40, 200])
@pytest.mark.parametrize("kernel", kernels(envelope.envelope_rf))
def test_rf_equals_the_convolution(kernel, n_samples):
    rf = np.random.default_rng(1).standard_normal((2, n_samples)).astype(np.float32)
    taps = hilbert_taps(33)
    out = np.empty_like(rf)
    kernel(rf, taps, out)
    if n_samples:
        expected = envelope_rf_reference(rf.astype(float), taps.astype(float))
        np.testing.assert_allclose(out, expected, atol=2e-6)


def test_rf_pulse_has_its_own_envelope_without_delay():
    t = (np.arange(400) - 200) / 40e6
    gauss = np.exp(-0.5 * (t / 0.3e-6) ** 2)
    rf = (gauss * np.cos(2 * np.pi * 8e6 * t + 0.7))[None].astype(np.float32)
    out = np.empty_like(rf)
    envelope.envelope_rf(rf, hilbert_taps(65), out)
    np.testing.assert_allclose(out[0], gauss, atol=5e-3)
    np.testing.assert_allclose(out[0], np.abs(signal.hilbert(rf[0].astype(float))), atol=5e-3)


def test_one_specialisation_serves_all_calls():
    for n in (0, 1, 9):
        out = np.empty((2, n), np.float32)
        envelope.envelope_iq(np.zeros((2, n), np.complex64), out)
        envelope.envelope_rf(np.zeros((2, n), np.float32), hilbert_taps(5), out)
    for kernel in (envelope.envelope_iq, envelope.envelope_rf):
        assert len(getattr(kernel, "signatures", [None])) == 1
