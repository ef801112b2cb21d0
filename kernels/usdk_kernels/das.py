r"""Delay-and-sum for any geometry: the reference that every faster beamforming kernel must equal.

.. math::
    y(p) = \sum_t w_t(p) \sum_e a_e(p)\, x_{t,e}(\tau), \qquad
    \tau = \tau^{tx}_t(p) + |p - q_e| / c

x is the channel data, read between its samples by interpolation at sample (τ − t0) fs.

**Aperture.** The receive aperture is measured by each element's own normal n, not by a global
depth axis, so that it turns with the elements of a curved array.  With r = p − q_e, axial = r·n
and lateral = |r − axial n|, an element receives where axial > 0 and lateral ≤ axial / (2 F), and
its apodization is window(u) with u = 2 F lateral / axial in [0, 1].  F = 0 is the full aperture:
every element that the point lies in front of, with weight 1.

**Order of the work.** Points are taken in blocks of `BLOCK` neighbours.  For each element of a
block the geometry (square roots, window, receive phasor) is computed once and reused for all
transmits.  A sample position is carried as a whole number and a float32 fraction: exact to 1e-7
samples anywhere in a record, at the width of float32.  Each point's result depends on that point
alone, so tiles may be cut anywhere without changing a bit of it.

References
----------
V. Perrot, M. Polichetti, F. Varray, D. Garcia, "So you think you can DAS? A viewpoint on
delay-and-sum beamforming", Ultrasonics 111 (2021) 106309: equations 1 to 12 (delays, F-number,
I/Q phase rotation).
R. G. Keys, "Cubic convolution interpolation for digital image processing", IEEE Trans. Acoust.
Speech Signal Process. 29 (1981) 1153-1160: equation 15, a = −1/2.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from usdk_kernels._compile import kernel

WINDOW_BOXCAR = 0
"""a(u) = 1."""
WINDOW_HANN = 1
"""a(u) = cos²(πu/2)."""
WINDOW_TUKEY = 2
"""a(u) = 1 for u ≤ 1 − α, else cos²(π(u − 1 + α)/(2α)); α, the window parameter, in [0, 1]."""

INTERPOLATION_NEAREST = 0
"""The nearest sample, halves up."""
INTERPOLATION_LINEAR = 1
"""Straight line between two samples."""
INTERPOLATION_CUBIC = 2
"""Keys' cubic convolution with a = −1/2 (Catmull-Rom); beyond an end, the end sample repeats."""

BLOCK = 64
"""Points that share one pass over the elements: their work arrays stay in the first-level cache."""

# Whole part of a position that must not be read.  Two of them add up to the smallest int32, and
# one of them plus a position below half its size stays negative.
_NOWHERE = np.int32(-(2**30))
_FARTHEST = float(2**29)


@kernel
def _split(position: float) -> tuple[np.int32, np.float32]:
    """Whole part and fraction of a sample position; `_NOWHERE` if it is NaN or far outside."""
    if not (-_FARTHEST < position < _FARTHEST):
        return _NOWHERE, np.float32(0)
    whole = math.floor(position)
    return np.int32(whole), np.float32(position - whole)


@kernel
def _phasor(turns: float) -> tuple[np.float32, np.float32]:
    """Cosine and sine of 2π turns, reduced to one turn in float64; (0, 0) for NaN and infinity."""
    if not (abs(turns) < 1e15):
        return np.float32(0), np.float32(0)
    angle = 2 * math.pi * (turns - math.floor(turns))
    return np.float32(math.cos(angle)), np.float32(math.sin(angle))


@kernel
def _window(u: float, window: int, parameter: float) -> float:
    """Apodization at u in [0, 1] of the half aperture."""
    if window == WINDOW_HANN:
        return math.cos(0.5 * math.pi * u) ** 2
    if window == WINDOW_TUKEY and u > 1 - parameter:
        return math.cos(0.5 * math.pi * (u - 1 + parameter) / parameter) ** 2
    return 1.0


@kernel
def _transmit_positions(
    transmit_time_s: npt.NDArray[np.float64],
    transmit_weight: npt.NDArray[np.float32],
    time_zero_s: npt.NDArray[np.float64],
    sampling_frequency_hz: float,
    first: int,
    n: int,
    whole: npt.NDArray[np.int32],
    fraction: npt.NDArray[np.float32],
    used: npt.NDArray[np.bool_],
) -> None:
    """Sample positions of the transmit paths to a block of points, from time zero on."""
    for t in range(transmit_time_s.shape[0]):
        used[t] = False
        for p in range(n):
            weight = transmit_weight[t, first + p]
            position = (transmit_time_s[t, first + p] - time_zero_s[t]) * sampling_frequency_hz
            whole[t, p], fraction[t, p] = _split(position)
            if not abs(weight) > 0:  # NaN, too
                whole[t, p] = _NOWHERE
            elif whole[t, p] != _NOWHERE:
                used[t] = True


