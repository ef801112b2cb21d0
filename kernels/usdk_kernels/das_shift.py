r"""Delay-and-sum of plane waves over a uniform linear array, columns on a fraction of its pitch.

The sum is that of `usdk_kernels.das` with linear interpolation,

.. math::
    y(x, z) = \sum_t \sum_e a_e\, x_{t,e}(\tau), \qquad
    c\,\tau = x\,n_{t,x} + z\,n_{t,z} + \sqrt{z^2 + (x - q_e)^2},

n the direction of travel, for elements at (q_e, 0, 0) that look along z.

**Why it is faster.** With columns per_pitch to the pitch, x − q_e takes one of few values, the
lateral offsets o = column − per_pitch · element (plus a constant that makes the least of them 0).
With x = q_e + (x − q_e), the wave's sideways term is a part that belongs to the element alone and
a part that belongs to the offset.  The first is taken out of the channel data beforehand, once for
each sample: `skew` moves every element's record by whole samples and lays the elements side by
side.  What is left of the delay is the same for all elements at one offset, so one sample index,
one weight, one apodization and one phasor serve a run of columns, whose samples stand side by side
in memory: no gathers, and no square root, window or phase for each pair.

**Why it is exact.** The fraction f of a sample that the whole-sample move leaves over is added to
the fraction w of the common delay where the samples are weighted: w + f in [0, 2) falls between
the first and second or the second and third of three rows, whose weights are the hat functions
max(1 − w − f, 0), 1 − |1 − w − f| and max(w + f − 1, 0).  That is linear interpolation at the very
delay of the pair.  Positions are fixed-point numbers with 32 binary places.  An element on the very
rim of an aperture may count for one kernel and not for the other, whose coordinates are float32.

**Order of the work.** Depths are taken in blocks of `DEPTHS`; within one, the rows of one transmit
stay in the second-level cache.  `GROUP` offsets of the same phase (place between two elements) are
added in one pass over the accumulators.  Each depth's result depends on that depth alone, so tiles
may be cut at any depth without changing a bit of it.

References
----------
G. Montaldo, M. Tanter, J. Bercoff, N. Benech, M. Fink, "Coherent plane-wave compounding for very
high frame rate ultrasonography and transient elastography", IEEE Trans. Ultrason. Ferroelectr.
Freq. Control 56 (2009) 489-506: equations 3 and 4 (delays).
V. Perrot, M. Polichetti, F. Varray, D. Garcia, "So you think you can DAS? A viewpoint on
delay-and-sum beamforming", Ultrasonics 111 (2021) 106309: F-number and I/Q phase rotation.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from usdk_kernels._compile import kernel

PADDING = 32
"""Zeros before the first element of a row of skewed data; those of the next row follow the last."""
GROUP = 4
"""Offsets added in one pass; 0.75 of the time of one at a time, two measured no faster than one."""
DEPTHS = 8
"""Depths that share one pass over the transmits."""

# Columns are added in whole vectors: every run begins and ends at a multiple of this.  A run may
# reach 15 lanes and the group's other three offsets beyond the elements, less than `PADDING`.
_LANES = 16
_SKEW_ROWS = 64  # rows that one pass over the elements writes: they stay in the cache
_ROWS_READ = 3
_PLACES = 32  # binary places of a fixed-point sample position
_ONE = 2.0**_PLACES
_FRACTION = np.int64(2**_PLACES - 1)
_FARTHEST = 2.0**28  # samples; positions beyond it are taken for `_NOWHERE`
# A position that is before every record; with any two others added it is before or beyond it.
_NOWHERE = np.int64(-(2**62))


@kernel
def _fixed(position: float) -> np.int64:
    """Fixed-point sample position; `_NOWHERE` if it is NaN or far outside any record."""
    if not (-_FARTHEST < position < _FARTHEST):
        return _NOWHERE
    return np.int64(math.floor(position * _ONE))


@kernel
def _weight(position: np.int64) -> np.float32:
    """Binary places of a fixed-point position, the weight of the sample after it."""
    return np.float32(position & _FRACTION) * np.float32(1 / _ONE)


@kernel
def _phasors(
    turns: npt.NDArray[np.float64],
    n: int,
    real: npt.NDArray[np.float32],
    imag: npt.NDArray[np.float32],
) -> None:
    """Cosine and sine of 2π turns, without a call; error below 4e-7 while |turns| < 2^28."""
    for m in range(n):
        quarters = math.floor(4 * turns[m] + 0.5) if abs(turns[m]) < _FARTHEST else 0.0
        x = np.float32((turns[m] - 0.25 * quarters) * (2 * math.pi))
        x2 = x * x
        sine = x2 * (np.float32(1 / 120) - x2 * np.float32(1 / 5040))
        sine = x + x * x2 * (sine - np.float32(1 / 6))
        cosine = x2 * (np.float32(1 / 720) - x2 * np.float32(1 / 40320))
        cosine = np.float32(1) + x2 * (x2 * (np.float32(1 / 24) - cosine) - np.float32(0.5))
        q = np.float32(quarters - 4 * math.floor(0.25 * quarters))  # 0, 1, 2 or 3
        odd = q == np.float32(1) or q == np.float32(3)
        a = sine if odd else cosine
        b = cosine if odd else sine
        real[m] = -a if q == np.float32(1) or q == np.float32(2) else a
        imag[m] = -b if q >= np.float32(2) else b


@kernel
def _windows(apodization: npt.NDArray[np.float32], n: int, window: npt.NDArray[np.float64]) -> None:
    """Turn n squares of u, the place in the half aperture from 0 to 1, into apodization.

    Without a call, so that the loop vectorises: cos(πv) = −sin(π(v − 1/2)), the sine a Taylor
    polynomial whose error is below 6e-8, and cos(2πv) = 2 cos²(πv) − 1.
    """
    taper = np.float32(window[0])
    if not taper > np.float32(0):
        apodization[:n] = np.float32(1)
        return
    # a0 + a1 cos(πv) + a2 cos(2πv), as a polynomial of the sine
    c0 = np.float32(window[1] - window[3])
    c1, c2 = np.float32(window[2]), np.float32(2 * window[3])
    flat = np.float32(1) - taper
    per_taper = np.float32(1) / taper
    for m in range(n):
        v = (np.float32(math.sqrt(apodization[m])) - flat) * per_taper
        v = v if v > np.float32(0) else np.float32(0)
        x = np.float32(math.pi) * (v - np.float32(0.5))
        x2 = x * x
        rest = np.float32(1 / 362880) - x2 * np.float32(1 / 39916800)
        rest = x2 * (np.float32(1 / 120) - x2 * (np.float32(1 / 5040) - x2 * rest))
        sine = x + x * x2 * (rest - np.float32(1 / 6))
        weight = c0 + sine * (c2 * sine - c1)
        apodization[m] = weight if weight > np.float32(0) else np.float32(0)


@kernel
def _sinc(x: np.float32) -> np.float32:
    """sin(πx)/(πx) for x ≥ 0, without a call: a Taylor polynomial about the nearest integer.

    Its error is below 2e-7.
    """
    nearest = np.float32(np.floor(x + np.float32(0.5)))
    f = x - nearest
    p = f * f * np.float32(math.pi * math.pi)
    near = np.float32(1 / 362880) - p * np.float32(1 / 39916800)
    near = np.float32(1 / 120) - p * (np.float32(1 / 5040) - p * near)
    near = np.float32(1) - p * (np.float32(1 / 6) - p * near)
    half = np.float32(0.5) * nearest
    odd = half != np.float32(np.floor(half))
    far = near * f / (x if x > np.float32(0.5) else np.float32(0.5))
    far = -far if odd else far
    return far if nearest > np.float32(0) else near


@kernel
def _aperture(
    z: float,
    lateral_m: npt.NDArray[np.float64],
    f_number: float,
    window: npt.NDArray[np.float64],
    width: float,
    apodization: npt.NDArray[np.float32],
) -> tuple[int, int]:
    """Apodization of every offset at a depth, 0 outside; returns the range that is not outside."""
    first = lateral_m.size
    stop = 0
    for o in range(lateral_m.size):
        apodization[o] = np.float32(-1)
        edge2 = lateral_m[o] * lateral_m[o] * (4 * f_number * f_number)
        if z > 0 and edge2 <= z * z:
            first = min(first, o)
            stop = o + 1
            apodization[o] = np.float32(edge2 / (z * z))
    # Offsets increase, so that all between the first and the last are inside; should they not,
    # those outside get no weight.
    outside = apodization < np.float32(0)
    apodization[outside] = np.float32(0)
    _windows(apodization[first:stop], max(stop - first, 0), window)
    if width >= 0:
        for o in range(first, stop):
            per_m = 1 / math.sqrt(z * z + lateral_m[o] * lateral_m[o])
            sinc = _sinc(np.float32(abs(lateral_m[o]) * per_m * width))
            apodization[o] *= sinc * np.float32(z * per_m)
    apodization[outside] = np.float32(0)
    return first, max(stop, first)


@kernel
def skew(
    data: npt.NDArray[np.float32],
    shift: npt.NDArray[np.int64],
    first_row: npt.NDArray[np.int64],
    turns_per_sample: float,
    start: int,
    stop: int,
    out: npt.NDArray[np.float32],
) -> None:
    r"""Move every element's record by whole samples and lay the elements side by side.

    .. math::
        out_{t,\,row,\,e} = x_{t,e}[row + r_t + \lfloor s_{t,e} \rfloor]\,
        e^{2\pi j\,(f_d / f_s)\,s_{t,e}}

    with r_t = first_row[t], and s the shift in samples; 0 outside the record and in the padding.

    Parameters
    ----------
    data : (n_transmits, n_elements, n_samples, n_planes) float32
        Channel data; one plane of RF, or two of IQ, real and imaginary part.
    shift : (n_transmits, n_elements) int64
        Shift of each element in samples, with 32 binary places.
    first_row : (n_transmits,) int64
        The sample, before the shift, that stands in row 0.
    turns_per_sample : float64
        f_d / f_s, demodulation over sampling frequency; not used for one plane.
    start, stop : int64
        Range of rows, 0 ≤ start ≤ stop ≤ n_rows.
    out : (n_transmits, n_rows, n_planes, width) float32
        Skewed data; element e stands at `PADDING` + e.  Rows [start, stop) are overwritten, the
        rest untouched.

    Notes
    -----
    All arrays are C-contiguous.  No value causes a read outside `data`; a NaN goes where its
    sample goes.  Not checked: shapes, width ≥ `PADDING` + n_elements, n_planes 1 or 2, start and
    stop.
    """
    n_transmits, n_elements, n_samples, n_planes = data.shape
    turns = np.empty(n_elements, np.float64)
    real = np.empty(n_elements, np.float32)
    imag = np.empty(n_elements, np.float32)
    for t in range(n_transmits):
        for e in range(n_elements):
            turns[e] = np.float64(shift[t, e]) * (turns_per_sample / _ONE)
        _phasors(turns, n_elements, real, imag)
        for begin in range(start, stop, _SKEW_ROWS):
            end = min(begin + _SKEW_ROWS, stop)
            out[t, begin:end, :, :PADDING] = np.float32(0)
            out[t, begin:end, :, PADDING + n_elements :] = np.float32(0)
            for e in range(n_elements):
                column = PADDING + e
                offset = first_row[t] + (shift[t, e] >> _PLACES)
                low = min(max(-offset, begin), end)
                high = min(max(n_samples - offset, low), end)
                out[t, begin:low, :, column] = np.float32(0)
                out[t, high:end, :, column] = np.float32(0)
                if n_planes == 1:
                    for row in range(low, high):
                        out[t, row, 0, column] = data[t, e, row + offset, 0]
                    continue
                for row in range(low, high):
                    x = data[t, e, row + offset, 0]
                    y = data[t, e, row + offset, 1]
                    out[t, row, 0, column] = real[e] * x - imag[e] * y
                    out[t, row, 1, column] = real[e] * y + imag[e] * x


# contract in the four functions below: fused multiply-adds.


@kernel(fastmath=frozenset({"contract"}))
def _hat(v: np.float32) -> tuple[np.float32, np.float32, np.float32]:
    """Weights of three rows, v = 1 − w − f samples before the second."""
    c0 = v if v > np.float32(0) else np.float32(0)
    c2 = c0 - v
    return c0, np.float32(1) - c0 - c2, c2


@kernel(fastmath=frozenset({"contract"}))
def _add_group_rf(
    flat: npt.NDArray[np.float32],
    rest: npt.NDArray[np.float32],
    at0: int,
    at1: int,
    at2: int,
    at3: int,
    w0: np.float32,
    w1: np.float32,
    w2: np.float32,
    w3: np.float32,
    a0: np.float32,
    a1: np.float32,
    a2: np.float32,
    a3: np.float32,
    width: int,
    lane: int,
    column: int,
    n: int,
    sum_real: npt.NDArray[np.float32],
) -> None:
    """Add `GROUP` offsets of RF to the columns from `column` on; n is a multiple of `_LANES`.

    Of each offset: where its samples begin, w, and the coefficient a.
    """
    # Unsigned indices: no test for negative ones in the loops.
    k0, k1, k2, k3 = np.uint64(at0), np.uint64(at1), np.uint64(at2), np.uint64(at3)
    f0, f1 = np.uint64(lane), np.uint64(lane - 1)
    f2, f3 = np.uint64(lane - 2), np.uint64(lane - 3)
    j = np.uint64(column)
    count = np.uint64(n)
    row1, row2 = np.uint64(width), np.uint64(2 * width)
    for m in range(count):
        p, q, r = _hat(rest[f0 + m] - w0)
        x0 = p * flat[k0 + m] + q * flat[k0 + m + row1] + r * flat[k0 + m + row2]
        p, q, r = _hat(rest[f1 + m] - w1)
        x1 = p * flat[k1 + m] + q * flat[k1 + m + row1] + r * flat[k1 + m + row2]
        p, q, r = _hat(rest[f2 + m] - w2)
        x2 = p * flat[k2 + m] + q * flat[k2 + m + row1] + r * flat[k2 + m + row2]
        p, q, r = _hat(rest[f3 + m] - w3)
        x3 = p * flat[k3 + m] + q * flat[k3 + m + row1] + r * flat[k3 + m + row2]
        sum_real[j + m] += a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3


@kernel(fastmath=frozenset({"contract"}))
def _add_group_iq(
    flat: npt.NDArray[np.float32],
    rest: npt.NDArray[np.float32],
    at0: int,
    at1: int,
    at2: int,
    at3: int,
    w0: np.float32,
    w1: np.float32,
    w2: np.float32,
    w3: np.float32,
    a0: np.float32,
    a1: np.float32,
    a2: np.float32,
    a3: np.float32,
    b0: np.float32,
    b1: np.float32,
    b2: np.float32,
    b3: np.float32,
    width: int,
    lane: int,
    column: int,
    n: int,
    sum_real: npt.NDArray[np.float32],
    sum_imag: npt.NDArray[np.float32],
) -> None:
    """Add `GROUP` offsets of IQ to the columns from `column` on; n is a multiple of `_LANES`.

    Of each offset: where its samples begin, w, and the coefficient a + jb.
    """
    # Unsigned indices: no test for negative ones in the loops.
    k0, k1, k2, k3 = np.uint64(at0), np.uint64(at1), np.uint64(at2), np.uint64(at3)
    f0, f1 = np.uint64(lane), np.uint64(lane - 1)
    f2, f3 = np.uint64(lane - 2), np.uint64(lane - 3)
    j = np.uint64(column)
    count = np.uint64(n)
    row1, row2 = np.uint64(2 * width), np.uint64(4 * width)
    i0, i1, i2 = np.uint64(width), np.uint64(3 * width), np.uint64(5 * width)
    for m in range(count):
        p, q, r = _hat(rest[f0 + m] - w0)
        x0 = p * flat[k0 + m] + q * flat[k0 + m + row1] + r * flat[k0 + m + row2]
        y0 = p * flat[k0 + m + i0] + q * flat[k0 + m + i1] + r * flat[k0 + m + i2]
        p, q, r = _hat(rest[f1 + m] - w1)
        x1 = p * flat[k1 + m] + q * flat[k1 + m + row1] + r * flat[k1 + m + row2]
        y1 = p * flat[k1 + m + i0] + q * flat[k1 + m + i1] + r * flat[k1 + m + i2]
        p, q, r = _hat(rest[f2 + m] - w2)
        x2 = p * flat[k2 + m] + q * flat[k2 + m + row1] + r * flat[k2 + m + row2]
        y2 = p * flat[k2 + m + i0] + q * flat[k2 + m + i1] + r * flat[k2 + m + i2]
        p, q, r = _hat(rest[f3 + m] - w3)
        x3 = p * flat[k3 + m] + q * flat[k3 + m + row1] + r * flat[k3 + m + row2]
        y3 = p * flat[k3 + m + i0] + q * flat[k3 + m + i1] + r * flat[k3 + m + i2]
        sum_real[j + m] += (
            (a0 * x0 - b0 * y0) + (a1 * x1 - b1 * y1) + (a2 * x2 - b2 * y2) + (a3 * x3 - b3 * y3)
        )
        sum_imag[j + m] += (
            (a0 * y0 + b0 * x0) + (a1 * y1 + b1 * x1) + (a2 * y2 + b2 * x2) + (a3 * y3 + b3 * x3)
        )


@kernel(fastmath=frozenset({"contract"}))
def _add_one(
    flat: npt.NDArray[np.float32],
    rest: npt.NDArray[np.float32],
    shift: npt.NDArray[np.int64],
    at: int,
    position: np.int64,
    last: np.int64,
    weight: np.float32,
    real: np.float32,
    imag: np.float32,
    width: int,
    n_planes: int,
    element: int,
    column: int,
    n: int,
    sum_real: npt.NDArray[np.float32],
    sum_imag: npt.NDArray[np.float32],
) -> None:
    """Add one offset to n columns, whose first is `element`'s, where the record holds its echo."""
    k = np.uint64(at)
    e = np.uint64(element)
    j = np.uint64(column)
    lane = np.uint64(element + PADDING)
    row1, row2 = np.uint64(n_planes * width), np.uint64(2 * n_planes * width)
    # One plane: the same samples again, multiplied by imag, which is 0.
    i = np.uint64((n_planes - 1) * width)
    for m in range(np.uint64(n)):
        s = position + shift[e + m]
        inside = s >= 0 and s <= last
        p, q, r = _hat(rest[lane + m] - weight)
        x = p * flat[k + m] + q * flat[k + m + row1] + r * flat[k + m + row2]
        y = p * flat[k + m + i] + q * flat[k + m + i + row1] + r * flat[k + m + i + row2]
        sum_real[j + m] += real * x - imag * y if inside else np.float32(0)
        sum_imag[j + m] += real * y + imag * x if inside else np.float32(0)


