"""Log compression: envelope to decibels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from usdk_kernels._compile import kernel

FLOOR_DB = np.float32(-200)
"""Level given to an envelope of zero, and the lowest level that `log_compress` returns."""


@kernel
def log_compress(
    envelope: npt.NDArray[np.float32], reference: float, out: npt.NDArray[np.float32]
) -> None:
    r"""Envelope in decibels relative to `reference`.

    .. math:: L[i, n] = \max\left(20 \log_{10} \frac{E[i, n]}{E_0}, L_{floor}\right)

    The logarithm is taken from the bits of the float32 ratio :math:`m 2^e`, with
    :math:`m \in [\sqrt{1/2}, \sqrt 2)` and the series :math:`\ln m = 2\,\mathrm{artanh}\,
    \frac{m-1}{m+1}`, which vectorises where a call of ``log10`` does not.  The error is below
    2e-5 dB within ±100 dB of the reference.

    Parameters
    ----------
    envelope : (n_rows, n_samples) float32, C-contiguous
        Envelope, ≥ 0.
    reference : float64 > 0
        Envelope of 0 dB, for instance the image's maximum, in the unit of `envelope`.
    out : (n_rows, n_samples) float32, C-contiguous
        Level in dB.  Zero, negative and vanishing envelopes give `FLOOR_DB`; NaN gives NaN, so
        that a fault upstream stays visible; an infinite envelope gives +inf.  Overwritten; may
        be `envelope` itself.

    Notes
    -----
    Not checked: shapes, that `reference` is positive and finite.
    """
    n_rows, n_samples = envelope.shape
    zero = np.float32(0)
    one = np.float32(1)
    smallest = np.float32(2.0**-126)
    largest = np.float32(np.finfo(np.float32).max)
    db_per_octave = np.float32(6.020599913279624)  # 20 log10 2
    db_per_neper = np.float32(8.685889638065035)  # 20 / ln 10
    inverse = 1.0 / reference
    bits = np.empty(n_samples, np.int32)
    ratios = bits.view(np.float32)
    for i in range(n_rows):
        for n in range(n_samples):
            # In float64, so that a reference near the ends of float32 loses nothing.
            ratio = np.float64(envelope[i, n]) * inverse
            ratio = ratio if ratio > smallest else np.float64(smallest)  # NaN, too
            ratios[n] = np.float32(ratio if ratio < largest else np.float64(largest))
        for n in range(n_samples):
            word = bits[n]
            # Exponent such that the mantissa lies in [sqrt(1/2), sqrt(2)).
            exponent = np.int32(np.int32(word - np.int32(0x3F3504F3)) >> np.int32(23))
            bits[n] = np.int32(word - np.int32(exponent << np.int32(23)))
            mantissa = ratios[n]
            s = (mantissa - one) / (mantissa + one)
            s2 = s * s
            series = np.float32(1 / 7) + s2 * np.float32(1 / 9)
            series = np.float32(1 / 3) + s2 * (np.float32(1 / 5) + s2 * series)
            neper = np.float32(2) * (s + s * s2 * series)
            level = np.float32(exponent) * db_per_octave + db_per_neper * neper
            value = envelope[i, n]
            level = level if level > FLOOR_DB and value > zero else FLOOR_DB
            level = value if value == np.float32(np.inf) else level
            out[i, n] = value if value != value else level
