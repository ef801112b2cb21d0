r"""Correlation of two frames in a window about every point, at the whole-sample shift that fits.

.. math::
    R_s[i, m] &= \sum_{(l, n)} y_2[l, n + s]\, y_1^*[l, n], \qquad
    \rho_s = |R_s| \Big/ \sqrt{\textstyle\sum |y_1[l, n]|^2 \sum |y_2[l, n + s]|^2} \\
    \hat s &= \arg\max_s \rho_s \\
    A[i, m] &= \sum_{(l, n)} \left( y_1[l, n + 1]\, y_1^*[l, n]
        + y_2[l, n + 1]\, y_2^*[l, n] \right)

over the lines l from i − h_l to i + h_l and the samples n from m − h_s to m + h_s, as far as they
and n + s lie inside the frames.  R is the lag-one autocorrelation of slow time, averaged over the
window; A that of depth (Loupas' second one).  Of equal ρ the shift nearest to 0 is kept, so that
without motion none is found.

Sums along depth are differences of running sums in float64: a window costs what one sample does.

References
----------
T. Loupas, J. T. Powers, R. W. Gill, "An axial velocity estimator for ultrasound blood flow imaging,
based on a full evaluation of the Doppler equation by means of a two-dimensional autocorrelation
approach", IEEE TUFFC 42(4), 1995, equations 12 and 13.  Coarse shift: M. A. Lubinski,
S. Y. Emelianov, M. O'Donnell, "Speckle tracking methods for ultrasonic elasticity imaging using
short-time correlation", IEEE TUFFC 46(1), 1999.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from usdk_kernels._compile import kernel


@kernel
def correlate_frames(
    first: npt.NDArray[np.complex64],
    second: npt.NDArray[np.complex64],
    half_lines: int,
    half_samples: int,
    greatest_shift: int,
    start: int,
    stop: int,
    lag_one: npt.NDArray[np.complex64],
    axial: npt.NDArray[np.complex64],
    coherence: npt.NDArray[np.float32],
    shift: npt.NDArray[np.int16],
) -> None:
    r"""Correlations of lines start to stop − 1; the equations stand at the head of the module.

    Parameters
    ----------
    first, second : (n_lines, n_samples) complex64
        y_1 and y_2, IQ of two frames.
    half_lines, half_samples : int64 ≥ 0
        h_l and h_s.
    greatest_shift : int64, 0 to 32767
        Shifts s from −greatest_shift to greatest_shift are tried.
    start, stop : int64
        Range of lines, 0 ≤ start ≤ stop ≤ n_lines.
    lag_one : (n_lines, n_samples) complex64
        R at the shift found.  Overwritten.
    axial : (n_lines, n_samples) complex64
        A; 0 where a window holds one sample.  Overwritten.
    coherence : (n_lines, n_samples) float32
        ρ at that shift, 0 to 1; 0 where a frame is silent.  Overwritten.
    shift : (n_lines, n_samples) int16
        That shift, samples.  Overwritten.

    Notes
    -----
    All arrays are C-contiguous.  A value that is not finite spoils the deeper rest of the lines
    whose windows reach it: R and A become NaN or 0 there, ρ becomes 0.  Not checked: shapes, start,
    stop, signs of the scalars.
    """
    n_lines, n_samples = first.shape
    cross = np.empty(n_samples + 1, np.complex128)
    power_first = np.empty(n_samples + 1, np.float64)
    power_second = np.empty(n_samples + 1, np.float64)
    for i in range(start, stop):
        line_from = max(0, i - half_lines)
        line_to = min(n_lines, i + half_lines + 1)

        # Along depth: running sums of the products of neighbours.
        cross[0] = 0
        for n in range(n_samples):
            total = 0j
            if n + 1 < n_samples:
                for k in range(line_from, line_to):
                    total += np.complex128(first[k, n + 1]) * np.conj(np.complex128(first[k, n]))
                    total += np.complex128(second[k, n + 1]) * np.conj(np.complex128(second[k, n]))
            cross[n + 1] = cross[n] + total
        for m in range(n_samples):
            lower = max(0, m - half_samples)
            upper = min(n_samples - 1, m + half_samples)
            axial[i, m] = cross[max(upper, lower)] - cross[lower]
            lag_one[i, m] = 0
            coherence[i, m] = 0
            shift[i, m] = 0

        # Shifts in the order 0, −1, 1, −2, 2, …: the first of equals is kept.
        for turn in range(2 * greatest_shift + 1):
            s = (turn + 1) // 2 if turn % 2 == 0 else -((turn + 1) // 2)
            cross[0] = 0
            power_first[0] = 0
            power_second[0] = 0
            for n in range(n_samples):
                total = 0j
                one = 0.0
                other = 0.0
                if 0 <= n + s < n_samples:
                    for k in range(line_from, line_to):
                        a = np.complex128(first[k, n])
                        b = np.complex128(second[k, n + s])
                        total += b * np.conj(a)
                        one += a.real * a.real + a.imag * a.imag
                        other += b.real * b.real + b.imag * b.imag
                cross[n + 1] = cross[n] + total
                power_first[n + 1] = power_first[n] + one
                power_second[n + 1] = power_second[n] + other
            for m in range(n_samples):
                lower = max(0, m - half_samples)
                upper = min(n_samples, m + half_samples + 1)
                value = cross[upper] - cross[lower]
                one = power_first[upper] - power_first[lower]
                other = power_second[upper] - power_second[lower]
                fit = 0.0
                if one > 0 and other > 0:
                    fit = math.sqrt(value.real**2 + value.imag**2) / math.sqrt(one * other)
                    fit = min(fit, 1.0) if fit <= math.inf else 0.0
                if turn == 0 or fit > coherence[i, m]:
                    lag_one[i, m] = value
                    coherence[i, m] = fit
                    shift[i, m] = s