@kernel
def _receive_positions(
    points_m: npt.NDArray[np.float32],
    first: int,
    n: int,
    element_position_m: npt.NDArray[np.float32],
    element_normal: npt.NDArray[np.float32],
    samples_per_m: float,
    f_number: float,
    window: int,
    window_parameter: float,
    whole: npt.NDArray[np.int32],
    fraction: npt.NDArray[np.float32],
    apodization: npt.NDArray[np.float32],
    position: npt.NDArray[np.float64],
) -> tuple[int, int]:
    """Sample positions and apodization of one element for a block; the range of active points."""
    ex = np.float64(element_position_m[0])
    ey = np.float64(element_position_m[1])
    ez = np.float64(element_position_m[2])
    nx = np.float64(element_normal[0])
    ny = np.float64(element_normal[1])
    nz = np.float64(element_normal[2])
    lower = n
    upper = 0
    for p in range(n):
        dx = points_m[first + p, 0] - ex
        dy = points_m[first + p, 1] - ey
        dz = points_m[first + p, 2] - ez
        axial = dx * nx + dy * ny + dz * nz
        lx = dx - axial * nx
        ly = dy - axial * ny
        lz = dz - axial * nz
        lateral2 = (lx * lx + ly * ly + lz * lz) * (4 * f_number * f_number)
        whole[p] = _NOWHERE
        fraction[p] = np.float32(0)
        apodization[p] = np.float32(0)
        position[p] = 0.0
        if axial > 0 and lateral2 <= axial * axial:
            position[p] = math.sqrt(dx * dx + dy * dy + dz * dz) * samples_per_m
            whole[p], fraction[p] = _split(position[p])
            u = math.sqrt(lateral2) / axial
            apodization[p] = np.float32(_window(u, window, window_parameter))
            lower = min(lower, p)
            upper = p + 1
    return lower, upper


@kernel
def _read_position(i: np.int32, f: np.float32, last: np.int32) -> tuple[np.int32, np.float32]:
    """Sample j in [0, last] and weight of sample j + 1, which leaves [0, 1] beyond the record."""
    carry = np.int32(f >= np.float32(1))
    f -= np.float32(carry)
    i = np.int32(i + carry)
    j = min(max(i, np.int32(0)), last)
    return j, f + np.float32(np.int32(i - j))


@kernel
def _keys(w: np.float32) -> tuple[np.float32, np.float32, np.float32, np.float32]:
    """Keys' cubic convolution weights of samples j − 1 to j + 2 at j + w."""
    half = np.float32(0.5)
    w2 = w * w
    w3 = w2 * w
    c0 = half * (np.float32(2) * w2 - w3 - w)
    c1 = half * (np.float32(3) * w3 - np.float32(5) * w2) + np.float32(1)
    c2 = half * (np.float32(4) * w2 - np.float32(3) * w3 + w)
    c3 = half * (w3 - w2)
    return c0, c1, c2, c3


@kernel
def _add_weights(
    transmit_whole: npt.NDArray[np.int32],
    transmit_fraction: npt.NDArray[np.float32],
    whole: npt.NDArray[np.int32],
    fraction: npt.NDArray[np.float32],
    apodization: npt.NDArray[np.float32],
    lower: int,
    upper: int,
    n_samples: int,
    total: npt.NDArray[np.float32],
) -> None:
    """Add the apodization of the positions that lie in the record, for `normalize`."""
    last = np.int32(n_samples - 2)
    for p in range(lower, upper):
        i = np.int32(transmit_whole[p] + whole[p])
        _, w = _read_position(i, transmit_fraction[p] + fraction[p], last)
        if w >= np.float32(0) and w <= np.float32(1):
            total[p] += apodization[p]


