r"""Delay-and-sum of an ensemble: frames or slow-time packets that share one geometry.

For every frame f the sum is that of `usdk_kernels.das`,

.. math::
    y_f(p) = \sum_t w_t(p) \sum_e a_e(p)\, x_{f,t,e}(\tau)\, e^{+2\pi j f_d \tau}, \qquad
    \tau = \tau^{tx}_t(p) + |p - q_e| / c

with the aperture, window, directivity and interpolation described there.

**Why it is faster.** The frames lie fastest in memory, so that a sample of an element is a row of
frames.  Delay, weight and phasor are computed once for all of them, and the sum reads whole rows:
no gathers.

**Taps.** What a point takes from one element is a *tap*: two rows next to each other, the weight w
of the second and a complex factor c + js.  With rows x and y of interleaved real and imaginary
parts, A = Σ c (x + w (y − x)) and B = Σ s (x + w (y − x)) are sums with real factors, and the
complex product is taken once for each point: y = (Re A − Im B) + j (Im A + Re B).  Cubic
interpolation is two taps.

**Order of the work.** Points are taken in blocks of `BLOCK`; elements whose aperture reaches none
of a block are left out at once.  Then the taps of the block are added, `GROUP` at a time, point by
point, so that neighbouring points find the rows of these few elements in the first-level cache.
The frames stand in blocks of a constant number of lanes (floats), 16, 32 or 64, because the
compiler's loop over them then needs one test of overlap for both rows of a tap, and no remainder.
Each point's result depends on that point alone, so tiles may be cut anywhere without changing a
bit of it.

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
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from usdk_kernels._compile import kernel

INTERPOLATION_NEAREST = 0
"""As in `usdk_kernels.das`."""
INTERPOLATION_LINEAR = 1
"""As in `usdk_kernels.das`."""
INTERPOLATION_CUBIC = 2
"""As in `usdk_kernels.das`."""

LANES = (16, 32, 64)
"""Floats to a row of frames; 8, 16 or 32 frames of IQ."""
BLOCK = 32
"""Points that share one pass over the elements; 16 measured 1.15 times, 64 as long."""
GROUP = 8
"""Taps added in one pass over a row; 4 measured 1.15 times as long, 16 twice."""

_PLACES = 32  # binary places of a fixed-point sample position
_ONE = 2.0**_PLACES
_FARTHEST = 2.0**28  # samples; positions beyond it are taken for `_NOWHERE`
# A position that must not be read: two of them add up to the smallest int64, and one of them plus
# any other position stays negative, before the record.
_NOWHERE = np.int64(-(2**62))
_TOO_FAR = _NOWHERE + np.int64(1)  # the path of an element that receives, from beyond any record
_PAD = (
    16  # loops over elements run to a multiple of this, so that no element is left to a slow rest
)
_SLACK = 1 + 1e-6  # of the test that leaves elements out, for its rounding


@kernel
def _fixed(position: float) -> np.int64:
    """Fixed-point sample position; `_NOWHERE` if it is NaN or far outside any record."""
    if not (-_FARTHEST < position < _FARTHEST):
        return _NOWHERE
    return np.int64(math.floor(position * _ONE))


@kernel
def _padded(n: np.int64) -> np.int64:
    """Round up to a multiple of `_PAD`."""
    return (n + _PAD - 1) // _PAD * _PAD


# contract: fused multiply-adds in the polynomials.
@kernel(fastmath=frozenset({"contract"}))
def _phasor(turns: float) -> tuple[np.float32, np.float32]:
    """Cosine and sine of 2π turns, without a call; (0, 0) for NaN and what is far from any record.

    The turns are reduced in float64 to r in [−1/2, 1/2]; s = sin πr and c = cos πr are polynomials
    fitted for the least greatest error, and what is returned is 1 − 2s² and 2sc, with an error
    below 4e-7.
    """
    known = abs(turns) < _FARTHEST
    r = np.float32(turns - np.floor(turns + 0.5)) if known else np.float32(0)
    r2 = r * r
    s = np.float32(-0.59804517) + r2 * np.float32(0.07722012)
    s = np.float32(-5.16770688) + r2 * (np.float32(2.55003138) + r2 * s)
    s = r * (np.float32(3.14159258) + r2 * s)
    c = np.float32(-1.33188016) + r2 * np.float32(0.2196968)
    c = np.float32(-4.93479286) + r2 * (np.float32(4.05841191) + r2 * c)
    c = np.float32(0.99999995) + r2 * c
    one = np.float32(1) if known else np.float32(0)
    return one - np.float32(2) * s * s, np.float32(2) * s * c


@kernel
def _phasors(
    path: npt.NDArray[np.int64],
    turns_per_sample: float,
    apodization: npt.NDArray[np.float32],
    begin: npt.NDArray[np.int64],
    end: npt.NDArray[np.int64],
    n_points: int,
    real: npt.NDArray[np.float32],
    imag: npt.NDArray[np.float32],
) -> None:
    """Apodization times the phasor of the points' receive paths."""
    for p in range(np.uint64(n_points)):
        for m in range(np.uint64(begin[p]), np.uint64(begin[p] + _padded(end[p] - begin[p]))):
            cosine, sine = _phasor(np.float64(path[p, m]) * (turns_per_sample / _ONE))
            real[p, m] = apodization[p, m] * cosine
            imag[p, m] = apodization[p, m] * sine


