r"""Delay-and-sum of plane waves over a uniform linear array, with band-limited interpolation.

The geometry is that of `usdk_kernels.das_shift`, whose module says why the sum is a sum over
lateral offsets.  There, linear interpolation between samples is exact, at the price of three rows
and a weight for every pair.  Here the fraction of a sample that belongs to an element is taken out
beforehand by a short filter, and the record is upsampled on the way, so that

* a pair costs two rows and no weight of its own: the coefficients of an offset hold its
  apodization, its phasor and its place between two rows;
* the rows stand as close together as one wants, and the straight line between them is as near to
  band-limited interpolation: n_fine rows to the sample.

**The filter** is not this module's: `usdk.beamform.fractional_delay` designs it, least squares over
the band of the signal, with the droop of the straight line that follows allowed for.  It is applied
along each element's record, `_ROWS` samples at a time, before the elements are laid side by side.

**Order of the work.** As in `usdk_kernels.das_shift`: blocks of `DEPTHS` depths, within one the
transmits, `GROUP` offsets in one pass over the accumulators.  Each depth's result depends on that
depth alone, so tiles may be cut at any depth without changing a bit of it.

References
----------
T. I. Laakso, V. Välimäki, M. Karjalainen, U. K. Laine, "Splitting the unit delay", IEEE Signal
Process. Mag. 13(1) (1996) 30-60: fractional-delay filters by least squares, section "Least squared
error design".
G. Montaldo, M. Tanter, J. Bercoff, N. Benech, M. Fink, IEEE Trans. Ultrason. Ferroelectr. Freq.
Control 56 (2009) 489-506: equations 3 and 4 (delays).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from usdk_kernels._compile import kernel

TAPS = 6
"""Taps of the filter; the sample that stands at the row itself is tap `TAPS` // 2 − 1."""
PADDING = 32
"""Zeros before the first element of a row; those of the next row follow the last."""
ROWS_READ = 3
"""Rows of zeros that must follow the last one that a position can lie on."""
GROUP = 4
"""Offsets of RF added in one pass; eight measured no faster."""
NOWHERE_M = 1e9
"""An offset of which nothing is heard."""
DEPTHS = 8
"""Depths that share one pass over the transmits."""

_GROUP_IQ = 2
_LANES = 16  # columns are added in whole vectors, as in das_shift
_ROWS = 64  # samples of all elements that are filtered before they are laid side by side


@kernel
def _phasors(
    turns: npt.NDArray[np.float64],
    n: int,
    real: npt.NDArray[np.float32],
    imag: npt.NDArray[np.float32],
) -> None:
    """Cosine and sine of 2π turns, without a call; error below 4e-7."""
    for m in range(n):
        quarters = np.floor(4 * turns[m] + 0.5)
        x = np.float32((turns[m] - 0.25 * quarters) * (2 * math.pi))
        x2 = x * x
        sine = x2 * (np.float32(1 / 120) - x2 * np.float32(1 / 5040))
        sine = x + x * x2 * (sine - np.float32(1 / 6))
        cosine = x2 * (np.float32(1 / 720) - x2 * np.float32(1 / 40320))
        cosine = np.float32(1) + x2 * (x2 * (np.float32(1 / 24) - cosine) - np.float32(0.5))
        q = np.float32(quarters - 4 * np.floor(0.25 * quarters))  # 0, 1, 2 or 3
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
    element_width_wavelengths: float,
    apodization: npt.NDArray[np.float32],
) -> tuple[int, int]:
    """Apodization of every offset at a depth, 0 outside; returns the range that is not outside."""
    # Offsets increase, so that all between the first and the last are inside.
    first, stop = lateral_m.size, 0
    n_heard = lateral_m.size - (GROUP - 1)  # the last group ends in the table, whatever is in it
    for o in range(lateral_m.size):
        edge2 = lateral_m[o] * lateral_m[o] * (4 * f_number * f_number)
        inside = z > 0 and edge2 <= z * z and abs(lateral_m[o]) < NOWHERE_M and o < n_heard
        if inside:
            first = min(first, o)
            stop = o + 1
        apodization[o] = np.float32(edge2 / (z * z)) if inside else np.float32(0)
    stop = max(stop, first)
    _windows(apodization[first:stop], stop - first, window)
    if element_width_wavelengths >= 0:
        for o in range(first, stop):
            per_m = 1 / math.sqrt(z * z + lateral_m[o] * lateral_m[o])
            sinc = _sinc(np.float32(abs(lateral_m[o]) * per_m * element_width_wavelengths))
            apodization[o] *= sinc * np.float32(z * per_m)
    return first, stop


