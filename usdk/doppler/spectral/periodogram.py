"""Periodogram and Welch: spectra by the Fourier transform."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import count, finite
from usdk.beamform.options import Window
from usdk.choice import choice
from usdk.doppler.spectral.estimator import SpectralEstimator
from usdk.doppler.spectral.sample_volume import range_window
from usdk.errors import ArgumentError

__all__ = ["Periodogram", "Welch"]


class Periodogram(SpectralEstimator):
    r"""Squared Fourier transform of the windowed pulses.

    .. math:: S[k] = \frac{1}{K \sum_n w_n^2}
        \left| \sum_n w_n x_n e^{-2 \pi j k n / K} \right|^2

    with K bins, averaged over the looks. The bins add up to the mean power of the pulses, each
    counted by its squared weight (Parseval). A window longer than there are bins is refused.

    Parameters
    ----------
    n_window, n_bins
        As for `SpectralEstimator`.
    window : Window or str
        Weights of the pulses.

    References
    ----------
    P. D. Welch, "The use of fast Fourier transform for the estimation of power spectra", IEEE
    Trans. Audio Electroacoust. 15(2), 1967: the modified periodogram.
    """

    def __init__(
        self, n_window: int, n_bins: int | None = None, *, window: Window | str = Window.HANN
    ) -> None:
        super().__init__(n_window, n_bins)
        if self.n_window > self.n_bins:
            raise ArgumentError(f"{n_window} pulses need as many bins, got {self.n_bins}")
        self.window = choice(Window, window)
        self._weights, self._scale = _weights(self.window, self.n_window, self.n_bins)

    def __call__(self, windows: NDArray[np.complex64]) -> NDArray[np.float32]:
        """Return spectra; as `SpectralEstimator` says."""
        return _mean_power(windows, self._weights, self._scale, self.n_bins)

    def describe(self) -> str:
        """Return name and settings."""
        return f"periodogram of {self.n_window} pulses, {self.window} window, {self.n_bins} bins"


class Welch(SpectralEstimator):
    """Mean of the periodograms of overlapping parts of the window.

    The variance falls with the number of parts, and the resolution with their length.

    Parameters
    ----------
    n_window, n_bins
        As for `SpectralEstimator`.
    n_part : int, optional
        Pulses of a part; a half of the window when absent.
    overlap : float
        Share of a part that the next one shares, 0 to 0.95.
    window : Window or str
        Weights of a part's pulses.

    References
    ----------
    P. D. Welch, IEEE Trans. Audio Electroacoust. 15(2), 1967.
    """

    def __init__(
        self,
        n_window: int,
        n_bins: int | None = None,
        *,
        n_part: int | None = None,
        overlap: float = 0.5,
        window: Window | str = Window.HANN,
    ) -> None:
        super().__init__(n_window, n_bins)
        most = min(self.n_window, self.n_bins)
        n_part = self.n_window // 2 if n_part is None else n_part
        self.n_part = count(n_part, "n_part", least=2, most=most)
        self.overlap = finite(overlap, "overlap")
        if not 0 <= self.overlap <= 0.95:
            raise ArgumentError(f"overlap must be 0 to 0.95, got {overlap}")
        self.window = choice(Window, window)
        step = max(1, round(self.n_part * (1 - self.overlap)))
        self._starts = range(0, self.n_window - self.n_part + 1, step)
        self._weights, self._scale = _weights(self.window, self.n_part, self.n_bins)

    def __call__(self, windows: NDArray[np.complex64]) -> NDArray[np.float32]:
        """Return spectra; as `SpectralEstimator` says."""
        total = np.zeros((windows.shape[1], self.n_bins), np.float32)
        for start in self._starts:
            part = windows[..., start : start + self.n_part]
            total += _mean_power(part, self._weights, self._scale, self.n_bins)
        return np.asarray(total / np.float32(len(self._starts)))

    def describe(self) -> str:
        """Return name and settings."""
        return (
            f"Welch's mean of {len(self._starts)} × {self.n_part} of {self.n_window} pulses, "
            f"{self.window} window, {self.n_bins} bins"
        )


def _weights(window: Window, n_pulses: int, n_bins: int) -> tuple[NDArray[np.float32], np.float32]:
    place = (np.arange(n_pulses) + 0.5) / n_pulses
    weights = range_window(window, np.abs(2 * place - 1))
    return weights.astype(np.float32), np.float32(1 / (n_bins * np.sum(weights**2)))


def _mean_power(
    windows: NDArray[np.complex64], weights: NDArray[np.float32], scale: np.float32, n_bins: int
) -> NDArray[np.float32]:
    # numpy transforms row by row: a row's bits do not depend on how many there are.
    spectrum = np.fft.fft(windows * weights, n_bins, axis=-1)
    power = spectrum.real**2 + spectrum.imag**2
    mean = power.sum(axis=0, dtype=np.float32) * (scale / np.float32(power.shape[0]))
    return np.asarray(np.fft.fftshift(mean, axes=-1), np.float32)
