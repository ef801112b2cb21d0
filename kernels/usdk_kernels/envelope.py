"""Envelope detection: the magnitude of the analytic signal."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from usdk_kernels._compile import kernel


@kernel
def envelope_iq(iq: npt.NDArray[np.complex64], out: npt.NDArray[np.float32]) -> None:
    r"""Magnitude of IQ data.

    .. math:: E[i, n] = \sqrt{I[i, n]^2 + Q[i, n]^2}

    The squares are summed in float64, so that no finite input overflows or underflows.  A NaN
    in either component gives NaN.

    Parameters
    ----------
    iq : (n_rows, n_samples) complex64, C-contiguous
        IQ data; any amplitude unit.
    out : (n_rows, n_samples) float32, C-contiguous
        Envelope, in the unit of `iq`.  Overwritten.

    Notes
    -----
    Not checked: that the shapes agree.
    """
    n_rows, n_samples = iq.shape
    for i in range(n_rows):
        for n in range(n_samples):
            real = np.float64(iq[i, n].real)
            imag = np.float64(iq[i, n].imag)
            out[i, n] = np.float32(math.sqrt(real * real + imag * imag))


@kernel
def envelope_rf(
    rf: npt.NDArray[np.float32],
    hilbert_taps: npt.NDArray[np.float32],
    out: npt.NDArray[np.float32],
) -> None:
    r"""Envelope of real RF lines by an FIR Hilbert transformer.

    .. math::
        \hat x[i, n] &= \sum_{k=0}^{K-1} h[k]\, x[i, n + (K-1)/2 - k] \\
        E[i, n] &= \sqrt{x[i, n]^2 + \hat x[i, n]^2}

    The transformer is centred on its middle tap, so the envelope is not delayed.  Samples
    outside the line count as zero: the first and last (K − 1)/2 samples are less accurate.

    Parameters
    ----------
    rf : (n_rows, n_samples) float32, C-contiguous
        RF lines; any amplitude unit.
    hilbert_taps : (n_taps,) float32, C-contiguous
        Impulse response of a type III FIR Hilbert transformer: n_taps odd, antisymmetric,
        ideally ``h[m] = 2 / (pi m)`` for odd ``m = k - (n_taps - 1) / 2`` under a window.
        What its pass band leaves out of the signal's band is missing from the envelope.
    out : (n_rows, n_samples) float32, C-contiguous
        Envelope, in the unit of `rf`.  Overwritten; must not be `rf`.

    Notes
    -----
    Not checked: shapes, that n_taps is odd and that the taps are antisymmetric.

    References
    ----------
    A. V. Oppenheim, R. W. Schafer, *Discrete-Time Signal Processing*, section 12.4.2
    (FIR Hilbert transformers), 3rd edition.
    """
    n_rows, n_samples = rf.shape
    n_taps = hilbert_taps.size
    half = n_taps // 2
    quadrature = np.empty(n_samples, np.float32)
    for i in range(n_rows):
        line = rf[i]
        for n in range(n_samples):
            quadrature[n] = np.float32(0)
        for k in range(n_taps):
            tap = hilbert_taps[k]
            if tap == np.float32(0):  # every second tap of a type III transformer
                continue
            shift = half - k
            first = max(0, -shift)
            last = min(n_samples, n_samples - shift)
            if last > first:
                source = line[first + shift : last + shift]
                target = quadrature[first:last]
                for n in range(last - first):
                    target[n] += tap * source[n]
        for n in range(n_samples):
            real = np.float64(line[n])
            imag = np.float64(quadrature[n])
            out[i, n] = np.float32(math.sqrt(real * real + imag * imag))
