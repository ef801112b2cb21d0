"""What a clutter filter passes at each Doppler shift, and how far it shifts the mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from usdk.arguments import count
from usdk.doppler.clutter.filter import ClutterFilter
from usdk.doppler.clutter.matrix_filter import MAX_PULSES
from usdk.errors import ArgumentError

__all__ = ["MAX_FREQUENCIES", "frequency_bias", "frequency_response"]

MAX_FREQUENCIES = 2**16
_CHUNK = 1024


def frequency_response(
    clutter: ClutterFilter | NDArray[np.number],
    n_pulses: int,
    frequencies: ArrayLike,
) -> NDArray[np.float64]:
    r"""Return the power gain of a filter on a packet at each Doppler shift.

    .. math:: G(f) = \frac{1}{M} \sum_{m=0}^{M-1} |(F e_f)[m]|^2, \qquad
              e_f[t] = e^{2 \pi j f t}

    the mean over the M pulses that are left. It is the square of the usual frequency response for
    a FIR filter; a filter that treats the pulses of a packet differently has no other.

    Parameters
    ----------
    clutter : ClutterFilter or ndarray, (n_pulses_out, n_pulses)
        The filter, or its matrix F.
    n_pulses : int
        Packet size.
    frequencies : array_like of float, at most `MAX_FREQUENCIES`
        Doppler shifts, share of the PRF; −0.5 to 0.5 is one period.

    Returns
    -------
    ndarray of float64, of the frequencies' shape
        Power gain, 1 where the filter changes nothing.

    Raises
    ------
    ArgumentError
        If the filter adapts to its data, so that it has no response, or the packet is too short.

    References
    ----------
    S. Bjaerum, H. Torp, K. Kristoffersen, "Clutter filter design for ultrasound color flow
    imaging", IEEE Trans. Ultrason. Ferroelectr. Freq. Control 49(2), 2002, section III-A.
    """
    gain, _ = _powers(clutter, n_pulses, frequencies)
    return gain


def frequency_bias(
    clutter: ClutterFilter | NDArray[np.number],
    n_pulses: int,
    frequencies: ArrayLike,
) -> NDArray[np.float64]:
    r"""Return how far the mean shift that autocorrelation finds lies from the true one.

    .. math:: \Delta f = \frac{1}{2 \pi} \arg\left( e^{-2 \pi j f}
              \sum_m (F e_f)[m + 1] \, (F e_f)^*[m] \right)

    A filter that is not the same for every pulse turns the phase from one to the next; blood near
    its stop band seems faster or slower than it is.

    Parameters
    ----------
    clutter, n_pulses, frequencies
        As for `frequency_response`; the filter must leave two pulses.

    Returns
    -------
    ndarray of float64, of the frequencies' shape
        Bias, share of the PRF, −0.5 to 0.5; of what is taken away altogether it is rounding.
        Times 2 × `SlowTime.nyquist_m_s` it is a velocity.
    """
    _, lag_one = _powers(clutter, n_pulses, frequencies)
    turn = np.exp(-2j * np.pi * np.asarray(frequencies, np.float64))
    return np.asarray(np.angle(lag_one * turn) / (2 * np.pi))


def _powers(
    clutter: ClutterFilter | NDArray[np.number], n_pulses: int, frequencies: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.complex128]]:
    """Return power and lag-one autocorrelation of what is left of a tone of unit power."""
    matrix = _matrix(clutter, n_pulses)
    try:
        shifts = np.asarray(frequencies, np.float64)
    except (TypeError, ValueError):
        raise ArgumentError("frequencies must be real numbers, shares of the PRF") from None
    if shifts.size > MAX_FREQUENCIES or not np.all(np.isfinite(shifts)):
        raise ArgumentError(f"frequencies must be finite, and at most {MAX_FREQUENCIES}")
    gain, lag_one = np.empty(shifts.size), np.empty(shifts.size, complex)
    times = np.arange(matrix.shape[1])
    for start in range(0, shifts.size, _CHUNK):
        part = slice(start, start + _CHUNK)
        left = matrix @ np.exp(2j * np.pi * np.outer(times, shifts.reshape(-1)[part]))
        gain[part] = np.mean(np.abs(left) ** 2, axis=0)
        lag_one[part] = np.sum(left[1:] * left[:-1].conj(), axis=0)
    return gain.reshape(shifts.shape), lag_one.reshape(shifts.shape)


def _matrix(clutter: ClutterFilter | NDArray[np.number], n_pulses: int) -> NDArray[np.number]:
    n_pulses = count(n_pulses, "n_pulses", most=MAX_PULSES)
    if isinstance(clutter, ClutterFilter):
        matrix = clutter.matrix(n_pulses)
        if matrix is None:
            raise ArgumentError(
                f"{clutter.describe()} is another filter for every packet: it has no frequency "
                "response"
            )
        return matrix
    if not isinstance(clutter, np.ndarray) or clutter.ndim != 2 or clutter.shape[1] != n_pulses:
        raise ArgumentError(f"a filter is a ClutterFilter or a matrix of {n_pulses} columns")
    if clutter.shape[0] == 0:
        raise ArgumentError("a matrix without rows leaves no pulses")
    return clutter