# contract and reassoc in the functions below: fused multiply-adds, sums in pairs.


# Without reassoc, which would make a sample depend on its place in a vector.
@kernel(fastmath=frozenset({"contract"}), noalias=True)
def _filter(
    flat: npt.NDArray[np.float32],
    at: int,
    step: int,
    taps: npt.NDArray[np.float32],
    c: int,
    n: int,
    out: npt.NDArray[np.float32],
    o: int,
) -> None:
    """Filter n samples of one element, `step` apart, with the `TAPS` taps that begin at c."""
    c0, c1, c2 = taps[c], taps[c + 1], taps[c + 2]
    c3, c4, c5 = taps[c + 3], taps[c + 4], taps[c + 5]
    # Unsigned indices, and steps that the compiler knows: no tests in the loops.
    j, k = np.uint64(o), np.uint64(at)
    one, two, three = np.uint64(1), np.uint64(2), np.uint64(3)
    four, five, six, eight, ten = (
        np.uint64(4), np.uint64(5), np.uint64(6), np.uint64(8), np.uint64(10),
    )  # fmt: skip
    if step == 1:
        for i in range(np.uint64(n)):
            m = k + i
            out[j + i] = (
                (c0 * flat[m] + c1 * flat[m + one])
                + (c2 * flat[m + two] + c3 * flat[m + three])
                + (c4 * flat[m + four] + c5 * flat[m + five])
            )
        return
    for i in range(np.uint64(n)):
        m = k + two * i
        out[j + i] = (
            (c0 * flat[m] + c1 * flat[m + two])
            + (c2 * flat[m + four] + c3 * flat[m + six])
            + (c4 * flat[m + eight] + c5 * flat[m + ten])
        )


@kernel
def _filter_at_an_end(
    flat: npt.NDArray[np.float32],
    begin: int,
    first: int,
    n_samples: int,
    step: int,
    taps: npt.NDArray[np.float32],
    c: int,
    n: int,
    out: npt.NDArray[np.float32],
    o: int,
) -> None:
    """As `_filter` from sample `first` of the record at `begin`; 0 outside the record."""
    held = np.zeros(n + TAPS - 1, np.float32)
    for m in range(n + TAPS - 1):
        if 0 <= first + m < n_samples:
            held[m] = flat[begin + (first + m) * step]
    _filter(held, 0, 1, taps, c, n, out, o)


@kernel(noalias=True)
def _lay_side_by_side(
    filtered: npt.NDArray[np.float32],
    at: int,
    n_elements: int,
    out: npt.NDArray[np.float32],
    o: int,
) -> None:
    """One row: sample `at` of every element, whose samples stand `_ROWS` apart."""
    j, k = np.uint64(o), np.uint64(at)
    for e in range(np.uint64(n_elements)):
        out[j + e] = filtered[k + e * np.uint64(_ROWS)]


@kernel(fastmath=frozenset({"contract"}))
def _rotate(
    real: npt.NDArray[np.float32],
    imag: npt.NDArray[np.float32],
    n_elements: int,
    out: npt.NDArray[np.float32],
    o: int,
    p: int,
) -> None:
    """Multiply one row of IQ, planes at o and p, by each element's phasor."""
    j, k = np.uint64(o), np.uint64(p)
    for e in range(np.uint64(n_elements)):
        x, y = out[j + e], out[k + e]
        out[j + e] = real[e] * x - imag[e] * y
        out[k + e] = real[e] * y + imag[e] * x


