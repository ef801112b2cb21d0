r"""Slow-time signals to sound: one filter that separates directions and changes the rate.

.. math::
    a[m] = \sum_k \mathrm{Re}\, h_\phi[k]\; \mathrm{Re}\, x[i + k], \qquad
    b[m] = \sum_k \mathrm{Im}\, h_\phi[k]\; \mathrm{Im}\, x[i + k]

    i = \lfloor (p_0 + m M) / L \rfloor, \qquad \phi = (p_0 + m M) \bmod L

With h a filter that passes positive frequencies alone, at L times the rate of x and cut into its L
phases, a − b is the real part of x's positive frequencies, at L / M times its rate, and a + b that
of its negative ones, for which h is conjugated.

References
----------
R. E. Crochiere, L. R. Rabiner, "Multirate Digital Signal Processing", Prentice-Hall, 1983, section
3.3 (rational rates by phases). N. Aydin, D. H. Evans, "Implementation of directional Doppler
techniques using a digital signal processor", Med. Biol. Eng. Comput. 32, 1994 (directions by a
complex filter).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from usdk_kernels._compile import kernel


# reassoc and contract let the sums vectorise: 5 times as fast.
@kernel(fastmath=frozenset({"reassoc", "contract"}), noalias=True)
def separate_directions(
    real: npt.NDArray[np.float32],
    imag: npt.NDArray[np.float32],
    taps_real: npt.NDArray[np.float32],
    taps_imag: npt.NDArray[np.float32],
    first_place: int,
    step: int,
    out: npt.NDArray[np.float32],
) -> None:
    r"""Filter a signal into its two directions, at another rate.

    Parameters
    ----------
    real, imag : (n,) float32, C-contiguous
        Parts of the signal x.
    taps_real, taps_imag : (n_phases, n_taps) float32, C-contiguous
        Parts of the filter's phases, each in the order of the samples that it meets.
    first_place : int64 ≥ 0
        p0, in samples of L times the rate.
    step : int64 ≥ 1
        M.
    out : (2, n_out) float32, C-contiguous
        Positive frequencies, negative ones; in the unit of x.  Overwritten; 0 where the samples
        do not suffice.

    Notes
    -----
    A sample that is NaN makes those NaN that read it. Not checked: that parts have equal shapes.
    """
    n_phases, n_taps = taps_real.shape
    n = real.size
    for m in range(out.shape[1]):
        place = first_place + m * step
        begin, phase = place // n_phases, place % n_phases
        a, b = np.float32(0), np.float32(0)
        if place >= 0 and begin + n_taps <= n:
            first = np.uint64(begin)
            for k in range(np.uint64(n_taps)):
                a += taps_real[phase, k] * real[first + k]
                b += taps_imag[phase, k] * imag[first + k]
        out[0, m] = a - b
        out[1, m] = a + b
