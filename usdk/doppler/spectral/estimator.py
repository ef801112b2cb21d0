"""SpectralEstimator: power against Doppler frequency from a few pulses."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import count

__all__ = ["MAX_BINS", "MAX_WINDOW", "SpectralEstimator"]

MAX_WINDOW = 8192
MAX_BINS = 16_384


class SpectralEstimator(ABC):
    """Estimates the power spectrum of a window of pulses.

    Power is counted per bin: white noise of the power σ² has σ² / n_bins in every bin, and the bins
    of a periodogram or of Welch's mean add up to the signal's power. Adaptive ones are scaled
    alike, but read noise low, the more so the fewer vectors their covariance comes from.

    Parameters
    ----------
    n_window : int
        Pulses of a window.
    n_bins : int, optional
        Frequencies, from −PRF/2 up in steps of PRF / n_bins; the power of two from 256 on that is
        not less than the window when absent.
    """

    def __init__(self, n_window: int, n_bins: int | None = None) -> None:
        self.n_window = count(n_window, "n_window", least=4, most=MAX_WINDOW)
        if n_bins is None:
            n_bins = max(256, 1 << (self.n_window - 1).bit_length())
        self.n_bins = count(n_bins, "n_bins", least=8, most=MAX_BINS)

    @abstractmethod
    def __call__(self, windows: NDArray[np.complex64]) -> NDArray[np.float32]:
        """Return spectra, (n_columns, n_bins), lowest frequency first.

        Parameters
        ----------
        windows : ndarray of complex64, (n_looks, n_columns, n_window)
            Pulses of each look and window.
        """

    @abstractmethod
    def describe(self) -> str:
        """Return name and settings in a few words, for provenance."""
