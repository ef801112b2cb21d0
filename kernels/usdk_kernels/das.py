r"""Delay-and-sum for any geometry: the reference that every faster beamforming kernel must equal.

.. math::
    y(p) = \sum_t w_t(p) \sum_e a_e(p)\, x_{t,e}(\tau), \qquad
    \tau = \tau^{tx}_t(p) + |p - q_e| / c

x is the channel data, read between its samples by interpolation at sample (τ − t0) fs.

**Aperture.** The receive aperture is measured by each element's own normal n, not by a global
depth axis, so that it turns with the elements of a curved array.  With r = p − q_e, axial = r·n
and lateral = |r − axial n|, an element receives where axial > 0 and lateral ≤ axial / (2 F), and
its apodization is window(u) with u = 2 F lateral / axial in [0, 1].  F = 0 is the full aperture:
every element that the point lies in front of, at u = 0.

**Window.** Four numbers (α, a0, a1, a2) say it: with v = max(0, (u − (1 − α)) / α),

.. math:: window(u) = \max(0,\; a_0 + a_1 \cos \pi v + a_2 \cos 2\pi v)

Hann (1, 0.5, 0.5, 0), Hamming (1, 0.54, 0.46, 0), Blackman (1, 0.42, 0.5, 0.08), Tukey
(α, 0.5, 0.5, 0).  α ≤ 0 or NaN is a boxcar, 1 wherever an element receives.

**Directivity.** An element of width w and height h wavelengths in a soft baffle hears a point at
the angle θ from its normal with the factor

.. math:: \mathrm{sinc}(w \sin\theta_x)\; \mathrm{sinc}(h \sin\theta_y)\; \cos\theta

sin θx and sin θy being the parts of the unit vector to the point along the element's width and its
height, and sinc(x) = sin(πx)/(πx).  The factor is part of the apodization.

**Order of the work.** Points are taken in blocks of `POINTS`, and of a block one element after the
other: for all points at once the geometry (square roots, window, receive phasor), then for one
transmit after the other the samples, while the element's record is in the first-level cache.  A
block is cut into segments of `SEGMENT` neighbours; a segment that lies wholly outside an element's
aperture, by its bounding sphere, costs nothing, and wholly inside needs no test of single points.
The samples of a run of segments are added in three passes over short lists: positions and weights,
which vectorises; the samples themselves, two neighbours in one 64-bit word, which nothing can
vectorise and which is as short as can be therefore (gathers measured twice as slow); and the sum,
which vectorises again.

A sample position is a fixed-point number with 32 binary places: one integer addition of transmit
and receive path is exact anywhere in a record, and its upper half is the sample to read.  Each
point's result depends on that point alone, so tiles may be cut anywhere without changing a bit of
it.

References
----------
V. Perrot, M. Polichetti, F. Varray, D. Garcia, "So you think you can DAS? A viewpoint on
delay-and-sum beamforming", Ultrasonics 111 (2021) 106309: equations 1 to 12 (delays, F-number,
I/Q phase rotation).
A. R. Selfridge, G. S. Kino, B. T. Khuri-Yakub, "A theory for the radiation pattern of a
narrow-strip acoustic transducer", Appl. Phys. Lett. 37 (1980) 35-36: the factor cos θ.
R. G. Keys, "Cubic convolution interpolation for digital image processing", IEEE Trans. Acoust.
Speech Signal Process. 29 (1981) 1153-1160: equation 15, a = −1/2.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from usdk_kernels._compile import kernel

INTERPOLATION_NEAREST = 0
"""The nearest sample, halves up."""
INTERPOLATION_LINEAR = 1
"""Straight line between two samples."""
INTERPOLATION_CUBIC = 2
"""Keys' cubic convolution with a = −1/2 (Catmull-Rom); beyond an end, the end sample repeats."""

POINTS = 4096
"""Most points of a block: so many that an element's record, read once for them, costs little."""
SEGMENT = 64
"""Neighbours that are tested together; 32 measured slower."""

_TABLE_BYTES = 2**20  # of a block's transmits, which many of them make smaller
_LEAST_POINTS = 512
_RUN = 1024  # points that one pass adds: its lists stay in the caches; 512 measured slower
_UNROLLED = 8
_OUTSIDE, _RIM, _INSIDE = 0, 1, 2
_SLACK = 1e-9  # of the distance: what rounding may do to a bounding sphere
_PLACES = 32  # binary places of a fixed-point sample position
_ONE = 2.0**_PLACES
_FRACTION = np.int64(2**_PLACES - 1)
_FARTHEST = 2.0**28  # samples; positions beyond it are taken for `_NOWHERE`
# A position that must not be read: two of them add up to the smallest int64, and one of them plus
# any other position stays negative, before the record.
_NOWHERE = np.int64(-(2**62))
_NO_SAMPLE = -(2.0**30)  # the same in samples