@kernel
def _windows(
    apodization: npt.NDArray[np.float32],
    low: np.int64,
    end: npt.NDArray[np.int64],
    n_points: int,
    window: npt.NDArray[np.float64],
) -> None:
    """Turn squares of u, the place in the half aperture, from element `low` on, into apodization.

    Without a call, so that the loop vectorises: cos(πv) = −sin(π(v − 1/2)), the sine a Taylor
    polynomial whose error is below 6e-8, and cos(2πv) = 2 cos²(πv) − 1.
    """
    taper = np.float32(window[0])
    # a0 + a1 cos(πv) + a2 cos(2πv), as a polynomial of the sine
    c0 = np.float32(window[1] - window[3])
    c1, c2 = np.float32(window[2]), np.float32(2 * window[3])
    flat = np.float32(1) - taper
    per_taper = np.float32(1) / taper
    for p in range(np.uint64(n_points)):
        for m in range(np.uint64(low), np.uint64(low + _padded(end[p] - low))):
            v = (np.float32(math.sqrt(apodization[p, m])) - flat) * per_taper
            v = v if v > np.float32(0) else np.float32(0)
            x = np.float32(math.pi) * (v - np.float32(0.5))
            x2 = x * x
            rest = np.float32(1 / 362880) - x2 * np.float32(1 / 39916800)
            rest = x2 * (np.float32(1 / 120) - x2 * (np.float32(1 / 5040) - x2 * rest))
            sine = x + x * x2 * (rest - np.float32(1 / 6))
            weight = c0 + sine * (c2 * sine - c1)
            apodization[p, m] = weight if weight > np.float32(0) else np.float32(0)


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
def _reach(
    points_m: npt.NDArray[np.float32],
    begin: int,
    end: int,
    elements: npt.NDArray[np.float64],
    n_elements: int,
    f_number: float,
) -> tuple[np.int64, np.int64]:
    """Range of the elements whose aperture may hold one of the points begin to end − 1.

    `elements` is (9, n_elements and padding): positions, normals, tangents.  The aperture of a
    ball about the block is tested; where a coordinate is not finite, every element may.
    """
    x = (np.float64(points_m[begin, 0]) + np.float64(points_m[end - 1, 0])) / 2
    y = (np.float64(points_m[begin, 1]) + np.float64(points_m[end - 1, 1])) / 2
    z = (np.float64(points_m[begin, 2]) + np.float64(points_m[end - 1, 2])) / 2
    far2 = 0.0
    for p in range(begin, end):
        dx = np.float64(points_m[p, 0]) - x
        dy = np.float64(points_m[p, 1]) - y
        dz = np.float64(points_m[p, 2]) - z
        far2 = max(far2, dx * dx + dy * dy + dz * dz)
    radius = math.sqrt(far2) * _SLACK
    opening = 0.5 / f_number if f_number > 0 else math.inf
    first, stop = np.int64(n_elements), np.int64(0)
    for e in range(np.uint64(_padded(np.int64(n_elements)))):
        dx, dy, dz = x - elements[0, e], y - elements[1, e], z - elements[2, e]
        axial = dx * elements[3, e] + dy * elements[4, e] + dz * elements[5, e]
        lx = dx - axial * elements[3, e]
        ly = dy - axial * elements[4, e]
        lz = dz - axial * elements[5, e]
        deepest = axial + radius
        widest = (radius + deepest * opening) * _SLACK
        outside = deepest < 0 or lx * lx + ly * ly + lz * lz > widest * widest
        first = min(first, np.int64(n_elements) if outside else np.int64(e))
        stop = max(stop, np.int64(0) if outside else np.int64(e + 1))
    return first, max(first, min(stop, np.int64(n_elements)))


