r"""Adaptive spectra of short windows: Capon's minimum variance, and blood APES.

Both look at the window as overlapping sub-vectors of L pulses, of every look, forwards and
backwards (conjugated), with the mean covariance

.. math:: R = \frac{1}{M} \sum_m y_m y_m^H, \qquad y_m = (x_m, \ldots, x_{m+L-1})^T

to which a small part of its mean diagonal is added (loading), so that it can be inverted.

References
----------
F. Gran, A. Jakobsson, J. A. Jensen, "Adaptive spectral Doppler estimation", IEEE Trans. Ultrason.
Ferroelectr. Freq. Control 56(4), 2009, 700-714: both estimators with averages over depth. J. Capon,
"High-resolution frequency-wavenumber spectrum analysis", Proc. IEEE 57(8), 1969. J. Li, P. Stoica,
"An adaptive filtering approach to spectral estimation and SAR imaging", IEEE Trans. Signal Process.
44(6), 1996: APES.
"""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import count, positive
from usdk.doppler.spectral.estimator import SpectralEstimator

__all__ = ["BloodApes", "Capon"]

MAX_LENGTH = 128
_TINY = 1e-30


class _Adaptive(SpectralEstimator):
    """What both estimators share.

    Parameters
    ----------
    n_window, n_bins
        As for `SpectralEstimator`.
    n_filter : int, optional
        L, pulses of a sub-vector, 2 to `MAX_LENGTH`; half the window when absent.
    loading : float
        Share of the mean power that is added to the diagonal.
    """

    def __init__(
        self,
        n_window: int,
        n_bins: int | None = None,
        *,
        n_filter: int | None = None,
        loading: float = 1e-3,
    ) -> None:
        super().__init__(n_window, n_bins)
        most = min(self.n_window - 1, MAX_LENGTH, self.n_bins // 2)
        n_filter = min(self.n_window // 2, most) if n_filter is None else n_filter
        self.n_filter = count(n_filter, "n_filter", least=2, most=most)
        self.loading = positive(loading, "loading")
        frequencies = np.arange(self.n_bins) / self.n_bins - (self.n_bins // 2) / self.n_bins
        self._steering = np.exp(2j * np.pi * np.outer(frequencies, np.arange(self.n_filter)))
        self._shift = np.exp(-2j * np.pi * np.outer(frequencies, np.arange(self.n_window)))

    def __call__(self, windows: NDArray[np.complex64]) -> NDArray[np.float32]:
        """Return spectra; as `SpectralEstimator` says."""
        spectra = np.empty((windows.shape[1], self.n_bins), np.float32)
        for column in range(windows.shape[1]):
            looks = windows[:, column].astype(np.complex128)
            # Backwards and conjugated it has the same spectrum: twice as many looks.
            looks = np.concatenate((looks, looks[:, ::-1].conj()))
            parts = np.lib.stride_tricks.sliding_window_view(looks, self.n_filter, axis=-1)
            spectra[column] = self._power(parts) * (self.n_filter / self.n_bins)
        return spectra

    def _covariance(self, parts: NDArray[np.complex128]) -> NDArray[np.complex128]:
        """Return R of (n_looks, n_parts, L), loaded."""
        rows = parts.reshape(-1, self.n_filter)
        covariance = rows.T @ rows.conj() / len(rows)
        mean = np.trace(covariance).real / self.n_filter
        # So small an addition that a window of zeros has a spectrum of zeros.
        covariance[np.diag_indices(self.n_filter)] += self.loading * mean + _TINY
        return np.asarray(covariance)

    @abstractmethod
    def _power(self, parts: NDArray[np.complex128]) -> NDArray[np.float64]:
        """Return the power at the output of each frequency's filter, (n_bins,)."""


class Capon(_Adaptive):
    r"""Minimum variance: of each frequency, the filter of gain 1 with the least output.

    .. math:: S(f) = \frac{L}{K} \frac{1}{a^H R^{-1} a}, \qquad a_n = e^{2 \pi j f n}

    It separates frequencies that a Fourier transform of the same pulses does not.

    Parameters
    ----------
    n_window, n_bins
        As for `SpectralEstimator`.
    n_filter : int, optional
        L, pulses of a sub-vector, 2 to `MAX_LENGTH`; half the window when absent.
    loading : float
        Share of the mean power that is added to the diagonal.

    References
    ----------
    Gran, Jakobsson and Jensen 2009, section III-A (blood power Capon).
    """

    def _power(self, parts: NDArray[np.complex128]) -> NDArray[np.float64]:
        inverse = np.linalg.inv(self._covariance(parts))
        # The sums of the diagonals are the coefficients of the denominator's Fourier series
        # (B. R. Musicus, IEEE Trans. Acoust. Speech Signal Process. 33(5), 1985).
        sums = np.array([np.trace(inverse, offset=k) for k in range(self.n_filter)])
        denominator = (self._steering[:, 1:] @ sums[1:]).real * 2 + sums[0].real
        return np.asarray(1 / np.maximum(denominator, _TINY))

    def describe(self) -> str:
        """Return name and settings."""
        return (
            f"Capon, filters of {self.n_filter} of {self.n_window} pulses, loading "
            f"{self.loading:g}, {self.n_bins} bins"
        )


class BloodApes(_Adaptive):
    r"""Blood APES: matched filters whose noise is what is left beside their own frequency.

    With the Fourier transforms over the sub-vectors of each look k, :math:`g_k(f)`,

    .. math:: Q = R - \frac{1}{K} \sum_k g_k g_k^H, \qquad h = \frac{Q^{-1} a}{a^H Q^{-1} a},
        \qquad S(f) = \frac{L}{K_{bins}} \frac{1}{K} \sum_k |h^H g_k|^2

    Lines keep their power, where Capon's read low.

    Parameters
    ----------
    n_window, n_bins
        As for `SpectralEstimator`.
    n_filter : int, optional
        L, pulses of a sub-vector, 2 to `MAX_LENGTH`; half the window when absent.
    loading : float
        Share of the mean power that is added to the diagonal.

    References
    ----------
    Gran, Jakobsson and Jensen 2009, section III-B.
    """

    def _power(self, parts: NDArray[np.complex128]) -> NDArray[np.float64]:
        n_looks, n_parts, _ = parts.shape
        inverse = np.linalg.inv(self._covariance(parts))
        # (n_bins, L, n_looks): of each look the transform over its sub-vectors.
        g = np.einsum("fm,kml->flk", self._shift[:, :n_parts], parts, optimize=True) / n_parts
        # Woodbury: the inverse of Q without inverting a matrix of every frequency.
        weighted_g = inverse @ g
        weighted_a = self._steering @ inverse.T
        cross = g.conj().transpose(0, 2, 1)
        inner = np.eye(n_looks) * n_looks - cross @ weighted_g
        # R holds the mean of g gᴴ: loading keeps what is left of it above 0.
        correction = np.linalg.solve(inner, cross @ weighted_a[..., None])
        filtered = weighted_a[..., None] + weighted_g @ correction
        gain = np.einsum("fl,fl->f", self._steering.conj(), filtered[..., 0]).real
        outputs = cross @ filtered
        power = np.mean(np.abs(outputs[..., 0]) ** 2, axis=1) / np.maximum(gain, _TINY) ** 2
        return np.asarray(power)

    def describe(self) -> str:
        """Return name and settings."""
        return (
            f"blood APES, filters of {self.n_filter} of {self.n_window} pulses, loading "
            f"{self.loading:g}, {self.n_bins} bins"
        )