@kernel
def _fixed(position: float) -> np.int64:
    """Fixed-point sample position; `_NOWHERE` if it is NaN or far outside any record."""
    if not (-_FARTHEST < position < _FARTHEST):
        return _NOWHERE
    return np.int64(math.floor(position * _ONE))


@kernel
def _phasors(
    turns: npt.NDArray[np.float64],
    begin: int,
    real: npt.NDArray[np.float32],
    imag: npt.NDArray[np.float32],
) -> None:
    """Cosine and sine of 2π turns at a segment's points, without a call.

    The turns are reduced in float64 to the nearest quarter q and a rest of at most an eighth,
    whose sine and cosine are Taylor polynomials; their error is below 4e-7.
    """
    b = np.uint64(begin)
    for m in range(np.uint64(SEGMENT)):
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
        c = cosine if odd else sine
        real[b + m] = -a if q == np.float32(1) or q == np.float32(2) else a
        imag[b + m] = -c if q >= np.float32(2) else c


@kernel
def _windows(
    apodization: npt.NDArray[np.float32], begin: int, window: npt.NDArray[np.float64]
) -> None:
    """Turn a segment's squares of u, the place in the half aperture, into weights; −1 into 0.

    Without a call, so that the loop vectorises: cos(πv) = −sin(π(v − 1/2)), the sine a Taylor
    polynomial whose error is below 6e-8, and cos(2πv) = 2 cos²(πv) − 1.
    """
    b = np.uint64(begin)
    zero, one = np.float32(0), np.float32(1)
    taper = np.float32(window[0])
    if not taper > zero:
        for m in range(np.uint64(SEGMENT)):
            apodization[b + m] = one if apodization[b + m] >= zero else zero
        return
    # a0 + a1 cos(πv) + a2 cos(2πv), as a polynomial of the sine
    c0 = np.float32(window[1] - window[3])
    c1, c2 = np.float32(window[2]), np.float32(2 * window[3])
    flat = one - taper
    per_taper = one / taper
    for m in range(np.uint64(SEGMENT)):
        u2 = apodization[b + m]
        v = (np.float32(math.sqrt(u2 if u2 > zero else zero)) - flat) * per_taper
        v = v if v > zero else zero
        x = np.float32(math.pi) * (v - np.float32(0.5))
        x2 = x * x
        rest = np.float32(1 / 362880) - x2 * np.float32(1 / 39916800)
        rest = x2 * (np.float32(1 / 120) - x2 * (np.float32(1 / 5040) - x2 * rest))
        sine = x + x * x2 * (rest - np.float32(1 / 6))
        weight = c0 + sine * (c2 * sine - c1)
        apodization[b + m] = weight if weight > zero and u2 >= zero else zero


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
def _block(n_transmits: int, bytes_per_point: int, n_points: int) -> int:
    """Points of a block, whole segments."""
    fit = _TABLE_BYTES // (bytes_per_point * max(n_transmits, 1))
    fit = max(min(fit, POINTS), _LEAST_POINTS)
    return (min(fit, max(n_points, 1)) + SEGMENT - 1) // SEGMENT * SEGMENT


@kernel
def _bounding_spheres(
    points: npt.NDArray[np.float32],
    n_segments: int,
    spheres: npt.NDArray[np.float64],
) -> None:
    """Centre and radius of every segment's points; the radius of a NaN is NaN."""
    for s in range(n_segments):
        begin = s * SEGMENT
        radius2 = 0.0
        for k in range(3):
            low, high = np.float64(points[k, begin]), np.float64(points[k, begin])
            for m in range(begin, begin + SEGMENT):
                value = np.float64(points[k, m])
                low = value if not value > low else low
                high = value if not value < high else high
            spheres[k, s] = 0.5 * (low + high)
            radius2 += 0.25 * (high - low) * (high - low)
        spheres[3, s] = math.sqrt(radius2)


@kernel
def _places(
    spheres: npt.NDArray[np.float64],
    n_segments: int,
    position: npt.NDArray[np.float64],
    normal: npt.NDArray[np.float64],
    f_number: float,
    place: npt.NDArray[np.int8],
) -> None:
    """Whether each segment lies wholly outside or inside an element's aperture."""
    for s in range(np.uint64(n_segments)):
        dx = spheres[0, s] - position[0]
        dy = spheres[1, s] - position[1]
        dz = spheres[2, s] - position[2]
        along = dx * normal[0] + dy * normal[1] + dz * normal[2]
        distance2 = dx * dx + dy * dy + dz * dz
        lateral2 = distance2 - along * along
        lateral = math.sqrt(lateral2 if lateral2 > 0 else 0.0)
        radius = spheres[3, s] + _SLACK * math.sqrt(distance2)
        outside = 2 * f_number * (lateral - radius) > along + radius
        inside = 2 * f_number * (lateral + radius) < along - radius
        place[s] = np.int8(_OUTSIDE if outside else _INSIDE if inside else _RIM)