@kernel
def _measure(
    points_m: npt.NDArray[np.float32],
    first: int,
    n_points: int,
    elements: npt.NDArray[np.float64],
    low: np.int64,
    high: np.int64,
    samples_per_m: float,
    f_number: float,
    boxcar: bool,
    path: npt.NDArray[np.int64],
    apodization: npt.NDArray[np.float32],
    found: npt.NDArray[np.int64],
) -> None:
    """Receive paths to elements low to high − 1, and u², the place in each aperture.

    A boxcar's weight, 1, takes the place of u².  The path of an element that does not receive is
    `_NOWHERE`.  `found` (5, `BLOCK`) becomes the first that does, the one after the last, how
    many, and the shortest and longest path.
    """
    stop = np.uint64(low + _padded(high - low))
    for p in range(np.uint64(n_points)):
        x = np.float64(points_m[np.uint64(first) + p, 0])
        y = np.float64(points_m[np.uint64(first) + p, 1])
        z = np.float64(points_m[np.uint64(first) + p, 2])
        begin, end, n = np.int64(high), np.int64(low), 0
        shortest, longest = np.int64(2**62), _NOWHERE
        for e in range(np.uint64(low), stop):
            dx, dy, dz = x - elements[0, e], y - elements[1, e], z - elements[2, e]
            axial = dx * elements[3, e] + dy * elements[4, e] + dz * elements[5, e]
            lx = dx - axial * elements[3, e]
            ly = dy - axial * elements[4, e]
            lz = dz - axial * elements[5, e]
            edge2 = (lx * lx + ly * ly + lz * lz) * (4 * f_number * f_number)
            inside = axial > 0 and edge2 <= axial * axial
            position = math.sqrt(dx * dx + dy * dy + dz * dz) * samples_per_m
            fixed = np.int64(position * _ONE) if position < _FARTHEST else _TOO_FAR
            path[p, e] = fixed if inside else _NOWHERE
            u2 = np.float32(edge2 / (axial * axial)) if inside else np.float32(0)
            apodization[p, e] = np.float32(1) if boxcar else u2
            begin = min(begin, np.int64(e) if inside else np.int64(high))
            end = max(end, np.int64(e + 1) if inside else np.int64(low))
            n += 1 if inside else 0
            shortest = min(shortest, fixed if inside else np.int64(2**62))
            longest = max(longest, fixed if inside else _NOWHERE)
        found[0, p], found[1, p], found[2, p] = begin, max(end, begin), n
        found[3, p], found[4, p] = shortest, longest


@kernel
def _directivities(
    points_m: npt.NDArray[np.float32],
    first: int,
    n_points: int,
    elements: npt.NDArray[np.float64],
    low: np.int64,
    end: npt.NDArray[np.int64],
    width: float,
    height: float,
    apodization: npt.NDArray[np.float32],
) -> None:
    """Multiply the apodization by how much of the echo of a point each element hears."""
    for p in range(np.uint64(n_points)):
        x = np.float64(points_m[np.uint64(first) + p, 0])
        y = np.float64(points_m[np.uint64(first) + p, 1])
        z = np.float64(points_m[np.uint64(first) + p, 2])
        for e in range(np.uint64(low), np.uint64(low + _padded(end[p] - low))):
            dx, dy, dz = x - elements[0, e], y - elements[1, e], z - elements[2, e]
            axial = dx * elements[3, e] + dy * elements[4, e] + dz * elements[5, e]
            lx = dx - axial * elements[3, e]
            ly = dy - axial * elements[4, e]
            lz = dz - axial * elements[5, e]
            across = dx * elements[6, e] + dy * elements[7, e] + dz * elements[8, e]
            along2 = lx * lx + ly * ly + lz * lz - across * across
            along = math.sqrt(along2 if along2 > 0 else 0.0)
            distance2 = dx * dx + dy * dy + dz * dz
            per_m = 1 / math.sqrt(distance2 if distance2 > 0 else 1.0)
            value = _sinc(np.float32(abs(across) * per_m * width))
            value *= _sinc(np.float32(along * per_m * height))
            apodization[p, e] *= value * np.float32(axial * per_m)


