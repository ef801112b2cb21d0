"""IQ demodulation of several pulses at once, next to each other in memory."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from usdk_kernels._compile import kernel

__all__ = ["TAPS", "demodulate_pulses"]

TAPS = 4
"""Taps to a group; lists of taps are padded with zeros to a multiple."""
_CHUNK = 512  # sums that stay in the first-level cache


# contract joins products and sums; noalias leaves out the test of overlap before each group.
@kernel(fastmath=frozenset({"contract"}), noalias=True)
def _add_taps(
    rows: npt.NDArray[np.float32],
    begin: int,
    n: int,
    n_lanes: int,
    last: int,
    offsets: npt.NDArray[np.int64],
    taps: npt.NDArray[np.float32],
    total: npt.NDArray[np.float32],
) -> None:
    """Set n sums of taps times rows, from the flat place `begin` on."""
    # Slices begin at 0: an index that might be negative would keep the loop from being a vector's.
    total[:n] = np.float32(0)
    for k in range(0, taps.size, TAPS):
        c0, c1, c2, c3 = taps[k], taps[k + 1], taps[k + 2], taps[k + 3]
        x0 = rows[begin + min(max(offsets[k], 0), last) * n_lanes :]
        x1 = rows[begin + min(max(offsets[k + 1], 0), last) * n_lanes :]
        x2 = rows[begin + min(max(offsets[k + 2], 0), last) * n_lanes :]
        x3 = rows[begin + min(max(offsets[k + 3], 0), last) * n_lanes :]
        for i in range(n):
            total[i] += c0 * x0[i] + c1 * x1[i] + c2 * x2[i] + c3 * x3[i]


# As above: pairs are turned as vectors.
@kernel(fastmath=frozenset({"contract"}), noalias=True)
def _turn(
    real: npt.NDArray[np.float32],
    imag: npt.NDArray[np.float32],
    cosine: npt.NDArray[np.float32],
    sine: npt.NDArray[np.float32],
    first: int,
    n: int,
    out: npt.NDArray[np.float32],
    place: int,
) -> None:
    """Turn n sums by their phasors, and write them as pairs."""
    cosines, sines, pairs = cosine[first:], sine[first:], out[place:]
    for i in range(n):
        c, s = cosines[i], sines[i]
        pairs[2 * i] = real[i] * c - imag[i] * s
        pairs[2 * i + 1] = real[i] * s + imag[i] * c


@kernel
def demodulate_pulses(
    data: npt.NDArray[np.float32],
    transmit: int,
    first_element: int,
    stop_element: int,
    first_sample: int,
    n_samples: int,
    n_lanes: int,
    half: int,
    real_offsets: npt.NDArray[np.int64],
    real_taps: npt.NDArray[np.float32],
    imag_offsets: npt.NDArray[np.int64],
    imag_taps: npt.NDArray[np.float32],
    cosine: npt.NDArray[np.float32],
    sine: npt.NDArray[np.float32],
    out: npt.NDArray[np.float32],
) -> None:
    r"""Band-pass filter RF by complex taps and turn it to baseband, several pulses side by side.

    .. math::
        y_p[n] = u[n] \sum_k g[k]\, x_p[n + k - K], \qquad
        g[k] = h[k]\, e^{-2\pi j f (k - K) / f_s}, \quad u[n] = 2\, e^{-2\pi j f t_n}

    which is mixing by f and low-pass filtering by the symmetric taps h of length 2 K + 1, in the
    other order: each output needs only products of real samples. Taps that vanish are left out of
    the lists; at :math:`f_s = 4 f` every other one does. Samples outside those chosen count as 0.

    Parameters
    ----------
    data : (n_pulses, n_transmits, n_elements, n_recorded) float32 or int16, C-contiguous
        RF, any amplitude unit.
    transmit : int64
        Which transmit.
    first_element, stop_element : int64
        Elements to work on, and the rows of `out` to write.
    first_sample, n_samples : int64
        Samples of the record to work on.
    n_lanes : int64 ≥ n_pulses
        Pulses to a row of `out`; those beyond n_pulses become 0.
    half : int64
        K.
    real_offsets, imag_offsets : (n,) int64
        k of each tap's real and imaginary part, 0 to 2 K (else the nearest of them); n a
        multiple of `TAPS`.
    real_taps, imag_taps : (n,) float32
        Real and imaginary part of g[k]; 0 where the list is padded.
    cosine, sine : (n_samples n_lanes,) float32
        Real and imaginary part of u[n], each n_lanes times.
    out : (n_elements, n_samples, 2 n_lanes) float32, C-contiguous
        I and Q of every lane, in the unit of `data`. Rows of the elements are overwritten.

    Notes
    -----
    NaN and infinity reach the outputs whose taps meet them, of their own pulse and element.

    Not checked: that the shapes agree, that transmit, elements and samples lie within the record.

    References
    ----------
    J. Kirkhorn, "Introduction to IQ-demodulation of RF-data", NTNU, 1999, section 3.
    """
    n_pulses = data.shape[0]
    rows = np.zeros((n_samples + 2 * half) * n_lanes, np.float32)
    real = np.empty(_CHUNK, np.float32)
    imag = np.empty(_CHUNK, np.float32)
    flat = out.reshape(-1)
    n_flat = n_samples * n_lanes
    for element in range(first_element, stop_element):
        for pulse in range(n_pulses):
            place = half * n_lanes + pulse
            for n in range(n_samples):
                rows[place + n * n_lanes] = data[pulse, transmit, element, first_sample + n]
        for begin in range(0, n_flat, _CHUNK):
            n = min(_CHUNK, n_flat - begin)
            _add_taps(rows, begin, n, n_lanes, 2 * half, real_offsets, real_taps, real)
            _add_taps(rows, begin, n, n_lanes, 2 * half, imag_offsets, imag_taps, imag)
            _turn(real, imag, cosine, sine, begin, n, flat, 2 * (element * n_flat + begin))