@kernel
def _add_transmit(
    flat: npt.NDArray[np.float32],
    rest: npt.NDArray[np.float32],
    shift: npt.NDArray[np.int64],
    position: npt.NDArray[np.int64],
    real: npt.NDArray[np.float32],
    imag: npt.NDArray[np.float32],
    begin: int,
    end: int,
    base: int,
    first_row: np.int64,
    n_rows: int,
    width: int,
    n_planes: int,
    shortest: np.int64,
    longest: np.int64,
    last: np.int64,
    n_columns: int,
    per_pitch: int,
    padded: int,
    sum_real: npt.NDArray[np.float32],
    sum_imag: npt.NDArray[np.float32],
) -> None:
    """Add the offsets [begin, end) of one transmit to the columns of one depth."""
    n_elements = shift.size
    row_size = n_planes * width
    for phase in range(per_pitch):
        columns = (n_columns - phase + per_pitch - 1) // per_pitch
        o = begin + (phase - begin) % per_pitch
        while o < end:
            # Column j of the phase and element j − behind stand at this offset.
            behind = o // per_pitch - (n_elements - 1)
            low = max(0, behind) // _LANES * _LANES
            o1, o2, o3 = o + per_pitch, o + 2 * per_pitch, o + 3 * per_pitch
            whole = o3 < end
            for g in range(GROUP if whole else 0):
                s = position[o + g * per_pitch]
                row = (s >> _PLACES) - first_row
                whole = whole and 0 <= row < n_rows - _ROWS_READ
                whole = whole and s + shortest >= 0 and s + longest <= last
            if whole:
                high = min(columns, behind + GROUP - 1 + n_elements)
                n = (high - low + _LANES - 1) // _LANES * _LANES
                if n > 0:
                    lane = PADDING - behind + low
                    place = base - first_row * row_size + lane
                    at0 = place + (position[o] >> _PLACES) * row_size
                    at1 = place + (position[o1] >> _PLACES) * row_size - 1
                    at2 = place + (position[o2] >> _PLACES) * row_size - 2
                    at3 = place + (position[o3] >> _PLACES) * row_size - 3
                    w0, w1 = _weight(position[o]), _weight(position[o1])
                    w2, w3 = _weight(position[o2]), _weight(position[o3])
                    if n_planes == 1:
                        _add_group_rf(
                            flat, rest, at0, at1, at2, at3, w0, w1, w2, w3,
                            real[o], real[o1], real[o2], real[o3],
                            width, lane, phase * padded + low, n, sum_real,
                        )  # fmt: skip
                    else:
                        _add_group_iq(
                            flat, rest, at0, at1, at2, at3, w0, w1, w2, w3,
                            real[o], real[o1], real[o2], real[o3],
                            imag[o], imag[o1], imag[o2], imag[o3],
                            width, lane, phase * padded + low, n, sum_real, sum_imag,
                        )  # fmt: skip
                o += GROUP * per_pitch
                continue
            s = position[o]
            row = (s >> _PLACES) - first_row
            low = max(0, behind)
            high = min(columns, behind + n_elements)
            if low < high and 0 <= row < n_rows - _ROWS_READ:
                _add_one(
                    flat, rest, shift, base + row * row_size + PADDING - behind + low, s, last,
                    _weight(s), real[o], imag[o],
                    width, n_planes, low - behind, phase * padded + low, high - low,
                    sum_real, sum_imag,
                )  # fmt: skip
            o += per_pitch