@kernel
def _close_gaps(
    point: int,
    begin: int,
    end: int,
    n_samples: int,
    path: npt.NDArray[np.int64],
    apodization: npt.NDArray[np.float32],
    row: npt.NDArray[np.int64],
) -> None:
    """Move the elements that receive a point to the front; `row` says where their samples begin."""
    k = 0
    for e in range(begin, end):
        if path[point, e] != _NOWHERE:
            path[point, k] = path[point, e]
            apodization[point, k] = apodization[point, e]
            row[point, k] = e * n_samples
            k += 1


# reassoc lets the sum vectorise.
@kernel(fastmath=frozenset({"reassoc"}))
def _sum_of(apodization: npt.NDArray[np.float32], point: int, begin: int, end: int) -> np.float32:
    """Sum of a point's apodization, for `normalize`."""
    p = np.uint64(point)
    total = np.float32(0)
    for m in range(np.uint64(begin), np.uint64(end)):
        total += apodization[p, m]
    return total


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
def _taps(
    waves: npt.NDArray[np.float64],
    n_points: int,
    begin: npt.NDArray[np.int64],
    end: npt.NDArray[np.int64],
    found: npt.NDArray[np.int64],
    path: npt.NDArray[np.int64],
    row: npt.NDArray[np.int64],
    real: npt.NDArray[np.float32],
    imag: npt.NDArray[np.float32],
    n_samples: int,
    interpolation: int,
    at: npt.NDArray[np.int64],
    w: npt.NDArray[np.float32],
    c: npt.NDArray[np.float32],
    s: npt.NDArray[np.float32],
    n_taps: npt.NDArray[np.int64],
) -> None:
    """List the taps of every point and one transmit, to a whole number of groups.

    `waves` (3, `BLOCK`): the transmit's weight, its path in samples and its phase in turns.
    """
    last = np.int64(n_samples - 2)
    for p in range(np.uint64(n_points)):
        n_taps[p] = 0
        weight = np.float32(waves[0, p])
        transmit_path = _fixed(waves[1, p])
        if not abs(weight) > 0 or transmit_path == _NOWHERE:  # NaN, too
            continue
        turn_real, turn_imag = _phasor(waves[2, p])
        turn_real *= weight
        turn_imag *= weight
        k = 0
        if (
            interpolation == INTERPOLATION_LINEAR
            and transmit_path + found[3, p] >= 0
            and transmit_path + found[4, p] < (last + 1) << _PLACES
        ):
            i = np.uint64(begin[p])
            k = end[p] - begin[p]
            n = np.uint64(_padded(k))
            for m in range(n):
                position = transmit_path + path[p, i + m]
                j = position >> _PLACES
                at[p, m] = row[p, i + m] + j
                w[p, m] = np.float32(position - (j << _PLACES)) * np.float32(1 / _ONE)
            # A loop of its own: four arrays written in one loop do not vectorise.
            for m in range(n):
                c[p, m] = turn_real * real[p, i + m] - turn_imag * imag[p, i + m]
                s[p, m] = turn_real * imag[p, i + m] + turn_imag * real[p, i + m]
        else:
            for m in range(begin[p], end[p]):
                position = transmit_path + path[p, m]
                # The very last sample is j = last with weight 1: nothing beyond it is read.
                if position < 0 or position > (last + 1) << _PLACES:
                    continue
                j = min(position >> _PLACES, last)
                v = np.float32(position - (j << _PLACES)) * np.float32(1 / _ONE)
                a = turn_real * real[p, m] - turn_imag * imag[p, m]
                b = turn_real * imag[p, m] + turn_imag * real[p, m]
                if interpolation in (INTERPOLATION_LINEAR, INTERPOLATION_NEAREST):
                    if interpolation == INTERPOLATION_NEAREST:
                        v = np.float32(1) if v >= np.float32(0.5) else np.float32(0)
                    at[p, k], w[p, k], c[p, k], s[p, k] = row[p, m] + j, v, a, b
                    k += 1
                    continue
                c0, c1, c2, c3 = _keys(v)
                # Neither sum is negative; the first is 0 at j + 1, the second at j.
                before, after = c0 + c1, c2 + c3
                v = c1 / before if before > np.float32(0) and j > 0 else np.float32(0)
                at[p, k], w[p, k] = row[p, m] + max(j - 1, 0), v
                c[p, k], s[p, k] = before * a, before * b
                k += 1
                v = c3 / after if after > np.float32(0) else np.float32(0)
                v = v if j < last else np.float32(1)
                at[p, k], w[p, k] = row[p, m] + min(j + 1, last), v
                c[p, k], s[p, k] = after * a, after * b
                k += 1
        # Rows that the point reads anyway, times 0.
        while k % GROUP:
            at[p, k], w[p, k], c[p, k], s[p, k] = at[p, 0], w[p, 0], np.float32(0), np.float32(0)
            k += 1
        n_taps[p] = k


