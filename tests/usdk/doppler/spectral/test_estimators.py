from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import signal

from usdk.doppler.spectral import BloodApes, Capon, Periodogram, Welch
from usdk.errors import ArgumentError

ESTIMATORS = [Periodogram, Welch, Capon, BloodApes]


def tone(frequency: float, n_pulses: int = 32, amplitude: complex = 1.0) -> Any:
    """One window of a tone, its frequency in shares of the PRF."""
    turns = frequency * np.arange(n_pulses)
    return (amplitude * np.exp(2j * np.pi * turns)).astype(np.complex64)[None, None]


def noise(n_columns: int, n_pulses: int, n_looks: int = 1) -> Any:
    """White noise of power 1."""
    random = np.random.default_rng(5)
    parts = random.standard_normal((2, n_looks, n_columns, n_pulses)) / np.sqrt(2)
    return (parts[0] + 1j * parts[1]).astype(np.complex64)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("frequency", [-0.5, -0.3125, 0.0, 0.125, 0.46875])
def test_a_tone_stands_in_its_bin(estimator: Any, frequency: float) -> None:
    power = estimator(32, 256)(tone(frequency) + 1e-3 * noise(1, 32))[0]
    assert power.dtype == np.float32
    assert np.argmax(power) == 128 + round(frequency * 256)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_tone_beyond_half_the_prf_is_aliased(estimator: Any) -> None:
    power = estimator(32, 256)(tone(0.625) + 1e-3 * noise(1, 32))[0]
    assert np.argmax(power) == 128 + round((0.625 - 1) * 256)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_scale_and_direction(estimator: Any) -> None:
    windows = noise(3, 32)
    power = estimator(32, 128)(windows)
    np.testing.assert_allclose(estimator(32, 128)(3 * windows), 9 * power, rtol=1e-4)
    # The conjugate is the mirror image, of the other direction.
    mirrored = estimator(32, 128)(windows.conj())
    np.testing.assert_allclose(mirrored[:, 1:], power[:, :0:-1], rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(
    ("estimator", "low", "high"),
    [(Periodogram, 0.99, 1.01), (Welch, 0.98, 1.02), (Capon, 0.6, 1.0), (BloodApes, 0.6, 1.0)],
)
def test_white_noise_is_as_high_in_every_bin(estimator: Any, low: float, high: float) -> None:
    n_columns = 3000 if estimator in (Periodogram, Welch) else 300
    mean = estimator(32, 32)(noise(n_columns, 32)).mean(axis=0) * 32
    assert low < mean.mean() < high
    assert mean.std() < 0.1


@pytest.mark.parametrize("window", ["boxcar", "hann", "blackman"])
def test_the_bins_add_up_to_the_windowed_power(window: str) -> None:
    windows = noise(4, 48)
    estimator = Periodogram(48, 256, window=window)
    weights = estimator._weights.astype(np.float64)
    expected = (np.abs(windows[0]) ** 2 * weights**2).sum(axis=1) / np.sum(weights**2)
    np.testing.assert_allclose(estimator(windows).sum(axis=1), expected, rtol=1e-5)


def test_the_periodogram_is_scipy_s() -> None:
    windows = noise(2, 64)
    estimator = Periodogram(64, 128)
    _, expected = signal.periodogram(
        windows[0],
        window=estimator._weights,
        nfft=128,
        return_onesided=False,
        scaling="density",
        detrend=False,
    )
    np.testing.assert_allclose(
        estimator(windows), np.fft.fftshift(expected, axes=-1) / 128, rtol=1e-4, atol=1e-9
    )


def test_welch_is_scipy_s() -> None:
    windows = noise(2, 64)
    estimator = Welch(64, 64, n_part=32)
    _, expected = signal.welch(
        windows[0],
        window=estimator._weights,
        nperseg=32,
        noverlap=16,
        nfft=64,
        return_onesided=False,
        detrend=False,
    )
    np.testing.assert_allclose(
        estimator(windows), np.fft.fftshift(expected, axes=-1) / 64, rtol=1e-4, atol=1e-9
    )


def test_the_resolution_is_that_of_the_window() -> None:
    power = Periodogram(64, 4096)(tone(0.1, 64))[0]
    # The −6 dB width of a Hann window is 2 / N.
    width = np.count_nonzero(power > power.max() / 4) / 4096
    assert width == pytest.approx(2.0 / 64, rel=0.03)


def capon_as_written(x: Any, n_filter: int, n_bins: int, loading: float) -> Any:
    """Capon, frequency by frequency, without any short cut."""
    parts = [x[m : m + n_filter] for m in range(len(x) - n_filter + 1)]
    backwards = [part[::-1].conj() for part in parts]
    r = np.mean([np.outer(y, y.conj()) for y in parts + backwards], axis=0)
    r += loading * np.trace(r).real / n_filter * np.eye(n_filter)
    inverse = np.linalg.inv(r)
    spectrum = []
    for k in range(-(n_bins // 2), n_bins // 2):
        a = np.exp(2j * np.pi * k / n_bins * np.arange(n_filter))
        spectrum.append(n_filter / n_bins / (a.conj() @ inverse @ a).real)
    return np.array(spectrum)


def apes_as_written(looks: Any, n_filter: int, n_bins: int, loading: float) -> Any:
    """Blood APES with an inverse of each frequency's own Q."""
    vectors = [
        [x[m : m + n_filter] for m in range(looks.shape[1] - n_filter + 1)]
        for x in np.concatenate((looks, looks[:, ::-1].conj()))
    ]
    r = np.mean([np.outer(y, y.conj()) for look in vectors for y in look], axis=0)
    r += loading * np.trace(r).real / n_filter * np.eye(n_filter)
    spectrum = []
    for k in range(-(n_bins // 2), n_bins // 2):
        a = np.exp(2j * np.pi * k / n_bins * np.arange(n_filter))
        phases = np.exp(-2j * np.pi * k / n_bins * np.arange(len(vectors[0])))
        g = [np.mean(phases[:, None] * np.array(look), axis=0) for look in vectors]
        q = np.linalg.inv(r - np.mean([np.outer(v, v.conj()) for v in g], axis=0))
        h = q @ a / (a.conj() @ q @ a)
        spectrum.append(n_filter / n_bins * np.mean([np.abs(h.conj() @ v) ** 2 for v in g]))
    return np.array(spectrum)


def test_capon_is_what_its_equation_says() -> None:
    windows = noise(1, 24) + tone(0.2, 24)
    power = Capon(24, 64, n_filter=10, loading=1e-2)(windows)[0]
    expected = capon_as_written(windows[0, 0].astype(complex), 10, 64, 1e-2)
    np.testing.assert_allclose(power, expected, rtol=1e-4)


@pytest.mark.parametrize("n_looks", [1, 3])
def test_blood_apes_is_what_its_equation_says(n_looks: int) -> None:
    windows = noise(1, 24, n_looks) + tone(0.2, 24)
    power = BloodApes(24, 64, n_filter=8, loading=1e-2)(windows)[0]
    expected = apes_as_written(windows[:, 0].astype(complex), 8, 64, 1e-2)
    np.testing.assert_allclose(power, expected, rtol=1e-3)


def peaks(power: Any) -> Any:
    """Bins of the peaks within 10 dB of the greatest."""
    inner = power[1:-1]
    is_peak = (inner > power[:-2]) & (inner > power[2:]) & (inner > power.max() / 10)
    return np.flatnonzero(is_peak) + 1


@pytest.mark.parametrize("estimator", [Capon, BloodApes])
def test_short_windows_are_resolved_that_fourier_cannot_resolve(estimator: Any) -> None:
    # Two tones of one amplitude, 1.4 / N apart: inside the main lobe of the Hann window.
    windows = tone(0.1, 16) + tone(0.1 + 1.4 / 16, 16, 1j) + 1e-2 * noise(1, 16)
    assert len(peaks(Periodogram(16, 512)(windows)[0])) == 1
    found = peaks(estimator(16, 512)(windows)[0])
    expected = 256 + 512 * np.array([0.1, 0.1 + 1.4 / 16])
    np.testing.assert_allclose(found, expected, atol=512 * 0.25 / 16)


def test_blood_apes_keeps_the_power_of_a_line() -> None:
    estimator = BloodApes(32, 256)
    power = estimator(tone(0.125) + 1e-2 * noise(1, 32))[0].max()
    # Of the filter of gain 1, times L / n_bins.
    assert power * 256 / estimator.n_filter == pytest.approx(1.0, rel=0.05)


def test_looks_lower_the_variance() -> None:
    one = Periodogram(32, 32)(noise(500, 32)).std()
    four = Periodogram(32, 32)(noise(500, 32, 4)).std()
    assert four / one == pytest.approx(0.5, rel=0.1)


def test_silence_is_silence() -> None:
    for estimator in ESTIMATORS:
        power = estimator(16, 64)(np.zeros((1, 2, 16), np.complex64))
        np.testing.assert_allclose(power, 0, atol=1e-20)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: Periodogram(3), "n_window"),
        (lambda: Periodogram(64, 32), "as many bins"),
        (lambda: Welch(64, overlap=1.0), "overlap"),
        (lambda: Welch(64, n_part=65), "n_part"),
        (lambda: Capon(32, n_filter=32), "n_filter"),
        (lambda: BloodApes(32, loading=0), "loading"),
    ],
)
def test_options_out_of_range_are_refused(make: Any, match: str) -> None:
    with pytest.raises(ArgumentError, match=match):
        make()