@kernel
def skew_fine(
    data: npt.NDArray[np.float32],
    whole: npt.NDArray[np.int64],
    taps: npt.NDArray[np.float32],
    turns: npt.NDArray[np.float64],
    first_row: npt.NDArray[np.int64],
    start: int,
    stop: int,
    out: npt.NDArray[np.float32],
) -> None:
    r"""Move every element's record by its shift, upsample it and lay the elements side by side.

    .. math::
        out_{t,\,u + n_f\,row,\,e} = e^{2\pi j\,\psi_{t,e}} \sum_k h_{t,u,e,k}\,
        x_{t,e}[row + r_t + \lfloor s_{t,e} \rfloor + k - K/2 + 1]

    with K = `TAPS` and r_t = first_row[t]; samples outside the record are 0.

    Parameters
    ----------
    data : (n_transmits, n_elements, n_samples, n_planes) float32
        Channel data; one plane of RF, or two of IQ, real and imaginary part.
    whole : (n_transmits, n_elements) int64
        Whole part of each element's shift, in samples.
    taps : (n_transmits, n_fine, n_elements, TAPS) float32
        Filters that interpolate at the fraction of the shift plus u / n_fine.
    turns : (n_transmits, n_elements) float64
        Phase of each element's shift, in turns; not used for one plane.
    first_row : (n_transmits,) int64
        The sample, before the shift, that stands in row 0.
    start, stop : int64
        Range of samples, 0 ≤ start ≤ stop ≤ n_rows / n_fine.
    out : (n_transmits, n_rows, n_planes, width) float32
        Element e stands at `PADDING` + e.  Of the rows [start n_fine, stop n_fine) the elements are
        overwritten; `das_shift_fine` needs zeros in all the rest.

    Notes
    -----
    All arrays are C-contiguous.  No value causes a read outside `data`; a NaN goes where its
    sample goes.  Not checked: shapes, width ≥ `PADDING` + n_elements, n_planes 1 or 2, start and
    stop.
    """
    n_transmits, n_elements, n_samples, n_planes = data.shape
    n_fine = taps.shape[1]
    n_rows, width = out.shape[1], out.shape[3]
    filtered = np.zeros(n_elements * _ROWS, np.float32)
    real = np.zeros(n_elements, np.float32)
    imag = np.zeros(n_elements, np.float32)
    rows, flat_taps = out.reshape(out.size), taps.reshape(taps.size)
    for t in range(n_transmits):
        flat = data[t].reshape(n_elements * n_samples * n_planes)
        _phasors(turns[t], n_elements, real, imag)
        for begin in range(start, stop, _ROWS):
            n = min(_ROWS, stop - begin)
            for u in range(n_fine):
                for plane in range(n_planes):
                    for e in range(n_elements):
                        first = first_row[t] + begin - (TAPS // 2 - 1) + whole[t, e]
                        c = ((t * n_fine + u) * n_elements + e) * TAPS
                        record = e * n_samples * n_planes + plane
                        # The sum of first and n could be beyond int64.
                        if first >= 0 and first <= n_samples - (n + TAPS - 1):
                            _filter(
                                flat, record + first * n_planes, n_planes, flat_taps, c, n,
                                filtered, e * _ROWS,
                            )  # fmt: skip
                        else:
                            _filter_at_an_end(
                                flat, record, first, n_samples, n_planes, flat_taps, c, n,
                                filtered, e * _ROWS,
                            )  # fmt: skip
                    for m in range(n):
                        row = (t * n_rows + (begin + m) * n_fine + u) * n_planes + plane
                        place = row * width
                        _lay_side_by_side(filtered, m, n_elements, rows, place + PADDING)
                        if plane == 1:
                            _rotate(
                                real, imag, n_elements, rows,
                                place - width + PADDING, place + PADDING,
                            )  # fmt: skip


@kernel(fastmath=frozenset({"contract", "reassoc"}), noalias=True)
def _add_group_iq(
    flat: npt.NDArray[np.float32],
    at: npt.NDArray[np.int32],
    lower: npt.NDArray[np.float32],
    upper: npt.NDArray[np.float32],
    lower_imag: npt.NDArray[np.float32],
    upper_imag: npt.NDArray[np.float32],
    o: int,
    k: int,
    low: int,
    width: int,
    n: int,
    sum_real: npt.NDArray[np.float32],
    sum_imag: npt.NDArray[np.float32],
) -> None:
    """Add two offsets of IQ to n columns, a multiple of `_LANES`."""
    k0, k1 = np.uint64(k + at[o]), np.uint64(k - 1 + at[o + 1])
    a0, a1, b0, b1 = lower[o], lower[o + 1], upper[o], upper[o + 1]
    c0, c1, d0, d1 = lower_imag[o], lower_imag[o + 1], upper_imag[o], upper_imag[o + 1]
    w, j = np.uint64(width), np.uint64(low)
    v, y = np.uint64(2 * width), np.uint64(3 * width)
    for m in range(np.uint64(n)):
        p0, p1, q0, q1 = flat[k0 + m], flat[k1 + m], flat[k0 + m + w], flat[k1 + m + w]
        r0, r1, s0, s1 = flat[k0 + m + v], flat[k1 + m + v], flat[k0 + m + y], flat[k1 + m + y]
        sum_real[j + m] += (a0 * p0 - c0 * q0 + b0 * r0 - d0 * s0) + (
            a1 * p1 - c1 * q1 + b1 * r1 - d1 * s1
        )
        sum_imag[j + m] += (a0 * q0 + c0 * p0 + b0 * s0 + d0 * r0) + (
            a1 * q1 + c1 * p1 + b1 * s1 + d1 * r1
        )


@kernel(fastmath=frozenset({"contract"}))
def _place(
    path: npt.NDArray[np.float32],
    side: npt.NDArray[np.float32],
    axial: np.float32,
    i: int,
    k: int,
    begin: int,
    end: int,
    row_size: np.int32,
    last_row: np.int32,
    apodization: npt.NDArray[np.float32],
    at: npt.NDArray[np.int32],
    lower: npt.NDArray[np.float32],
    upper: npt.NDArray[np.float32],
) -> None:
    """Where the first of the two rows of every offset begins, and the weights of both.

    Outside the rows: those after `last_row`, which are 0, with weights of 0.  The offsets of one
    depth begin at `i` in the tables, those of one transmit at `k`.
    """
    last = np.float32(last_row)
    for o in range(np.uint64(begin), np.uint64(end)):
        position = path[np.uint64(i) + o] + side[np.uint64(k) + o] + axial
        inside = position >= np.float32(0) and position < last
        position = position if inside else last
        row = np.int32(position)
        a = apodization[np.uint64(i) + o] if inside else np.float32(0)
        at[o] = row * row_size
        upper[o] = a * (position - np.float32(row))
        lower[o] = a - upper[o]


@kernel(fastmath=frozenset({"contract"}))
def _turn(
    path_real: npt.NDArray[np.float32],
    path_imag: npt.NDArray[np.float32],
    side_real: npt.NDArray[np.float32],
    side_imag: npt.NDArray[np.float32],
    axial_real: np.float32,
    axial_imag: np.float32,
    i: int,
    k: int,
    begin: int,
    end: int,
    lower: npt.NDArray[np.float32],
    upper: npt.NDArray[np.float32],
    lower_imag: npt.NDArray[np.float32],
    upper_imag: npt.NDArray[np.float32],
) -> None:
    """Multiply the weights of every offset by the phasor of its echo; i and k as in `_place`."""
    for o in range(np.uint64(begin), np.uint64(end)):
        m, n = np.uint64(i) + o, np.uint64(k) + o
        u = axial_real * side_real[n] - axial_imag * side_imag[n]
        v = axial_real * side_imag[n] + axial_imag * side_real[n]
        real = path_real[m] * u - path_imag[m] * v
        imag = path_real[m] * v + path_imag[m] * u
        lower_imag[o] = lower[o] * imag
        upper_imag[o] = upper[o] * imag
        lower[o] *= real
        upper[o] *= real


# The loop over RF stands here and not in a function of its own: 0.93 of the time.  noalias: 0.82.
@kernel(fastmath=frozenset({"contract", "reassoc"}), noalias=True)
def _add_offsets(
    flat: npt.NDArray[np.float32],
    at: npt.NDArray[np.int32],
    lower: npt.NDArray[np.float32],
    upper: npt.NDArray[np.float32],
    lower_imag: npt.NDArray[np.float32],
    upper_imag: npt.NDArray[np.float32],
    begin: int,
    end: int,
    base: int,
    n_planes: int,
    width: int,
    n_elements: int,
    n_columns: int,
    place: int,
    sum_real: npt.NDArray[np.float32],
    sum_imag: npt.NDArray[np.float32],
) -> None:
    """Add the offsets [begin, end) of one phase to the columns that begin at `place`."""
    group = GROUP if n_planes == 1 else _GROUP_IQ
    w = np.uint64(width)
    for o in range(begin, end, group):
        # Column j and element j − behind stand at this offset.
        behind = o - (n_elements - 1)
        low = max(0, behind) & ~(_LANES - 1)
        high = min(n_columns, behind + group - 1 + n_elements)
        n = (high - low + _LANES - 1) & ~(_LANES - 1)
        if n <= 0:
            continue
        if n_planes == 2:
            _add_group_iq(
                flat, at, lower, upper, lower_imag, upper_imag, o, base + low - o, place + low,
                width, n, sum_real, sum_imag,
            )  # fmt: skip
            continue
        # Unsigned indices: no test for negative ones in the loop.
        j, k = np.uint64(place + low), base + low - o
        k0, k1 = np.uint64(k + at[o]), np.uint64(k - 1 + at[o + 1])
        k2, k3 = np.uint64(k - 2 + at[o + 2]), np.uint64(k - 3 + at[o + 3])
        a0, a1, a2, a3 = lower[o], lower[o + 1], lower[o + 2], lower[o + 3]
        b0, b1, b2, b3 = upper[o], upper[o + 1], upper[o + 2], upper[o + 3]
        for m in range(np.uint64(n)):
            x0 = a0 * flat[k0 + m] + b0 * flat[k0 + m + w]
            x1 = a1 * flat[k1 + m] + b1 * flat[k1 + m + w]
            x2 = a2 * flat[k2 + m] + b2 * flat[k2 + m + w]
            x3 = a3 * flat[k3 + m] + b3 * flat[k3 + m + w]
            sum_real[j + m] += (x0 + x1) + (x2 + x3)


@kernel
def das_shift_fine(
    skewed: npt.NDArray[np.float32],
    first_row: npt.NDArray[np.int64],
    depths_m: npt.NDArray[np.float64],
    lateral_m: npt.NDArray[np.float64],
    directions: npt.NDArray[np.float64],
    window: npt.NDArray[np.float64],
    transmit_time_s: npt.NDArray[np.float64],
    time_zero_s: npt.NDArray[np.float64],
    n_elements: int,
    n_fine: int,
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

    Column j of phase p (the column p + j per_pitch of `out`) and element e stand at the offset
    (p, j + n_elements − 1 − e).  Their echo from depth z is read at the row

    .. math::
        \left[\left(t_t - z_t + \frac{l\,n_{t,x} + z\,n_{t,z} + \sqrt{z^2 + l^2}}{c}\right) f_s
        - r_t\right] n_f

    with l the lateral offset, n the direction of travel, t_t and z_t the transmit's time and time
    zero, r_t the first row, n_f = n_fine, by a straight line between two rows.  IQ is multiplied by
    exp(2πj f_d τ), τ the echo's time on the transmit's clock, of which `skew_fine` has done the
    element's part.  Aperture, window, directivity and the divisor of `normalize` are those of
    `usdk_kernels.das`, with every transmit weight 1.

    Parameters
    ----------
    skewed : (n_transmits, n_rows, n_planes, width) float32
        What `skew_fine` made of zeros, its last `ROWS_READ` rows left so.  Any amplitude unit.
    first_row : (n_transmits,) int64
        As given to `skew_fine`.
    depths_m : (n_depths,) float64
        Depths of the points, z, in metres.
    lateral_m : (per_pitch, n_offsets) float64
        Column minus element of every offset, increasing, in metres; at least `GROUP` − 1 of
        `NOWHERE_M` end each row.
    directions : (n_transmits, 2) float64
        Components along x and z of each wave's unit vector of travel.
    window : (4,) float64
        As in `usdk_kernels.das`.
    transmit_time_s : (n_transmits,) float64
        When the wave passes the element of shift 0 (on the transmit's clock), twice the lens
        delay included.
    time_zero_s : (n_transmits,) float64
        Time of sample 0 on the transmit's clock.
    n_elements, n_fine : int64
        Elements, and rows to the sample.
    sampling_frequency_hz : float64 > 0
    demodulation_frequency_hz : float64
        f_d; 0 for RF.
    sound_speed_m_s : float64 > 0
    f_number, element_width_wavelengths : float64
        As in `usdk_kernels.das`.
    normalize : int64
        0: the plain sum.  1: the sum divided by n_transmits Σ a_e, 0 where that is 0.
    start, stop : int64
        Range of depths, 0 ≤ start ≤ stop ≤ n_depths.
    out : (n_columns, n_depths, n_planes) float32
        Beamformed data.  Depths [start, stop) are overwritten, the rest untouched.

    Notes
    -----
    All arrays are C-contiguous.  Positions before the first row and after the last that is not 0
    contribute nothing, NaN depths and times give 0, and no value of any array causes a read
    outside `skewed`.  Not checked: shapes, width ≥ `PADDING` + n_elements, n_planes 1 or 2, start
    and stop, the signs of the scalars, at least `ROWS_READ` rows.
    """
    n_transmits, n_rows, n_planes, width = skewed.shape
    per_pitch, n_offsets = lateral_m.shape
    n_columns = out.shape[0]
    per_m = n_fine * sampling_frequency_hz / sound_speed_m_s
    turns_per_m = demodulation_frequency_hz / sound_speed_m_s
    row_size = n_planes * width
    last_row = n_rows - ROWS_READ
    group = GROUP if n_planes == 1 else _GROUP_IQ
    padded = ((n_columns + per_pitch - 1) // per_pitch + _LANES - 1) // _LANES * _LANES
    side = np.empty((n_transmits, per_pitch, n_offsets), np.float32)
    side_real = np.empty((n_transmits, per_pitch, n_offsets), np.float32)
    side_imag = np.empty((n_transmits, per_pitch, n_offsets), np.float32)
    turns = np.zeros(n_offsets, np.float64)
    for t in range(n_transmits):
        for p in range(per_pitch):
            for o in range(n_offsets):
                side[t, p, o] = np.float32(lateral_m[p, o] * directions[t, 0] * per_m)
                near_m = lateral_m[p, o] if abs(lateral_m[p, o]) < NOWHERE_M else 0.0
                turns[o] = near_m * directions[t, 0] * turns_per_m
            if n_planes == 2:
                _phasors(turns, n_offsets, side_real[t, p], side_imag[t, p])
    begin = np.zeros((DEPTHS, per_pitch), np.int64)
    end = np.zeros((DEPTHS, per_pitch), np.int64)
    nearest = np.zeros((DEPTHS, per_pitch), np.float64)
    path = np.zeros((DEPTHS, per_pitch, n_offsets), np.float32)
    apodization = np.zeros((DEPTHS, per_pitch, n_offsets), np.float32)
    path_real = np.zeros((DEPTHS, per_pitch, n_offsets), np.float32)
    path_imag = np.zeros((DEPTHS, per_pitch, n_offsets), np.float32)
    at = np.zeros(n_offsets, np.int32)
    lower = np.zeros(n_offsets, np.float32)
    upper = np.zeros(n_offsets, np.float32)
    lower_imag = np.zeros(n_offsets, np.float32)
    upper_imag = np.zeros(n_offsets, np.float32)
    axial_turns = np.zeros(1, np.float64)
    axial_real = np.zeros(1, np.float32)
    axial_imag = np.zeros(1, np.float32)
    sum_real = np.zeros((DEPTHS, per_pitch, padded), np.float32)
    sum_imag = np.zeros((DEPTHS, per_pitch, padded), np.float32)
    # Sums of the apodization over the offsets before this one.
    before = np.zeros(n_offsets + 1, np.float64)
    flat = skewed.reshape(skewed.size)
    # Flat: cutting a row out of a table costs more than the few offsets that it holds.
    flat_side = side.reshape(side.size)
    flat_side_real, flat_side_imag = side_real.reshape(side.size), side_imag.reshape(side.size)
    flat_path, flat_apodization = path.reshape(path.size), apodization.reshape(path.size)
    flat_path_real, flat_path_imag = path_real.reshape(path.size), path_imag.reshape(path.size)
    flat_sum_real, flat_sum_imag = sum_real.reshape(sum_real.size), sum_imag.reshape(sum_real.size)
    for first in range(start, stop, DEPTHS):
        n_depths = min(DEPTHS, stop - first)
        for d in range(n_depths):
            z = depths_m[first + d]
            for p in range(per_pitch):
                begin[d, p], end[d, p] = _aperture(
                    z, lateral_m[p], f_number, window, element_width_wavelengths, apodization[d, p]
                )
                nearest[d, p] = z * per_m
                reach = min(n_offsets, end[d, p] + group - 1)
                for o in range(begin[d, p], reach):
                    distance = math.sqrt(z * z + lateral_m[p, o] * lateral_m[p, o])
                    path[d, p, o] = np.float32((distance - z) * per_m)
                    turns[o] = distance * turns_per_m if distance < NOWHERE_M else 0.0
                if n_planes == 2:
                    some = slice(begin[d, p], reach)
                    n = max(reach - begin[d, p], 0)
                    _phasors(turns[some], n, path_real[d, p, some], path_imag[d, p, some])
        sum_real[:] = np.float32(0)
        sum_imag[:] = np.float32(0)
        for t in range(n_transmits):
            for d in range(n_depths):
                axial_s = depths_m[first + d] * directions[t, 1] / sound_speed_m_s
                axial_s += transmit_time_s[t]
                axial = (axial_s - time_zero_s[t]) * sampling_frequency_hz - first_row[t]
                if n_planes == 2:
                    axial_turns[0] = axial_s * demodulation_frequency_hz
                    _phasors(axial_turns, 1, axial_real, axial_imag)
                for p in range(per_pitch):
                    low, high = begin[d, p], end[d, p]
                    # The last group reaches beyond the aperture, where the apodization is 0.
                    reach = min(n_offsets, low + (high - low + group - 1) // group * group)
                    i, k = (d * per_pitch + p) * n_offsets, (t * per_pitch + p) * n_offsets
                    _place(
                        flat_path, flat_side, np.float32(axial * n_fine + nearest[d, p]), i, k,
                        low, reach, np.int32(row_size), np.int32(last_row),
                        flat_apodization, at, lower, upper,
                    )  # fmt: skip
                    if n_planes == 2:
                        _turn(
                            flat_path_real, flat_path_imag, flat_side_real, flat_side_imag,
                            axial_real[0], axial_imag[0], i, k, low, reach,
                            lower, upper, lower_imag, upper_imag,
                        )  # fmt: skip
                    _add_offsets(
                        flat, at, lower, upper, lower_imag, upper_imag, low, high,
                        t * n_rows * row_size + PADDING + n_elements - 1, n_planes, width,
                        n_elements, (n_columns - p + per_pitch - 1) // per_pitch,
                        (d * per_pitch + p) * padded, flat_sum_real, flat_sum_imag,
                    )  # fmt: skip
        for d in range(n_depths):
            for p in range(per_pitch):
                if normalize:
                    for o in range(n_offsets):
                        before[o + 1] = before[o] + apodization[d, p, o]
                for j in range((n_columns - p + per_pitch - 1) // per_pitch):
                    scale = np.float32(1)
                    if normalize:
                        heard = n_transmits * (before[j + n_elements] - before[j])
                        scale = np.float32(1 / heard) if heard > 0 else np.float32(0)
                    out[p + j * per_pitch, first + d, 0] = sum_real[d, p, j] * scale
                    if n_planes == 2:
                        out[p + j * per_pitch, first + d, 1] = sum_imag[d, p, j] * scale
