"""High passes of infinite response, from their poles and zeros.

SciPy designs the same ones (`scipy.signal.iirfilter`), but its import takes as long as a first
frame may; the tests compare the two.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["IirKind", "ZerosPoles", "high_pass", "sections"]


class IirKind(StrEnum):
    """Which compromise a filter is between a flat pass band and a steep edge."""

    BUTTERWORTH = "Butterworth"
    """Flat in the pass band; −3 dB at the cutoff."""
    CHEBYSHEV = "Chebyshev"
    """Equal ripple in the pass band, which ends at the cutoff; steeper (type I)."""
    INVERSE_CHEBYSHEV = "inverse Chebyshev"
    """Equal ripple in the stop band, which ends at the cutoff; flat pass band (type II)."""


class ZerosPoles(NamedTuple):
    """A filter as the zeros, poles and gain of H(z)."""

    zeros: NDArray[np.complex128]
    poles: NDArray[np.complex128]
    gain: float


def high_pass(
    kind: IirKind, order: int, cutoff: float, ripple_db: float, stopband_db: float
) -> ZerosPoles:
    """Return a high pass by the bilinear transform of the analogue low pass.

    Parameters
    ----------
    kind : IirKind
        Approximation.
    order : int
        Number of poles.
    cutoff : float
        Share of the PRF.
    ripple_db : float
        Greatest loss in the pass band, dB: of `IirKind.CHEBYSHEV`.
    stopband_db : float
        Least attenuation of the stop band, dB: of `IirKind.INVERSE_CHEBYSHEV`.

    References
    ----------
    A. V. Oppenheim, R. W. Schafer, *Discrete-Time Signal Processing*, 3rd edition, section 7.2
    and appendix B.
    """
    zeros, poles, gain = _low_pass(kind, order, ripple_db, stopband_db)
    # Analogue low pass to high pass, s → w / s, with the edge that the bilinear transform bends.
    edge = 2 * math.tan(math.pi * cutoff)
    n_at_zero = poles.size - zeros.size
    gain *= float(np.real(np.prod(-zeros) / np.prod(-poles)))
    zeros = np.concatenate((edge / zeros, np.zeros(n_at_zero)))
    poles = edge / poles
    gain *= float(np.real(np.prod(2 - zeros) / np.prod(2 - poles)))
    return ZerosPoles((2 + zeros) / (2 - zeros), (2 + poles) / (2 - poles), gain)


def sections(filter_: ZerosPoles) -> NDArray[np.float64]:
    """Return second-order sections, (n_sections, 6): b0 b1 b2 1 a1 a2, the least damped last."""
    poles = _pairs(filter_.poles)
    zeros = _pairs(filter_.zeros)
    rows = []
    for pole in sorted(poles, key=lambda pair: float(np.abs(pair[0]))):
        # The zeros nearest to a pair of poles keep its section's gain in bounds.
        nearest = min(range(len(zeros)), key=lambda k: float(np.abs(zeros[k][0] - pole[0])))
        if len(pole) == 1:
            nearest = next(k for k, pair in enumerate(zeros) if len(pair) == 1)
        elif len(zeros[nearest]) == 1 and len(zeros) > 1:
            nearest = next(k for k, pair in enumerate(zeros) if len(pair) == 2)
        zero = zeros.pop(nearest)
        rows.append(np.concatenate((_polynomial(zero), _polynomial(pole))))
    rows[0][:3] *= filter_.gain
    return np.array(rows)


def _low_pass(
    kind: IirKind, order: int, ripple_db: float, stopband_db: float
) -> tuple[NDArray[np.complex128], NDArray[np.complex128], float]:
    """Return the analogue low pass with its edge at 1 rad/s."""
    steps = np.arange(1 - order, order, 2)
    circle = -np.exp(0.5j * math.pi * steps / order)
    none = np.zeros(0, complex)
    if kind is IirKind.BUTTERWORTH:
        return none, circle, 1.0
    if kind is IirKind.CHEBYSHEV:
        epsilon = math.sqrt(10 ** (ripple_db / 10) - 1)
        mu = math.asinh(1 / epsilon) / order
        poles = math.sinh(mu) * circle.real + 1j * math.cosh(mu) * circle.imag
        gain = float(np.real(np.prod(-poles)))
        return none, poles, gain if order % 2 else gain / math.hypot(1, epsilon)
    mu = math.asinh(math.sqrt(10 ** (stopband_db / 10) - 1)) / order
    poles = 1 / (math.sinh(mu) * circle.real + 1j * math.cosh(mu) * circle.imag)
    # The zero of the middle step lies at infinity.
    zeros = 1j / np.sin(0.5 * math.pi * steps[steps != 0] / order)
    return zeros, poles, float(np.real(np.prod(-poles) / np.prod(-zeros)))


def _pairs(roots: NDArray[np.complex128]) -> list[NDArray[np.complex128]]:
    """Return conjugate pairs, then real roots two by two, the one that is left last."""
    above = roots[roots.imag > 1e-12]
    real = np.sort(roots[np.abs(roots.imag) <= 1e-12].real)
    pairs = [np.array((root, root.conjugate())) for root in above]
    return pairs + [real[k : k + 2].astype(complex) for k in range(0, real.size, 2)]


def _polynomial(roots: NDArray[np.complex128]) -> NDArray[np.float64]:
    coefficients = np.poly(roots).real
    return np.concatenate((coefficients, np.zeros(3 - coefficients.size)))
