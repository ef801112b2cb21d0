r"""Coherence factor: how far the parts of a sum agree, times the sum.

Of parts x_i with weights g_i,

.. math::
    CF = \frac{|\sum_i g_i x_i|^2}{\sum_i |g_i| \; \sum_i |g_i| |x_i|^2} \in [0, 1]

by the Cauchy-Schwarz inequality: 1 where all parts are equal, 1/N in the mean where N parts of
equal weight are independent.  With weights of 0 and 1 it is Mallart and Fink's ratio of coherent to
total energy, N being the number of parts whose weight is not 0: elements that do not receive count
neither in the sums nor in N.  Tapered weights count by their size.  A part that is silent, because
the record ends before it, does count: the factor falls there, as a normalized sum does.

The parts, of aligned samples s(t, e), apodization a(e) and transmit weights w(t), are

- *across elements*: Σ_t w s over the transmits, weights a(e);
- *across transmits*: Σ_e a s over the elements, weights w(t);
- *across both*: s itself, weights w(t) a(e).

References
----------
R. Mallart, M. Fink, "Adaptive focusing in scattering media through sound-speed inhomogeneities: the
van Cittert Zernike approach and focusing criterion", J. Acoust. Soc. Am. 96 (1994) 3721-3732: the
focusing criterion C.
K. W. Hollman, K. W. Rigby, M. O'Donnell, "Coherence factor of speckle from a multi-row probe", IEEE
Ultrasonics Symposium (1999) 1257-1260: the factor as a weight of the image.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from usdk_kernels._compile import kernel

ACROSS_ELEMENTS = 0
"""Transmits are compounded first; the factor compares elements."""
ACROSS_TRANSMITS = 1
"""Elements are summed first; the factor compares transmits."""
ACROSS_BOTH = 2
"""The factor compares every pair of a transmit and an element."""


# reassoc and contract, here and below: the sums vectorise, with fused multiply-adds.  The kernels
# take 0.4 (RF) and 0.6 (IQ) of the time of the same loops without across elements, 0.1 and 0.3
# across the others.
@kernel(fastmath=frozenset({"reassoc", "contract"}))
def _totals(weights: npt.NDArray[np.float32]) -> tuple[np.float32, np.float64]:
    """Sum of weights, and of their sizes."""
    total = np.float32(0)
    size = np.float32(0)
    for i in range(weights.size):
        total += weights[i]
        size += abs(weights[i])
    return total, np.float64(size)


@kernel(fastmath=frozenset({"reassoc", "contract"}))
def _sum_rf(
    parts: npt.NDArray[np.float32], weights: npt.NDArray[np.float32]
) -> tuple[np.float32, np.float64]:
    """Weighted sum of parts, and of their squares."""
    total = np.float32(0)
    power = np.float64(0)
    for i in range(parts.size):
        x = parts[i]
        total += weights[i] * x
        power += np.float64(abs(weights[i])) * (np.float64(x) * np.float64(x))
    return total, power


@kernel(fastmath=frozenset({"reassoc", "contract"}))
def _sum_iq(
    parts: npt.NDArray[np.complex64], weights: npt.NDArray[np.float32]
) -> tuple[np.float32, np.float32, np.float64]:
    """Real and imaginary part of a weighted sum, and the sum of squared magnitudes."""
    real = np.float32(0)
    imag = np.float32(0)
    power = np.float64(0)
    for i in range(parts.size):
        x = parts[i]
        real += weights[i] * x.real
        imag += weights[i] * x.imag
        re, im = np.float64(x.real), np.float64(x.imag)
        power += np.float64(abs(weights[i])) * (re * re + im * im)
    return real, imag, power


@kernel
def _factor(total2: float, n: float, power: float) -> np.float32:
    """Coherence factor of the squared sum, n = Σ|g| and Σ|g||x|²; 0 in silence."""
    energy = n * power
    if energy == 0:
        return np.float32(0)
    factor = total2 / energy
    return np.float32(1 if factor > 1 else factor)  # 1 is passed by rounding only


@kernel
def coherence_rf(
    aligned: npt.NDArray[np.float32],
    apodization: npt.NDArray[np.float32],
    transmit_weights: npt.NDArray[np.float32],
    across: int,
    normalize: int,
    out: npt.NDArray[np.float32],
) -> None:
    r"""Delay-and-sum of aligned RF data times its coherence factor.

    .. math:: y(p) = CF(p) \sum_t w_t(p) \sum_e a_e(p)\, s(p, t, e)

    Parameters
    ----------
    aligned : (n_points, n_transmits, n_elements) float32
        Aligned samples s, as of `align.align_rf`; any amplitude unit.
    apodization : (n_points, n_elements) float32
        a; 0 where the element does not receive.
    transmit_weights : (n_points, n_transmits) float32
        w; 0 where the transmit is skipped.
    across : int64
        An ``ACROSS_`` code (any other is both): what the factor compares, as the module says.
    normalize : int64
        0: the plain sum times the factor.  1: that divided by Σ|w| Σa, as in `das.das_rf`.
    out : (n_points,) float32
        In the unit of `aligned`.  Overwritten.

    Notes
    -----
    Sums are float32, as in `das`; squares are float64, so that none overflows or vanishes.
    Where all parts are 0 the factor and the result are 0.  NaN in a sample gives NaN.  Of RF the
    factor follows the oscillation and is 0 at the zero crossings; IQ has it without.  All arrays
    are C-contiguous.
    Not checked: that the shapes agree.
    """
    n_points, n_transmits, n_elements = aligned.shape
    parts = np.empty(n_transmits if across == ACROSS_TRANSMITS else n_elements, np.float32)
    for p in range(n_points):
        weights = transmit_weights[p]
        sum_a, n_a = _totals(apodization[p])
        _, n_w = _totals(weights)
        total = np.float32(0)
        power = np.float64(0)
        if across == ACROSS_ELEMENTS:
            n = n_a
            parts[:] = 0
            for t in range(n_transmits):
                for e in range(n_elements):
                    parts[e] += weights[t] * aligned[p, t, e]
            total, power = _sum_rf(parts, apodization[p])
        elif across == ACROSS_TRANSMITS:
            n = n_w
            for t in range(n_transmits):
                parts[t], _ = _sum_rf(aligned[p, t], apodization[p])
            total, power = _sum_rf(parts, weights)
        else:
            n = n_w * n_a
            for t in range(n_transmits):
                part, part_power = _sum_rf(aligned[p, t], apodization[p])
                total += weights[t] * part
                power += np.float64(abs(weights[t])) * part_power
        scale = _factor(np.float64(total) * np.float64(total), n, power)
        if normalize:
            divisor = np.float32(n_w) * sum_a
            scale = scale / divisor if divisor > 0 else np.float32(0)
        out[p] = scale * total


@kernel
def coherence_iq(
    aligned: npt.NDArray[np.complex64],
    apodization: npt.NDArray[np.float32],
    transmit_weights: npt.NDArray[np.float32],
    across: int,
    normalize: int,
    out: npt.NDArray[np.complex64],
) -> None:
    r"""Delay-and-sum of aligned IQ data times its coherence factor.

    .. math:: y(p) = CF(p) \sum_t w_t(p) \sum_e a_e(p)\, s(p, t, e)

    Parameters
    ----------
    aligned : (n_points, n_transmits, n_elements) complex64
        Aligned samples s, as of `align.align_iq`; any amplitude unit.
    apodization, transmit_weights, across, normalize
        As in `coherence_rf`.
    out : (n_points,) complex64
        In the unit of `aligned`.  Overwritten.

    Notes
    -----
    As of `coherence_rf`, but that the factor is one of magnitudes, without oscillation.
    """
    n_points, n_transmits, n_elements = aligned.shape
    parts = np.empty(n_transmits if across == ACROSS_TRANSMITS else n_elements, np.complex64)
    for p in range(n_points):
        weights = transmit_weights[p]
        sum_a, n_a = _totals(apodization[p])
        _, n_w = _totals(weights)
        real = np.float32(0)
        imag = np.float32(0)
        power = np.float64(0)
        if across == ACROSS_ELEMENTS:
            n = n_a
            parts[:] = 0
            for t in range(n_transmits):
                for e in range(n_elements):
                    parts[e] += weights[t] * aligned[p, t, e]
            real, imag, power = _sum_iq(parts, apodization[p])
        elif across == ACROSS_TRANSMITS:
            n = n_w
            for t in range(n_transmits):
                re, im, _ = _sum_iq(aligned[p, t], apodization[p])
                parts[t] = complex(re, im)
            real, imag, power = _sum_iq(parts, weights)
        else:
            n = n_w * n_a
            for t in range(n_transmits):
                re, im, part_power = _sum_iq(aligned[p, t], apodization[p])
                real += weights[t] * re
                imag += weights[t] * im
                power += np.float64(abs(weights[t])) * part_power
        total2 = np.float64(real) * np.float64(real) + np.float64(imag) * np.float64(imag)
        scale = _factor(total2, n, power)
        if normalize:
            divisor = np.float32(n_w) * sum_a
            scale = scale / divisor if divisor > 0 else np.float32(0)
        out[p] = complex(scale * real, scale * imag)