def _adder(lanes: int) -> Callable[..., None]:
    """Return the kernel that adds taps to rows of a constant number of lanes."""

    # contract: fused multiply-adds.  noalias: 0.87, 0.7 and 0.7 of the time with 64, 32 and 16
    # lanes, where a test of overlap for each tap takes as long as the taps.
    @kernel(fastmath=frozenset({"contract"}), noalias=True)
    def add(
        flat: npt.NDArray[np.float32],
        at: npt.NDArray[np.int64],
        w: npt.NDArray[np.float32],
        c: npt.NDArray[np.float32],
        s: npt.NDArray[np.float32],
        n_taps: npt.NDArray[np.int64],
        n_points: int,
        sums: npt.NDArray[np.float32],
    ) -> None:
        """Add the taps of a block's points to their sums A and B, `lanes` floats each."""
        row = np.uint64(lanes)
        most = 0
        for p in range(n_points):
            most = max(most, n_taps[p])
        for first in range(0, most, GROUP):
            for p in range(np.uint64(n_points)):
                if first >= n_taps[p]:
                    continue
                k = np.uint64(first)
                a = p * np.uint64(2 * lanes)
                b = a + row
                at0, w0, c0, s0 = np.uint64(at[p, k]) * row, w[p, k], c[p, k], s[p, k]
                k += np.uint64(1)
                at1, w1, c1, s1 = np.uint64(at[p, k]) * row, w[p, k], c[p, k], s[p, k]
                k += np.uint64(1)
                at2, w2, c2, s2 = np.uint64(at[p, k]) * row, w[p, k], c[p, k], s[p, k]
                k += np.uint64(1)
                at3, w3, c3, s3 = np.uint64(at[p, k]) * row, w[p, k], c[p, k], s[p, k]
                k += np.uint64(1)
                at4, w4, c4, s4 = np.uint64(at[p, k]) * row, w[p, k], c[p, k], s[p, k]
                k += np.uint64(1)
                at5, w5, c5, s5 = np.uint64(at[p, k]) * row, w[p, k], c[p, k], s[p, k]
                k += np.uint64(1)
                at6, w6, c6, s6 = np.uint64(at[p, k]) * row, w[p, k], c[p, k], s[p, k]
                k += np.uint64(1)
                at7, w7, c7, s7 = np.uint64(at[p, k]) * row, w[p, k], c[p, k], s[p, k]
                for f in range(row):
                    v0 = flat[at0 + f]
                    v0 += w0 * (flat[at0 + row + f] - v0)
                    v1 = flat[at1 + f]
                    v1 += w1 * (flat[at1 + row + f] - v1)
                    v2 = flat[at2 + f]
                    v2 += w2 * (flat[at2 + row + f] - v2)
                    v3 = flat[at3 + f]
                    v3 += w3 * (flat[at3 + row + f] - v3)
                    v4 = flat[at4 + f]
                    v4 += w4 * (flat[at4 + row + f] - v4)
                    v5 = flat[at5 + f]
                    v5 += w5 * (flat[at5 + row + f] - v5)
                    v6 = flat[at6 + f]
                    v6 += w6 * (flat[at6 + row + f] - v6)
                    v7 = flat[at7 + f]
                    v7 += w7 * (flat[at7 + row + f] - v7)
                    sums[a + f] += ((v0 * c0 + v1 * c1) + (v2 * c2 + v3 * c3)) + (
                        (v4 * c4 + v5 * c5) + (v6 * c6 + v7 * c7)
                    )
                    sums[b + f] += ((v0 * s0 + v1 * s1) + (v2 * s2 + v3 * s3)) + (
                        (v4 * s4 + v5 * s5) + (v6 * s6 + v7 * s7)
                    )

    return add


_add_16, _add_32, _add_64 = (_adder(lanes) for lanes in LANES)