@kernel
def _apertures(
    points: npt.NDArray[np.float32],
    begin: int,
    position: npt.NDArray[np.float64],
    normal: npt.NDArray[np.float64],
    f_number: float,
    apodization: npt.NDArray[np.float32],
) -> int:
    """Squares of u at a segment's points, −1 outside the aperture; returns how many are inside."""
    b = np.uint64(begin)
    edge = 4 * f_number * f_number
    count = 0
    for m in range(np.uint64(SEGMENT)):
        dx = np.float64(points[0, b + m]) - position[0]
        dy = np.float64(points[1, b + m]) - position[1]
        dz = np.float64(points[2, b + m]) - position[2]
        along = dx * normal[0] + dy * normal[1] + dz * normal[2]
        lx = dx - along * normal[0]
        ly = dy - along * normal[1]
        lz = dz - along * normal[2]
        edge2 = (lx * lx + ly * ly + lz * lz) * edge
        inside = along > 0 and edge2 <= along * along
        apodization[b + m] = np.float32(edge2 / (along * along)) if inside else np.float32(-1)
        count += 1 if inside else 0
    return count


@kernel
def _directivities(
    points: npt.NDArray[np.float32],
    begin: int,
    position: npt.NDArray[np.float64],
    normal: npt.NDArray[np.float64],
    tangent: npt.NDArray[np.float64],
    width: float,
    height: float,
    apodization: npt.NDArray[np.float32],
) -> None:
    """Multiply weights that are not 0 by how well the element hears a segment's points."""
    b = np.uint64(begin)
    for m in range(np.uint64(SEGMENT)):
        dx = np.float64(points[0, b + m]) - position[0]
        dy = np.float64(points[1, b + m]) - position[1]
        dz = np.float64(points[2, b + m]) - position[2]
        along = dx * normal[0] + dy * normal[1] + dz * normal[2]
        across = dx * tangent[0] + dy * tangent[1] + dz * tangent[2]
        distance2 = dx * dx + dy * dy + dz * dz
        up2 = distance2 - along * along - across * across
        up = math.sqrt(up2 if up2 > 0 else 0.0)
        per_m = 1 / math.sqrt(distance2)
        value = _sinc(np.float32(abs(across) * per_m * width))
        value *= _sinc(np.float32(up * per_m * height)) * np.float32(along * per_m)
        a = apodization[b + m]
        apodization[b + m] = a * value if a > np.float32(0) else np.float32(0)


# contract: fused multiply-adds, 0.9 of the time.
@kernel(fastmath=frozenset({"contract"}))
def _receive_paths(
    points: npt.NDArray[np.float32],
    begin: int,
    position: npt.NDArray[np.float64],
    samples_per_m: float,
    path: npt.NDArray[np.int64],
) -> None:
    """Receive paths of a segment's points, as `_fixed`."""
    b = np.uint64(begin)
    for m in range(np.uint64(SEGMENT)):
        dx = np.float64(points[0, b + m]) - position[0]
        dy = np.float64(points[1, b + m]) - position[1]
        dz = np.float64(points[2, b + m]) - position[2]
        samples = math.sqrt(dx * dx + dy * dy + dz * dz) * samples_per_m
        path[b + m] = np.int64((samples if samples < _FARTHEST else _NO_SAMPLE) * _ONE)


@kernel
def _receive(
    points: npt.NDArray[np.float32],
    spheres: npt.NDArray[np.float64],
    n_segments: int,
    position: npt.NDArray[np.float64],
    normal: npt.NDArray[np.float64],
    tangent: npt.NDArray[np.float64],
    samples_per_m: float,
    f_number: float,
    window: npt.NDArray[np.float64],
    width: float,
    height: float,
    place: npt.NDArray[np.int8],
    receives: npt.NDArray[np.bool_],
    ones: npt.NDArray[np.bool_],
    path: npt.NDArray[np.int64],
    apodization: npt.NDArray[np.float32],
) -> None:
    """Of one element and a block's points: which segments it receives, paths and apodization.

    In `ones` is kept which segments' apodization is 1 from the element before.
    """
    # Without window and directivity every point of a segment that is wholly inside weighs 1.
    plain = not window[0] > 0 and not width >= 0
    _places(spheres, n_segments, position, normal, f_number, place)
    for s in range(n_segments):
        begin = s * SEGMENT
        receives[s] = place[s] != _OUTSIDE
        if place[s] == _OUTSIDE:
            continue
        if place[s] == _INSIDE and plain:
            for m in range(begin, begin + (0 if ones[s] else SEGMENT)):
                apodization[m] = np.float32(1)
            ones[s] = True
        else:
            ones[s] = False
            heard = _apertures(points, begin, position, normal, f_number, apodization)
            receives[s] = heard > 0
            if heard == 0:
                continue
            _windows(apodization, begin, window)
            if width >= 0:
                _directivities(points, begin, position, normal, tangent, width, height, apodization)
        _receive_paths(points, begin, position, samples_per_m, path)