# contract: fused multiply-adds.
@kernel(fastmath=frozenset({"contract"}))
def _add_rf(
    row: npt.NDArray[np.float32],
    transmit_whole: npt.NDArray[np.int32],
    transmit_fraction: npt.NDArray[np.float32],
    whole: npt.NDArray[np.int32],
    fraction: npt.NDArray[np.float32],
    apodization: npt.NDArray[np.float32],
    lower: int,
    upper: int,
    interpolation: int,
    total: npt.NDArray[np.float32],
) -> None:
    """Add one row of RF channel data, read at the sum of both paths, to a block of points."""
    last = np.int32(row.size - 2)
    for p in range(lower, upper):
        i = np.int32(transmit_whole[p] + whole[p])
        j, w = _read_position(i, transmit_fraction[p] + fraction[p], last)
        if w >= np.float32(0) and w <= np.float32(1):
            k = np.uint32(j)
            if interpolation == INTERPOLATION_LINEAR:
                value = row[k] + w * (row[k + np.uint32(1)] - row[k])
            elif interpolation == INTERPOLATION_NEAREST:
                value = row[k + np.uint32(w >= np.float32(0.5))]
            else:
                c0, c1, c2, c3 = _keys(w)
                before = row[np.uint32(j - 1 if j > 0 else 0)]
                after = row[np.uint32(j + 2 if j < last else j + 1)]
                value = c0 * before + c1 * row[k] + c2 * row[k + np.uint32(1)] + c3 * after
            total[p] += apodization[p] * value


# contract: fused multiply-adds.
@kernel(fastmath=frozenset({"contract"}))
def _add_iq(
    row: npt.NDArray[np.complex64],
    transmit_whole: npt.NDArray[np.int32],
    transmit_fraction: npt.NDArray[np.float32],
    whole: npt.NDArray[np.int32],
    fraction: npt.NDArray[np.float32],
    coefficient: npt.NDArray[np.complex64],
    lower: int,
    upper: int,
    interpolation: int,
    total: npt.NDArray[np.complex64],
) -> None:
    """Add one row of IQ channel data; `coefficient` is apodization times receive phasor."""
    last = np.int32(row.size - 2)
    for p in range(lower, upper):
        i = np.int32(transmit_whole[p] + whole[p])
        j, w = _read_position(i, transmit_fraction[p] + fraction[p], last)
        if w >= np.float32(0) and w <= np.float32(1):
            k = np.uint32(j)
            x1 = row[k]
            x2 = row[k + np.uint32(1)]
            if interpolation == INTERPOLATION_LINEAR:
                real = x1.real + w * (x2.real - x1.real)
                imag = x1.imag + w * (x2.imag - x1.imag)
            elif interpolation == INTERPOLATION_NEAREST:
                nearest = x2 if w >= np.float32(0.5) else x1
                real = nearest.real
                imag = nearest.imag
            else:
                c0, c1, c2, c3 = _keys(w)
                x0 = row[np.uint32(j - 1 if j > 0 else 0)]
                x3 = row[np.uint32(j + 2 if j < last else j + 1)]
                real = c0 * x0.real + c1 * x1.real + c2 * x2.real + c3 * x3.real
                imag = c0 * x0.imag + c1 * x1.imag + c2 * x2.imag + c3 * x3.imag
            c = coefficient[p]
            total[p] += np.complex64(
                complex(c.real * real - c.imag * imag, c.real * imag + c.imag * real)
            )