@kernel
def das_shift(
    skewed: npt.NDArray[np.float32],
    shift: npt.NDArray[np.int64],
    first_row: npt.NDArray[np.int64],
    depths_m: npt.NDArray[np.float64],
    lateral_m: npt.NDArray[np.float64],
    directions: npt.NDArray[np.float64],
    transmit_time_s: npt.NDArray[np.float64],
    time_zero_s: npt.NDArray[np.float64],
    window: npt.NDArray[np.float64],
    n_samples: int,
    per_pitch: int,
    sampling_frequency_hz: float,
    demodulation_frequency_hz: float,
    sound_speed_m_s: float,
    f_number: float,
    element_width_wavelengths: float,
    normalize: int,
    start: int,
    stop: int,
    out: npt.NDArray[np.float32],
) -> None:
    r"""Delay-and-sum of skewed channel data at the depths start to stop − 1 of all columns.

    Column i and element e stand at the offset o = i + per_pitch (n_elements − 1 − e).  Their
    echo from depth z is read at the sample

    .. math::
        \left(t_t - z_t + \frac{l_o\,n_{t,x} + z\,n_{t,z}
        + \sqrt{z^2 + l_o^2}}{c}\right) f_s + s_{t,e}

    with l_o the lateral offset, n the direction of travel, t_t and z_t the transmit's time and time
    zero, s the shift.  IQ is multiplied by exp(2πj f_d τ), τ the echo's time on the transmit's
    clock, of which `skew` has done the element's part.  Aperture, window, directivity and the
    divisor of `normalize` are those of `usdk_kernels.das`, with every transmit weight 1.

    Parameters
    ----------
    skewed : (n_transmits, n_rows, n_planes, width) float32
        What `skew` made: one plane of RF or two of IQ.  Any amplitude unit.
    shift : (n_transmits, n_elements) int64
        As given to `skew`.
    first_row : (n_transmits,) int64
        As given to `skew`.
    depths_m : (n_depths,) float64
        Depths of the points, z, in metres.
    lateral_m : (n_columns + per_pitch (n_elements − 1),) float64
        Column minus element of every offset, increasing, in metres.
    directions : (n_transmits, 2) float64
        Components along x and z of each wave's unit vector of travel.
    transmit_time_s : (n_transmits,) float64
        When the wave passes the element of shift 0 (on the transmit's clock), twice the lens
        delay included.
    time_zero_s : (n_transmits,) float64
        Time of sample 0 on the transmit's clock.
    window : (4,) float64
        As in `usdk_kernels.das`.
    n_samples : int64
        Samples of each element's record.
    per_pitch : int64 ≥ 1
        Columns to the pitch.
    sampling_frequency_hz : float64 > 0
    demodulation_frequency_hz : float64
        f_d; 0 for RF.
    sound_speed_m_s : float64 > 0
    f_number, element_width_wavelengths : float64
        As in `usdk_kernels.das`; points and elements lie in one plane, where height has no effect.
    normalize : int64
        0: the plain sum.  1: the sum divided by n_transmits Σ a_e, 0 where that is 0.
    start, stop : int64
        Range of depths, 0 ≤ start ≤ stop ≤ n_depths.
    out : (n_columns, n_depths, n_planes) float32
        Beamformed data.  Depths [start, stop) are overwritten, the rest untouched.

    Notes
    -----
    All arrays are C-contiguous.  Samples outside the record contribute nothing, nor do positions
    whose three rows and the one after them are not all in `skewed`; a record of fewer than two
    samples gives zeros, NaN depths and times give 0, and no value of any array causes a read
    outside `skewed`.  Not checked: shapes, width ≥ `PADDING` + n_elements, n_planes 1 or 2, start
    and stop, the signs of the scalars.  A NaN in the data spreads to the points that read it or
    the sample before it.
    """
    n_transmits, n_rows, n_planes, width = skewed.shape
    n_elements = shift.shape[1]
    n_columns = out.shape[0]
    n_offsets = lateral_m.size
    per_m = sampling_frequency_hz / sound_speed_m_s
    turns_per_m = demodulation_frequency_hz / sound_speed_m_s
    last = np.int64(n_samples - 1) << _PLACES
    # Columns of one phase stand side by side, and so do their elements.
    padded = ((n_columns + per_pitch - 1) // per_pitch + _LANES - 1) // _LANES * _LANES
    rest = np.ones((n_transmits, n_elements + 2 * PADDING), np.float32)  # 1 − f
    side = np.empty((n_transmits, n_offsets), np.int64)
    side_real = np.empty((n_transmits, n_offsets), np.float32)
    side_imag = np.empty((n_transmits, n_offsets), np.float32)
    turns = np.zeros(n_offsets, np.float64)
    for t in range(n_transmits):
        for e in range(n_elements):
            rest[t, PADDING + e] = np.float32(1) - _weight(shift[t, e])
        across = directions[t, 0]
        for o in range(n_offsets):
            side[t, o] = _fixed(lateral_m[o] * across * per_m)
            turns[o] = lateral_m[o] * across * turns_per_m
        _phasors(turns, n_offsets, side_real[t], side_imag[t])
    begin = np.zeros(DEPTHS, np.int64)
    end = np.zeros(DEPTHS, np.int64)
    path = np.zeros((DEPTHS, n_offsets), np.int64)
    apodization = np.zeros((DEPTHS, n_offsets), np.float32)
    path_real = np.zeros((DEPTHS, n_offsets), np.float32)
    path_imag = np.zeros((DEPTHS, n_offsets), np.float32)
    position = np.zeros(n_offsets, np.int64)
    real = np.zeros(n_offsets, np.float32)
    imag = np.zeros(n_offsets, np.float32)
    axial_turns = np.zeros(1, np.float64)
    axial_real = np.zeros(1, np.float32)
    axial_imag = np.zeros(1, np.float32)
    sum_real = np.zeros((DEPTHS, per_pitch * padded), np.float32)
    sum_imag = np.zeros((DEPTHS, per_pitch * padded), np.float32)
    # Sums of the apodization over the offsets before this one that are whole pitches away.
    before = np.zeros(n_offsets + per_pitch, np.float64)
    flat = skewed.reshape(n_transmits * n_rows * n_planes * width)
    for first in range(start, stop, DEPTHS):
        n_depths = min(DEPTHS, stop - first)
        for d in range(n_depths):
            z = depths_m[first + d]
            begin[d], end[d] = _aperture(
                z, lateral_m, f_number, window, element_width_wavelengths, apodization[d]
            )
            for o in range(begin[d], end[d]):
                distance = math.sqrt(z * z + lateral_m[o] * lateral_m[o])
                path[d, o] = _fixed(distance * per_m)
                turns[o] = distance * turns_per_m
            _phasors(
                turns[begin[d] : end[d]], end[d] - begin[d],
                path_real[d, begin[d] : end[d]], path_imag[d, begin[d] : end[d]],
            )  # fmt: skip
            for o in range(begin[d], end[d]):
                path_real[d, o] *= apodization[d, o]
                path_imag[d, o] *= apodization[d, o]
            sum_real[d] = np.float32(0)
            sum_imag[d] = np.float32(0)
        for t in range(n_transmits if n_samples > 1 else 0):
            shortest = shift[t].min() if n_elements else np.int64(0)
            longest = shift[t].max() if n_elements else np.int64(0)
            for d in range(n_depths):
                axial_s = depths_m[first + d] * directions[t, 1] / sound_speed_m_s
                axial_s += transmit_time_s[t]
                axial = _fixed((axial_s - time_zero_s[t]) * sampling_frequency_hz)
                if axial == _NOWHERE:
                    continue
                axial_turns[0] = axial_s * demodulation_frequency_hz
                _phasors(axial_turns, 1, axial_real, axial_imag)
                for o in range(begin[d], end[d]):
                    position[o] = path[d, o] + side[t, o] + axial
                    u = axial_real[0] * side_real[t, o] - axial_imag[0] * side_imag[t, o]
                    v = axial_real[0] * side_imag[t, o] + axial_imag[0] * side_real[t, o]
                    real[o] = path_real[d, o] * u - path_imag[d, o] * v
                    imag[o] = path_real[d, o] * v + path_imag[d, o] * u
                _add_transmit(
                    flat, rest[t], shift[t], position, real, imag, begin[d], end[d],
                    t * n_rows * n_planes * width, first_row[t], n_rows, width, n_planes,
                    shortest, longest, last, n_columns, per_pitch, padded,
                    sum_real[d], sum_imag[d],
                )  # fmt: skip
        for d in range(n_depths):
            for o in range(n_offsets):
                before[o + per_pitch] = before[o] + apodization[d, o]
            for i in range(n_columns):
                scale = np.float32(1)
                if normalize:
                    heard = n_transmits * (before[i + per_pitch * n_elements] - before[i])
                    scale = np.float32(1 / heard) if heard > 0 else np.float32(0)
                m = i % per_pitch * padded + i // per_pitch
                out[i, first + d, 0] = sum_real[d, m] * scale
                if n_planes == 2:
                    out[i, first + d, 1] = sum_imag[d, m] * scale
