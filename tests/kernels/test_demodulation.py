"""IQ demodulation against float64 mixing, scipy's convolution and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from usdk_kernels import demodulation


def kernels(kernel):
    """The compiled kernel and its source."""
    return [kernel, getattr(kernel, "py_func", kernel)]


def mix_reference(rf, fs, fd, zero):
    return rf * np.exp(-2j * np.pi * fd * (zero + np.arange(rf.shape[1]) / fs))


def fir_reference(mixed, taps, decimation):
    half = len(taps) // 2
    rows = [np.convolve(x, taps)[half : half + len(x)] for x in mixed.astype(complex)]
    return 2 * np.stack(rows)[:, ::decimation]


@pytest.mark.parametrize("kernel", kernels(demodulation.mix_down))
def test_mixing_equals_the_exponential_at_large_phase(kernel):
    rf = np.random.default_rng(0).standard_normal((3, 200)).astype(np.float32)
    out = np.empty(rf.shape, np.complex64)
    kernel(rf, 20e6, 7.777e6, 500e-6, out)  # over 24 000 rad
    np.testing.assert_allclose(out, mix_reference(rf, 20e6, 7.777e6, 500e-6), atol=1e-6)


@pytest.mark.parametrize("n_samples", [1, 2, 30, 101])
@pytest.mark.parametrize("decimation", [1, 2, 5])
@pytest.mark.parametrize("kernel", kernels(demodulation.fir_decimate))
def test_filter_equals_the_convolution(kernel, decimation, n_samples):
    rng = np.random.default_rng(1)
    mixed = rng.standard_normal((2, n_samples)) + 1j * rng.standard_normal((2, n_samples))
    mixed = mixed.astype(np.complex64)
    taps = signal.firwin(21, 0.4).astype(np.float32)
    out = np.empty((2, -(-n_samples // decimation)), np.complex64)
    kernel(mixed, taps, decimation, out)
    np.testing.assert_allclose(out, fir_reference(mixed, taps, decimation), atol=2e-6)


@pytest.mark.parametrize("fs", [31.25e6, 20e6 / 3, 40e6])
def test_pulse_keeps_its_envelope_phase_and_place(fs):
    # 20/3 MHz is 4/3 of the carrier: band-pass sampling, the image folds to half the rate.
    fc, zero, centre = 5e6, 9.95e-6, 25e-6
    t = zero + np.arange(int(30e-6 * fs)) / fs
    gauss = np.exp(-0.5 * ((t - centre) / 0.6e-6) ** 2)
    rf = (3 * gauss * np.cos(2 * np.pi * fc * (t - centre)))[None].astype(np.float32)
    mixed = np.empty(rf.shape, np.complex64)
    demodulation.mix_down(rf, fs, fc, zero, mixed)
    out = np.empty_like(mixed)
    taps = signal.firwin(int(5e-6 * fs) | 1, 1.6e6, fs=fs).astype(np.float32)
    demodulation.fir_decimate(mixed, taps, 1, out)
    expected = 3 * gauss * np.exp(-2j * np.pi * fc * centre)
    np.testing.assert_allclose(out[0], expected, atol=0.03)


def test_nan_reaches_no_further_than_the_filter():
    mixed = np.ones((2, 50), np.complex64)
    mixed[0, 25] = np.nan
    out = np.empty_like(mixed)
    demodulation.fir_decimate(mixed, np.ones(5, np.float32), 1, out)
    assert np.isnan(out[0, 23:28]).all()
    assert np.isfinite(out[0, :23]).all()
    assert np.isfinite(out[0, 28:]).all()
    assert np.isfinite(out[1]).all()


def test_one_specialisation_serves_all_calls():
    for n in (0, 1, 9):
        mixed = np.empty((2, n), np.complex64)
        demodulation.mix_down(np.zeros((2, n), np.float32), 20e6, 5e6, 0.0, mixed)
        demodulation.fir_decimate(mixed, np.ones(3, np.float32), 2, mixed[:, : -(-n // 2)].copy())
    for kernel in (demodulation.mix_down, demodulation.fir_decimate):
        assert len(getattr(kernel, "signatures", [None])) == 1