@kernel
def das_rf(
    data: npt.NDArray[np.float32],
    points_m: npt.NDArray[np.float32],
    element_positions_m: npt.NDArray[np.float32],
    element_normals: npt.NDArray[np.float32],
    transmit_time_s: npt.NDArray[np.float64],
    transmit_weight: npt.NDArray[np.float32],
    time_zero_s: npt.NDArray[np.float64],
    sampling_frequency_hz: float,
    sound_speed_m_s: float,
    f_number: float,
    window: int,
    window_parameter: float,
    interpolation: int,
    normalize: int,
    start: int,
    stop: int,
    out: npt.NDArray[np.float32],
) -> None:
    r"""Delay-and-sum of RF channel data at the points start to stop − 1.

    .. math:: y(p) = \sum_t w_t(p) \sum_e a_e(p)\, x_{t,e}(	au^{tx}_t(p) + |p - q_e| / c)

    Aperture, windows, interpolation and the order of the work: see the module.

    Parameters
    ----------
    data : (n_transmits, n_elements, n_samples) float32
        Channel data; any amplitude unit.  Sample n of transmit t stands at
        time_zero_s[t] + n / sampling_frequency_hz.
    points_m : (n_points, 3) float32
        Where to look, in metres.  Fastest where consecutive points are neighbours.
    element_positions_m : (n_elements, 3) float32
        Element centres, in metres.
    element_normals : (n_elements, 3) float32
        Unit vectors out of the element faces.
    transmit_time_s : (n_transmits, n_points) float64
        When the transmitted wave passes each point, on the transmit's clock.  NaN or infinite:
        the transmit is skipped there.
    transmit_weight : (n_transmits, n_points) float32
        Transmit apodization.  0 or NaN: the transmit is skipped there, at no cost where a whole
        block of points skips it.
    time_zero_s : (n_transmits,) float64
        Time of sample 0 on the transmit's clock, which is the clock of `transmit_time_s`.
    sampling_frequency_hz, sound_speed_m_s : float64 > 0
    f_number : float64 ≥ 0
        Receive F-number; 0 is the full aperture.
    window, window_parameter : int64, float64
        A ``WINDOW_`` code (any other is a boxcar) and the Tukey window's α.
    interpolation : int64
        An ``INTERPOLATION_`` code (any other is cubic).
    normalize : int64
        0: the plain sum.  1: the sum divided by Σ |w_t(p)| a_e(p) over the pairs that
        contribute, so that the image stays flat while the aperture grows with depth; 0 where no
        pair contributes.
    start, stop : int64
        Range of points, 0 ≤ start ≤ stop ≤ n_points.
    out : (n_points,) float32
        Beamformed RF, in the unit of `data`.  [start, stop) is overwritten, the rest untouched.

    Notes
    -----
    All arrays are C-contiguous.  Samples outside the record contribute nothing, a record of
    fewer than two samples gives zeros, and no value of any array causes a read outside `data`.
    Not checked: shapes, contiguity, start and stop, the signs of the scalars, that normals have
    unit length.  A NaN in `data` spreads to the points that read it.
    """
    n_transmits, n_elements, n_samples = data.shape
    samples_per_m = sampling_frequency_hz / sound_speed_m_s
    transmit_whole = np.empty((n_transmits, BLOCK), np.int32)
    transmit_fraction = np.empty((n_transmits, BLOCK), np.float32)
    used = np.empty(n_transmits, np.bool_)
    whole = np.empty(BLOCK, np.int32)
    fraction = np.empty(BLOCK, np.float32)
    apodization = np.empty(BLOCK, np.float32)
    position = np.empty(BLOCK, np.float64)
    total = np.empty((n_transmits, BLOCK), np.float32)
    weights = np.empty((n_transmits, BLOCK), np.float32)
    for first in range(start, stop, BLOCK):
        n = min(BLOCK, stop - first)
        _transmit_positions(
            transmit_time_s, transmit_weight, time_zero_s, sampling_frequency_hz,
            first, n, transmit_whole, transmit_fraction, used,
        )  # fmt: skip
        total[:] = 0
        weights[:] = 0
        for e in range(n_elements if n_samples > 1 else 0):
            lower, upper = _receive_positions(
                points_m, first, n, element_positions_m[e], element_normals[e],
                samples_per_m, f_number, window, window_parameter,
                whole, fraction, apodization, position,
            )  # fmt: skip
            for t in range(n_transmits if upper > lower else 0):
                if used[t]:
                    _add_rf(
                        data[t, e], transmit_whole[t], transmit_fraction[t],
                        whole, fraction, apodization, lower, upper, interpolation, total[t],
                    )  # fmt: skip
                    if normalize:
                        _add_weights(
                            transmit_whole[t], transmit_fraction[t],
                            whole, fraction, apodization, lower, upper, n_samples, weights[t],
                        )  # fmt: skip
        for p in range(n):
            value = np.float32(0)
            divisor = np.float32(0)
            for t in range(n_transmits):
                if used[t] and transmit_whole[t, p] != _NOWHERE:
                    value += transmit_weight[t, first + p] * total[t, p]
                    divisor += abs(transmit_weight[t, first + p]) * weights[t, p]
            if normalize:
                value = value / divisor if divisor > np.float32(0) else np.float32(0)
            out[first + p] = value