@kernel
def _transmit(
    transmit_time_s: npt.NDArray[np.float64],
    transmit_weight: npt.NDArray[np.float32],
    time_zero_s: npt.NDArray[np.float64],
    sampling_frequency_hz: float,
    first: int,
    n_points: int,
    n_segments: int,
    path: npt.NDArray[np.int64],
    weight: npt.NDArray[np.float32],
    reach: npt.NDArray[np.int8],
    divisor: npt.NDArray[np.float32],
) -> None:
    """Of all transmits and a block's points: paths, weights, and how they reach a segment.

    The reach is 0 where all weights of a segment are 0, 1 where all are 1, else 2.
    """
    divisor[:] = 0
    for t in range(time_zero_s.size):
        for m in range(n_points):
            time_s = transmit_time_s[t, first + m]
            path[t, m] = _fixed((time_s - time_zero_s[t]) * sampling_frequency_hz)
            w = transmit_weight[t, first + m]
            weight[t, m] = w if abs(w) > 0 else np.float32(0)  # NaN, too
            if path[t, m] != _NOWHERE:
                divisor[m] += abs(weight[t, m])
        # The last segment is filled with its last point.
        for m in range(n_points, n_segments * SEGMENT):
            path[t, m] = path[t, n_points - 1]
            weight[t, m] = weight[t, n_points - 1]
        for s in range(n_segments):
            begin = s * SEGMENT
            some, ones = False, True
            for m in range(begin, begin + SEGMENT):
                some = some or weight[t, m] != np.float32(0)
                ones = ones and weight[t, m] == np.float32(1)
            reach[t, s] = 1 if ones else 2 if some else 0


@kernel
def _add_apodization(
    receives: npt.NDArray[np.bool_],
    n_segments: int,
    apodization: npt.NDArray[np.float32],
    heard: npt.NDArray[np.float32],
) -> None:
    """Add an element's apodization to what the divisor of `normalize` needs."""
    for s in range(n_segments):
        if receives[s]:
            for m in range(s * SEGMENT, (s + 1) * SEGMENT):
                heard[m] += apodization[m]