@kernel
def _write(
    sums: npt.NDArray[np.float32],
    scale: npt.NDArray[np.float32],
    place: npt.NDArray[np.int64],
    first: int,
    n_points: int,
    lanes: int,
    n_parts: int,
    at: int,
    out: npt.NDArray[np.float32],
) -> None:
    """Combine the points' sums A and B, `lanes` floats each, into their places in out[:, at:]."""
    n = np.uint64(max(0, min(lanes, out.shape[1] - at)))
    i, one, two = np.uint64(at), np.uint64(1), np.uint64(2)
    for p in range(np.uint64(n_points)):
        to = place[np.uint64(first) + p]
        if to < 0 or to >= out.shape[0]:
            continue
        r = np.uint64(to)
        a = p * np.uint64(2 * lanes)
        b = a + np.uint64(lanes)
        if n_parts == 1:
            for f in range(n):
                out[r, i + f] = sums[a + f] * scale[p]
            continue
        for f in range(n // two):
            k = two * f
            real = sums[a + k] - sums[b + k + one]
            imag = sums[a + k + one] + sums[b + k]
            out[r, i + k] = real * scale[p]
            out[r, i + k + one] = imag * scale[p]


@kernel
def das_ensemble(
    data: npt.NDArray[np.float32],
    points_m: npt.NDArray[np.float32],
    place: npt.NDArray[np.int64],
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
    n_parts: int,
    start: int,
    stop: int,
    out: npt.NDArray[np.float32],
) -> None:
    r"""Delay-and-sum of all frames at the points start to stop − 1.

    Parameters
    ----------
    data : (n_transmits, n_blocks, n_elements, n_samples, n_lanes) float32
        Channel data, as `usdk_kernels.frames_fastest` lays them; any amplitude unit.  A row holds
        n_lanes / n_parts frames; n_lanes is one of `LANES`.  What stands in lanes beyond the last
        frame is never written to `out`.
    points_m : (n_points, 3) float32
        Where to look, in metres.  Fastest where every `BLOCK` points in a row are neighbours.
    place : (n_points,) int64
        Row of `out` for each point; a point whose place is no row of `out` is computed in vain.
    element_positions_m, element_normals, element_tangents : (n_elements, 3) float32
        As in `usdk_kernels.das`.
    transmit_time_s, transmit_weight : (n_transmits, n_points) float64, float32
        As in `usdk_kernels.das`, in the order of `points_m`.
    time_zero_s, window : (n_transmits,), (4,) float64
        As in `usdk_kernels.das`.
    sampling_frequency_hz : float64 > 0
    demodulation_frequency_hz : float64
        f_d; 0 for RF and for an analytic signal that was not demodulated.
    sound_speed_m_s, f_number, element_width_wavelengths, element_height_wavelengths : float64
        As in `usdk_kernels.das`.
    interpolation, normalize : int64
        As in `usdk_kernels.das`.
    n_parts : int64
        1: RF, a lane is a frame.  2: IQ, two lanes are the real and imaginary part of a frame.
    start, stop : int64
        Range of points, 0 ≤ start ≤ stop ≤ n_points.
    out : (n_rows, n_frames n_parts) float32
        Beamformed data, frames fastest, in the unit of `data`.  The rows that `place` names for
        [start, stop) are overwritten, the rest untouched.

    Notes
    -----
    All arrays are C-contiguous.  Samples outside the record contribute nothing, a record of
    fewer than two samples gives zeros, data of another n_lanes give zeros, and no value of any
    array causes a read outside `data` or a write outside `out`.  A NaN or infinity in the data
    spreads to the points that read it or the sample before it, in its own frame only.  Not
    checked: shapes, n_frames n_parts ≤ n_blocks n_lanes, n_parts 1 or 2, start and stop, the signs
    of the scalars, that normals and tangents are at right angles and of unit length.
    """
    n_transmits, n_blocks, n_elements, n_samples, n_lanes = data.shape
    samples_per_m = sampling_frequency_hz / sound_speed_m_s
    turns_per_sample = demodulation_frequency_hz / sampling_frequency_hz
    n_padded = n_elements + _PAD
    # An element that is nowhere receives nothing.
    elements = np.full((9, n_padded), np.nan, np.float64)
    for e in range(n_elements):
        for i in range(3):
            elements[i, e] = element_positions_m[e, i]
            elements[3 + i, e] = element_normals[e, i]
            elements[6 + i, e] = element_tangents[e, i]
    boxcar = not window[0] > 0  # NaN, too
    row = np.zeros((BLOCK, n_padded), np.int64)
    for p in range(BLOCK):
        for e in range(n_elements):
            row[p, e] = e * n_samples
    path = np.zeros((BLOCK, n_padded), np.int64)
    apodization = np.zeros((BLOCK, n_padded), np.float32)
    real = np.zeros((BLOCK, n_padded), np.float32)
    imag = np.zeros((BLOCK, n_padded), np.float32)
    begin = np.zeros(BLOCK, np.int64)
    end = np.zeros(BLOCK, np.int64)
    found = np.zeros((5, BLOCK), np.int64)
    has_gaps = np.zeros(BLOCK, np.bool_)
    waves = np.zeros((3, BLOCK), np.float64)
    heard = np.zeros(BLOCK, np.float32)
    sent = np.zeros(BLOCK, np.float32)
    scale = np.ones(BLOCK, np.float32)
    # Two taps to an element at most.
    at = np.zeros((BLOCK, 2 * n_padded), np.int64)
    w = np.zeros(at.shape, np.float32)
    c = np.zeros(at.shape, np.float32)
    s = np.zeros(at.shape, np.float32)
    n_taps = np.zeros(BLOCK, np.int64)
    sums = np.empty((n_blocks, BLOCK * 2 * n_lanes), np.float32)
    for first in range(start, stop, BLOCK):
        n_points = min(BLOCK, stop - first)
        low, high = _reach(points_m, first, first + n_points, elements, n_elements, f_number)
        _measure(
            points_m, first, n_points, elements, low, high, samples_per_m, f_number, boxcar,
            path, apodization, found,
        )  # fmt: skip
        for p in range(n_points):
            begin[p], end[p] = found[0, p], found[1, p]
        if not boxcar:
            _windows(apodization, low, end, n_points, window)
        if element_width_wavelengths >= 0:
            _directivities(
                points_m, first, n_points, elements, low, end, element_width_wavelengths,
                max(element_height_wavelengths, 0.0), apodization,
            )  # fmt: skip
        for p in range(n_points):
            if has_gaps[p]:
                for e in range(n_elements):
                    row[p, e] = e * n_samples
            has_gaps[p] = end[p] - begin[p] != found[2, p]
            if has_gaps[p]:
                _close_gaps(p, begin[p], end[p], n_samples, path, apodization, row)
                begin[p], end[p] = 0, found[2, p]
            if normalize:
                heard[p] = _sum_of(apodization, p, begin[p], end[p])
            sent[p] = np.float32(0)
        if demodulation_frequency_hz != 0:
            _phasors(path, turns_per_sample, apodization, begin, end, n_points, real, imag)
        else:
            real[:] = apodization
        sums[:] = np.float32(0)
        for t in range(n_transmits if n_samples > 1 else 0):
            any_wave = False
            for p in range(n_points):
                weight, time_s = transmit_weight[t, first + p], transmit_time_s[t, first + p]
                waves[0, p] = weight
                waves[1, p] = (time_s - time_zero_s[t]) * sampling_frequency_hz
                waves[2, p] = time_s * demodulation_frequency_hz
                if abs(weight) > 0 and abs(waves[1, p]) < _FARTHEST:
                    sent[p] += abs(weight)
                    any_wave = True
            if not any_wave:
                continue
            _taps(
                waves, n_points, begin, end, found, path, row, real, imag, n_samples,
                interpolation, at, w, c, s, n_taps,
            )  # fmt: skip
            for b in range(n_blocks):
                flat = data[t, b].reshape(n_elements * n_samples * n_lanes)
                if n_lanes == 64:
                    _add_64(flat, at, w, c, s, n_taps, n_points, sums[b])
                elif n_lanes == 32:
                    _add_32(flat, at, w, c, s, n_taps, n_points, sums[b])
                elif n_lanes == 16:
                    _add_16(flat, at, w, c, s, n_taps, n_points, sums[b])
        if normalize:
            for p in range(n_points):
                divisor = sent[p] * heard[p]
                scale[p] = np.float32(1) / divisor if divisor > 0 else np.float32(0)
        for b in range(n_blocks):
            _write(sums[b], scale, place, first, n_points, n_lanes, n_parts, b * n_lanes, out)