@kernel
def das_iq(
    data: npt.NDArray[np.complex64],
    points_m: npt.NDArray[np.float32],
    element_positions_m: npt.NDArray[np.float32],
    element_normals: npt.NDArray[np.float32],
    transmit_time_s: npt.NDArray[np.float64],
    transmit_weight: npt.NDArray[np.float32],
    time_zero_s: npt.NDArray[np.float64],
    sampling_frequency_hz: float,
    demodulation_frequency_hz: float,
    sound_speed_m_s: float,
    f_number: float,
    window: int,
    window_parameter: float,
    interpolation: int,
    normalize: int,
    start: int,
    stop: int,
    out: npt.NDArray[np.complex64],
) -> None:
    r"""Delay-and-sum of IQ channel data at the points start to stop − 1.

    .. math::
        y(p) = \sum_t w_t(p) \sum_e a_e(p)\, x_{t,e}(	au)\, e^{+2\pi j f_d 	au}, \qquad
                au = 	au^{tx}_t(p) + |p - q_e| / c

    Demodulation multiplied the RF by exp(−2πj f_d t), where t = time_zero_s[t] + n / fs is the
    time of sample n on the transmit's clock; the factor above undoes it at the echo's time τ on
    the same clock, so that the sum is that of the analytic RF signals.  The phase, thousands of
    radians, is reduced to one turn in float64, apart for the transmit path (once for each
    transmit and point) and for the receive path (once for each element and point).

    The parameters are those of `das_rf`, and with them all that is said there, except for

    Parameters
    ----------
    data : (n_transmits, n_elements, n_samples) complex64
        IQ channel data; any amplitude unit.
    points_m, element_positions_m, element_normals
        As in `das_rf`.
    transmit_time_s : (n_transmits, n_points) float64
        As in `das_rf`; float64, because its phase is taken.
    transmit_weight, time_zero_s, sampling_frequency_hz
        As in `das_rf`.
    demodulation_frequency_hz : float64
        f_d; 0 for an analytic signal that was not demodulated.
    sound_speed_m_s, f_number, window, window_parameter, interpolation, normalize, start, stop
        As in `das_rf`.
    out : (n_points,) complex64
        Beamformed IQ, in the unit of `data`.  [start, stop) is overwritten, the rest untouched.
    """
    n_transmits, n_elements, n_samples = data.shape
    samples_per_m = sampling_frequency_hz / sound_speed_m_s
    turns_per_sample = demodulation_frequency_hz / sampling_frequency_hz
    transmit_whole = np.empty((n_transmits, BLOCK), np.int32)
    transmit_fraction = np.empty((n_transmits, BLOCK), np.float32)
    used = np.empty(n_transmits, np.bool_)
    whole = np.empty(BLOCK, np.int32)
    fraction = np.empty(BLOCK, np.float32)
    apodization = np.empty(BLOCK, np.float32)
    position = np.empty(BLOCK, np.float64)
    coefficient = np.empty(BLOCK, np.complex64)
    total = np.empty((n_transmits, BLOCK), np.complex64)
    weights = np.empty((n_transmits, BLOCK), np.float32)
    for first in range(start, stop, BLOCK):
        n = min(BLOCK, stop - first)
        _transmit_positions(
            transmit_time_s, transmit_weight, time_zero_s, sampling_frequency_hz,
            first, n, transmit_whole, transmit_fraction, used,
        )  # fmt: skip
        total[:] = 0
        weights[:] = 0
        for e in range(n_elements if n_samples > 1 else 0):
            lower, upper = _receive_positions(
                points_m, first, n, element_positions_m[e], element_normals[e],
                samples_per_m, f_number, window, window_parameter,
                whole, fraction, apodization, position,
            )  # fmt: skip
            for p in range(lower, upper):
                cosine, sine = _phasor(position[p] * turns_per_sample)
                coefficient[p] = complex(apodization[p] * cosine, apodization[p] * sine)
            for t in range(n_transmits if upper > lower else 0):
                if used[t]:
                    _add_iq(
                        data[t, e], transmit_whole[t], transmit_fraction[t],
                        whole, fraction, coefficient, lower, upper, interpolation, total[t],
                    )  # fmt: skip
                    if normalize:
                        _add_weights(
                            transmit_whole[t], transmit_fraction[t],
                            whole, fraction, apodization, lower, upper, n_samples, weights[t],
                        )  # fmt: skip
        for p in range(n):
            real = np.float32(0)
            imag = np.float32(0)
            divisor = np.float32(0)
            for t in range(n_transmits):
                if used[t] and transmit_whole[t, p] != _NOWHERE:
                    weight = transmit_weight[t, first + p]
                    turns = transmit_time_s[t, first + p] * demodulation_frequency_hz
                    cosine, sine = _phasor(turns)
                    sum_ = total[t, p]
                    real += weight * (sum_.real * cosine - sum_.imag * sine)
                    imag += weight * (sum_.real * sine + sum_.imag * cosine)
                    divisor += abs(weight) * weights[t, p]
            if normalize:
                scale = np.float32(1) / divisor if divisor > np.float32(0) else np.float32(0)
                real *= scale
                imag *= scale
            out[first + p] = complex(real, imag)