@kernel
def _end_of_run(
    receives: npt.NDArray[np.bool_],
    reach: npt.NDArray[np.int8],
    t: int,
    s: int,
    n_segments: int,
) -> int:
    """Return the segment after the last that can be added together with segment s."""
    end = s + 1
    limit = min(n_segments, s + _RUN // SEGMENT)
    while end < limit and receives[end] and reach[t, end] == reach[t, s]:
        end += 1
    return end


@kernel
def _positions(
    transmit_path: npt.NDArray[np.int64],
    t: int,
    path: npt.NDArray[np.int64],
    begin: int,
    n: int,
    sample: npt.NDArray[np.uint32],
    w: npt.NDArray[np.float32],
) -> tuple[np.int64, np.int64]:
    """Sample to read and weight of the next, at n points; returns the least and greatest sample."""
    b = np.uint64(begin)
    low, high = np.int64(2**31), np.int64(-(2**31))
    for m in range(np.uint64(n)):
        position = transmit_path[t, b + m] + path[b + m]
        j = position >> _PLACES
        low = min(low, j)
        high = max(high, j)
        sample[m] = np.uint32(j)
        w[m] = np.float32(position & _FRACTION) * np.float32(1 / _ONE)
    return low, high


@kernel
def _coefficients(
    transmit_path: npt.NDArray[np.int64],
    transmit_weight: npt.NDArray[np.float32],
    t: int,
    path: npt.NDArray[np.int64],
    apodization: npt.NDArray[np.float32],
    begin: int,
    n: int,
    last: np.int64,
    sample: npt.NDArray[np.uint32],
    w: npt.NDArray[np.float32],
    coefficient: npt.NDArray[np.float32],
) -> None:
    """As `_positions`, samples held in [0, last], with coefficients that are 0 outside the record.

    The record's very last sample is last + 1, read at sample = last with w = 1.
    """
    b = np.uint64(begin)
    for m in range(np.uint64(n)):
        position = transmit_path[t, b + m] + path[b + m]
        inside = position >= 0 and position <= ((last + 1) << _PLACES)
        j = position >> _PLACES
        j = j if j > 0 else np.int64(0)
        j = j if j < last else last
        sample[m] = np.uint32(j)
        w[m] = np.float32(position - (j << _PLACES)) * np.float32(1 / _ONE)
        a = apodization[b + m] * transmit_weight[t, b + m]
        coefficient[m] = a if inside else np.float32(0)


@kernel
def _fetch(
    words: npt.NDArray[np.uint64],
    row: int,
    sample: npt.NDArray[np.uint32],
    n: int,
    out: npt.NDArray[np.uint64],
) -> None:
    """Copy the words of n samples, a multiple of `_UNROLLED`."""
    r = np.uint64(row)
    for m in range(np.uint64(0), np.uint64(n), np.uint64(_UNROLLED)):
        for k in range(_UNROLLED):
            out[m + np.uint64(k)] = words[r + np.uint64(sample[m + np.uint64(k)])]


@kernel
def _fetch_beside(
    words: npt.NDArray[np.uint64],
    row: int,
    sample: npt.NDArray[np.uint32],
    step: int,
    last: np.int64,
    n: int,
    out: npt.NDArray[np.uint64],
) -> None:
    """Copy the words of the samples `step` after n others, the end ones beyond 0 and `last`."""
    for m in range(np.uint64(n)):
        k = np.int64(sample[m]) + step
        k = k if k > 0 else np.int64(0)
        out[m] = words[np.uint64(row + (k if k < last else last))]


@kernel
def _unpack(word: np.uint64) -> tuple[np.float32, np.float32]:
    """Both float32 of a little-endian 64-bit word."""
    low = np.uint32(word & np.uint64(0xFFFFFFFF)).view(np.float32)
    high = np.uint32(word >> np.uint64(32)).view(np.float32)
    return low, high


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


# contract in the four functions below: fused multiply-adds.  A coefficient of 0 adds nothing, also
# where the sample is NaN.


@kernel(fastmath=frozenset({"contract"}))
def _add_rf(
    words: npt.NDArray[np.uint64],
    w: npt.NDArray[np.float32],
    coefficient: npt.NDArray[np.float32],
    at: int,
    begin: int,
    n: int,
    nearest: bool,
    total: npt.NDArray[np.float32],
) -> None:
    """Add n samples, words of two neighbours, to the sums from `begin` on."""
    a, b = np.uint64(at), np.uint64(begin)
    if nearest:
        for m in range(np.uint64(n)):
            x1, x2 = _unpack(words[m])
            c = coefficient[a + m]
            after = total[b + m] + c * (x2 if w[m] >= np.float32(0.5) else x1)
            total[b + m] = after if c != np.float32(0) else total[b + m]
        return
    for m in range(np.uint64(n)):
        x1, x2 = _unpack(words[m])
        c = coefficient[a + m]
        after = total[b + m] + c * (x1 + w[m] * (x2 - x1))
        total[b + m] = after if c != np.float32(0) else total[b + m]


@kernel(fastmath=frozenset({"contract"}))
def _add_rf_cubic(
    words: npt.NDArray[np.uint64],
    words_after: npt.NDArray[np.uint64],
    sample: npt.NDArray[np.uint32],
    last: np.int64,
    w: npt.NDArray[np.float32],
    coefficient: npt.NDArray[np.float32],
    at: int,
    begin: int,
    n: int,
    total: npt.NDArray[np.float32],
) -> None:
    """Add n samples, words of the neighbours before and after, to the sums from `begin` on."""
    a, b = np.uint64(at), np.uint64(begin)
    for m in range(np.uint64(n)):
        x0, x1 = _unpack(words[m])
        x2, x3 = _unpack(words_after[m])
        # Beyond an end the words are those of the end, one too late and one too early.
        x1 = x1 if sample[m] > np.uint32(0) else x0
        x2 = x2 if sample[m] < np.uint32(last) else x3
        c0, c1, c2, c3 = _keys(w[m])
        c = coefficient[a + m]
        after = total[b + m] + c * (c0 * x0 + c1 * x1 + c2 * x2 + c3 * x3)
        total[b + m] = after if c != np.float32(0) else total[b + m]


@kernel(fastmath=frozenset({"contract"}))
def _add_iq(
    words: npt.NDArray[np.uint64],
    words_after: npt.NDArray[np.uint64],
    w: npt.NDArray[np.float32],
    coefficient: npt.NDArray[np.float32],
    at: int,
    begin: int,
    n: int,
    linear: bool,
    phasor: npt.NDArray[np.float32],
    turn: npt.NDArray[np.float32],
    t: int,
    total: npt.NDArray[np.float32],
) -> None:
    """Add n samples times receive and transmit phasor to the sums from `begin` on.

    Without `linear` interpolation between the words and those after, the words alone count.
    """
    a, b = np.uint64(at), np.uint64(begin)
    for m in range(np.uint64(n)):
        real, imag = _unpack(words[m])
        if linear:
            real2, imag2 = _unpack(words_after[m])
            real += w[m] * (real2 - real)
            imag += w[m] * (imag2 - imag)
        p = phasor[0, b + m] * turn[t, 0, b + m] - phasor[1, b + m] * turn[t, 1, b + m]
        q = phasor[0, b + m] * turn[t, 1, b + m] + phasor[1, b + m] * turn[t, 0, b + m]
        c = coefficient[a + m]
        after_real = total[0, b + m] + c * (real * p - imag * q)
        after_imag = total[1, b + m] + c * (real * q + imag * p)
        total[0, b + m] = after_real if c != np.float32(0) else total[0, b + m]
        total[1, b + m] = after_imag if c != np.float32(0) else total[1, b + m]


@kernel(fastmath=frozenset({"contract"}))
def _mix_cubic(
    words: npt.NDArray[np.uint64],
    w: npt.NDArray[np.float32],
    n: int,
    mixed: npt.NDArray[np.float32],
) -> None:
    """Interpolate n samples between four words each; `mixed` holds words of real and imag."""
    for m in range(np.uint64(n)):
        c0, c1, c2, c3 = _keys(w[m])
        real0, imag0 = _unpack(words[0, m])
        real1, imag1 = _unpack(words[1, m])
        real2, imag2 = _unpack(words[2, m])
        real3, imag3 = _unpack(words[3, m])
        mixed[m, 0] = c0 * real0 + c1 * real1 + c2 * real2 + c3 * real3
        mixed[m, 1] = c0 * imag0 + c1 * imag1 + c2 * imag2 + c3 * imag3


@kernel
def das_rf(
    data: npt.NDArray[np.float32],
    points_m: npt.NDArray[np.float32],
    element_positions_m: npt.NDArray[np.float32],
    element_normals: npt.NDArray[np.float32],
    element_tangents: npt.NDArray[np.float32],
    transmit_time_s: npt.NDArray[np.float64],
    transmit_weight: npt.NDArray[np.float32],
    time_zero_s: npt.NDArray[np.float64],
    window: npt.NDArray[np.float64],
    sampling_frequency_hz: float,
    sound_speed_m_s: float,
    f_number: float,
    element_width_wavelengths: float,
    element_height_wavelengths: float,
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
    element_tangents : (n_elements, 3) float32
        Unit vectors along the element widths, at right angles to the normals.
    transmit_time_s : (n_transmits, n_points) float64
        When the transmitted wave passes each point, on the transmit's clock.  NaN or infinite:
        the transmit is skipped there.
    transmit_weight : (n_transmits, n_points) float32
        Transmit apodization.  0 or NaN: the transmit is skipped there, at no cost where a whole
        block of points skips it.
    time_zero_s : (n_transmits,) float64
        Time of sample 0 on the transmit's clock, which is the clock of `transmit_time_s`.
    window : (4,) float64
        (α, a0, a1, a2), as the module says.
    sampling_frequency_hz, sound_speed_m_s : float64 > 0
    f_number : float64 ≥ 0
        Receive F-number; 0 is the full aperture.
    element_width_wavelengths, element_height_wavelengths : float64
        Size of the elements in wavelengths, for their directivity; a negative width is no
        directivity, a height of 0 or less none in that direction.
    interpolation : int64
        An ``INTERPOLATION_`` code (any other is cubic).
    normalize : int64
        0: the plain sum.  1: the sum divided by Σ |w_t(p)| a_e(p), so that the image stays flat
        while the aperture grows with depth; 0 where the sum is empty.  Samples outside the record
        count in the divisor: the image fades where the record ends, instead of showing the noise
        of the last few elements at full brightness.
    start, stop : int64
        Range of points, 0 ≤ start ≤ stop ≤ n_points.
    out : (n_points,) float32
        Beamformed RF, in the unit of `data`.  [start, stop) is overwritten, the rest untouched.

    Notes
    -----
    All arrays are C-contiguous.  Samples outside the record contribute nothing, a record of
    fewer than two samples gives zeros, and no value of any array causes a read outside `data`.
    Not checked: shapes, contiguity, start and stop, the signs of the scalars, that normals and
    tangents have unit length.  A NaN in `data` spreads to the points that read it.
    """
    n_transmits, n_elements, n_samples = data.shape
    samples_per_m = sampling_frequency_hz / sound_speed_m_s
    last = np.int64(n_samples - 2)
    block = _block(n_transmits, 12, stop - start)
    position = np.empty(3, np.float64)
    normal = np.empty(3, np.float64)
    tangent = np.empty(3, np.float64)
    points = np.zeros((3, block), np.float32)
    spheres = np.zeros((4, block // SEGMENT), np.float64)
    place = np.zeros(block // SEGMENT, np.int8)
    ones = np.zeros(block // SEGMENT, np.bool_)
    receives = np.zeros(block // SEGMENT, np.bool_)
    reach = np.zeros((n_transmits, block // SEGMENT), np.int8)
    transmit_path = np.zeros((n_transmits, block), np.int64)
    weight = np.zeros((n_transmits, block), np.float32)
    path = np.zeros(block, np.int64)
    apodization = np.zeros(block, np.float32)
    total = np.zeros(block, np.float32)
    divisor = np.zeros(block, np.float32)
    heard = np.zeros(block, np.float32)
    sample = np.zeros(_RUN, np.uint32)
    w = np.zeros(_RUN, np.float32)
    coefficient = np.zeros(_RUN, np.float32)
    words = np.zeros(_RUN, np.uint64)
    words_after = np.zeros(_RUN, np.uint64)
    n_values = n_transmits * n_elements * n_samples
    flat = data.reshape(n_values)
    # Word k holds samples k and k + 1, so that words overlap and half of them are not aligned.
    pairs = np.lib.stride_tricks.as_strided(
        flat[: n_values // 2 * 2].view(np.uint64), shape=(max(n_values - 1, 0),), strides=(4,)
    )
    cubic = interpolation != INTERPOLATION_LINEAR and interpolation != INTERPOLATION_NEAREST
    nearest = interpolation == INTERPOLATION_NEAREST
    for first in range(start, stop, block):
        n_points = min(block, stop - first)
        n_segments = (n_points + SEGMENT - 1) // SEGMENT
        for m in range(n_segments * SEGMENT):
            for k in range(3):
                points[k, m] = points_m[first + min(m, n_points - 1), k]
        _bounding_spheres(points, n_segments, spheres)
        _transmit(
            transmit_time_s, transmit_weight, time_zero_s, sampling_frequency_hz, first, n_points,
            n_segments, transmit_path, weight, reach, divisor,
        )  # fmt: skip
        total[:] = 0
        heard[:] = 0
        for e in range(n_elements if n_samples > 1 else 0):
            for k in range(3):
                position[k] = element_positions_m[e, k]
                normal[k] = element_normals[e, k]
                tangent[k] = element_tangents[e, k]
            _receive(
                points, spheres, n_segments, position, normal, tangent, samples_per_m, f_number,
                window, element_width_wavelengths, max(element_height_wavelengths, 0.0),
                place, receives, ones, path, apodization,
            )  # fmt: skip
            if normalize:
                _add_apodization(receives, n_segments, apodization, heard)
            for t in range(n_transmits):
                row = (t * n_elements + e) * n_samples
                s = 0
                while s < n_segments:
                    if not receives[s] or reach[t, s] == 0:
                        s += 1
                        continue
                    begin, by = s * SEGMENT, reach[t, s]
                    s = _end_of_run(receives, reach, t, s, n_segments)
                    n = s * SEGMENT - begin
                    low, high = _positions(transmit_path, t, path, begin, n, sample, w)
                    held = by == 2 or low < 0 or high > last
                    if held:
                        _coefficients(
                            transmit_path, weight, t, path, apodization, begin, n, last,
                            sample, w, coefficient,
                        )  # fmt: skip
                    # A view of an array, or a choice of two, costs a tenth of all time here.
                    if cubic:
                        _fetch_beside(pairs, row, sample, -1, last, n, words)
                        _fetch_beside(pairs, row, sample, 1, last, n, words_after)
                        c, at = (coefficient, 0) if held else (apodization, begin)
                        _add_rf_cubic(words, words_after, sample, last, w, c, at, begin, n, total)
                        continue
                    _fetch(pairs, row, sample, n, words)
                    if held:
                        _add_rf(words, w, coefficient, 0, begin, n, nearest, total)
                    else:
                        _add_rf(words, w, apodization, begin, begin, n, nearest, total)
        for m in range(n_points):
            if normalize:
                divisor[m] *= heard[m]
                out[first + m] = total[m] / divisor[m] if divisor[m] > 0 else np.float32(0)
            else:
                out[first + m] = total[m]


@kernel
def das_iq(
    data: npt.NDArray[np.complex64],
    points_m: npt.NDArray[np.float32],
    element_positions_m: npt.NDArray[np.float32],
    element_normals: npt.NDArray[np.float32],
    element_tangents: npt.NDArray[np.float32],
    transmit_time_s: npt.NDArray[np.float64],
    transmit_weight: npt.NDArray[np.float32],
    time_zero_s: npt.NDArray[np.float64],
    window: npt.NDArray[np.float64],
    sampling_frequency_hz: float,
    demodulation_frequency_hz: float,
    sound_speed_m_s: float,
    f_number: float,
    element_width_wavelengths: float,
    element_height_wavelengths: float,
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
    points_m, element_positions_m, element_normals, element_tangents
        As in `das_rf`.
    transmit_time_s : (n_transmits, n_points) float64
        As in `das_rf`; float64, because its phase is taken.
    transmit_weight, time_zero_s, window, sampling_frequency_hz
        As in `das_rf`.
    demodulation_frequency_hz : float64
        f_d; 0 for an analytic signal that was not demodulated.
    sound_speed_m_s, f_number, element_width_wavelengths, element_height_wavelengths
        As in `das_rf`.
    interpolation, normalize, start, stop
        As in `das_rf`.
    out : (n_points,) complex64
        Beamformed IQ, in the unit of `data`.  [start, stop) is overwritten, the rest untouched.
    """
    n_transmits, n_elements, n_samples = data.shape
    samples_per_m = sampling_frequency_hz / sound_speed_m_s
    turns_per_place = demodulation_frequency_hz / sampling_frequency_hz / _ONE
    last = np.int64(n_samples - 2)
    block = _block(n_transmits, 20, stop - start)
    position = np.empty(3, np.float64)
    normal = np.empty(3, np.float64)
    tangent = np.empty(3, np.float64)
    points = np.zeros((3, block), np.float32)
    spheres = np.zeros((4, block // SEGMENT), np.float64)
    place = np.zeros(block // SEGMENT, np.int8)
    ones = np.zeros(block // SEGMENT, np.bool_)
    receives = np.zeros(block // SEGMENT, np.bool_)
    reach = np.zeros((n_transmits, block // SEGMENT), np.int8)
    transmit_path = np.zeros((n_transmits, block), np.int64)
    weight = np.zeros((n_transmits, block), np.float32)
    turn = np.zeros((n_transmits, 2, block), np.float32)
    path = np.zeros(block, np.int64)
    apodization = np.zeros(block, np.float32)
    phasor = np.zeros((2, block), np.float32)
    total = np.zeros((2, block), np.float32)
    divisor = np.zeros(block, np.float32)
    heard = np.zeros(block, np.float32)
    turns = np.zeros(SEGMENT, np.float64)
    sample = np.zeros(_RUN, np.uint32)
    w = np.zeros(_RUN, np.float32)
    coefficient = np.zeros(_RUN, np.float32)
    words = np.zeros(_RUN, np.uint64)
    words_after = np.zeros(_RUN, np.uint64)
    four = np.zeros((4, _RUN), np.uint64)
    mixed = np.zeros((_RUN, 2), np.float32)
    flat = data.reshape(n_transmits * n_elements * n_samples).view(np.uint64)
    cubic = interpolation != INTERPOLATION_LINEAR and interpolation != INTERPOLATION_NEAREST
    nearest = interpolation == INTERPOLATION_NEAREST
    for first in range(start, stop, block):
        n_points = min(block, stop - first)
        n_segments = (n_points + SEGMENT - 1) // SEGMENT
        for m in range(n_segments * SEGMENT):
            for k in range(3):
                points[k, m] = points_m[first + min(m, n_points - 1), k]
        _bounding_spheres(points, n_segments, spheres)
        _transmit(
            transmit_time_s, transmit_weight, time_zero_s, sampling_frequency_hz, first, n_points,
            n_segments, transmit_path, weight, reach, divisor,
        )  # fmt: skip
        for t in range(n_transmits):
            for s in range(n_segments):
                for m in range(SEGMENT):
                    at = min(s * SEGMENT + m, n_points - 1)
                    here = transmit_time_s[t, first + at] * demodulation_frequency_hz
                    turns[m] = here if abs(here) < _FARTHEST else 0.0
                _phasors(turns, s * SEGMENT, turn[t, 0], turn[t, 1])
        total[:] = 0
        heard[:] = 0
        for e in range(n_elements if n_samples > 1 else 0):
            for k in range(3):
                position[k] = element_positions_m[e, k]
                normal[k] = element_normals[e, k]
                tangent[k] = element_tangents[e, k]
            _receive(
                points, spheres, n_segments, position, normal, tangent, samples_per_m, f_number,
                window, element_width_wavelengths, max(element_height_wavelengths, 0.0),
                place, receives, ones, path, apodization,
            )  # fmt: skip
            if normalize:
                _add_apodization(receives, n_segments, apodization, heard)
            for s in range(n_segments):
                if receives[s]:
                    for m in range(SEGMENT):
                        turns[m] = np.float64(path[s * SEGMENT + m]) * turns_per_place
                    _phasors(turns, s * SEGMENT, phasor[0], phasor[1])
            for t in range(n_transmits):
                row = (t * n_elements + e) * n_samples
                s = 0
                while s < n_segments:
                    if not receives[s] or reach[t, s] == 0:
                        s += 1
                        continue
                    begin, by = s * SEGMENT, reach[t, s]
                    s = _end_of_run(receives, reach, t, s, n_segments)
                    n = s * SEGMENT - begin
                    low, high = _positions(transmit_path, t, path, begin, n, sample, w)
                    held = by == 2 or low < 0 or high > last
                    if held:
                        _coefficients(
                            transmit_path, weight, t, path, apodization, begin, n, last,
                            sample, w, coefficient,
                        )  # fmt: skip
                    if cubic:
                        for k in range(4):
                            _fetch_beside(flat, row, sample, k - 1, last + 1, n, four[k])
                        _mix_cubic(four, w, n, mixed)
                        ready = mixed.reshape(2 * _RUN).view(np.uint64)
                        c, at = (coefficient, 0) if held else (apodization, begin)
                        _add_iq(ready, ready, w, c, at, begin, n, False, phasor, turn, t, total)
                        continue
                    _fetch(flat, row, sample, n, words)
                    _fetch(flat, row + 1, sample, n, words_after)
                    if nearest:
                        for m in range(n):
                            if w[m] >= np.float32(0.5):
                                words[m] = words_after[m]
                    if held:
                        _add_iq(
                            words, words_after, w, coefficient, 0, begin, n, not nearest,
                            phasor, turn, t, total,
                        )  # fmt: skip
                    else:
                        _add_iq(
                            words, words_after, w, apodization, begin, begin, n, not nearest,
                            phasor, turn, t, total,
                        )  # fmt: skip
        for m in range(n_points):
            scale = np.float32(1)
            if normalize:
                divisor[m] *= heard[m]
                scale = np.float32(1) / divisor[m] if divisor[m] > 0 else np.float32(0)
            out[first + m] = complex(total[0, m] * scale, total[1, m] * scale)
