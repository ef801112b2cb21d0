r"""Casorati matrices: the points of a packet by its pulses, as SVD clutter filters take them.

With the pulses x_p[t] of the points p,

.. math::
    G[s, t] = \sum_p x_p[s]\, x_p^*[t] = \sum_k \sigma_k^2\, u_k[s]\, u_k^*[t]

holds the squares of the singular values and the temporal singular vectors u of the
points-by-pulses matrix, for one pass over the data and an eigenvalue problem as small as the
packet.  A filter is then a complex matrix of the packet's size, the same for every point, given by
vectors v: `REMOVE` takes the parts along orthonormal ones away, `KEEP` leaves nothing else, and
with `MULTIPLY` they are the conjugate rows of any matrix.

**Order of the work.** Points are transposed in blocks into scratch that stays in the first-level
cache, real and imaginary parts apart, so that the loops run over points.  Of a filter, every lane
goes through the same instructions whatever its place: points may be divided anywhere without
changing a bit.

References
----------
C. Demené, T. Deffieux, M. Pernot et al., "Spatiotemporal clutter filtering of ultrafast ultrasound
data highly increases Doppler and fUltrasound sensitivity", IEEE Trans. Med. Imaging 34(11), 2015,
2271-2285: equations 3 to 8.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from usdk_kernels._compile import kernel

REMOVE = 0
"""y = x − Σ v (vᴴ x)."""
KEEP = 1
"""y = Σ v (vᴴ x)."""
MULTIPLY = 2
"""y[m] = v_mᴴ x."""

LANES = 16
"""Points that are filtered together."""

_ROW = 2 * LANES  # floats of one pulse of a block: real parts, imaginary parts
_STEP = 4  # pulses that are added in one run over the lanes
_CACHE_FLOATS = 8192  # of the first-level cache: what a block of points of `gram` fills
_LEAST_POINTS, _MOST_POINTS = 64, 512


# reassoc lets the sums run as vectors, contract fuses multiply and add: 20 times as fast.
@kernel(fastmath=frozenset({"contract", "reassoc"}), noalias=True)
def _products(
    rows: npt.NDArray[np.float32], s: int, t: int, size: int, sums: npt.NDArray[np.float64]
) -> None:
    """Write the sums over points of x[s + i] x*[t + j], i and j 0 or 1, into eight places."""
    n = np.uint64(size)
    a, b = np.uint64(2 * s * size), np.uint64(2 * t * size)
    one, two, three = n, n + n, n + n + n
    r00 = r01 = r10 = r11 = np.float32(0)
    i00 = i01 = i10 = i11 = np.float32(0)
    for p in range(n):
        ar, ai, br, bi = rows[a + p], rows[a + one + p], rows[a + two + p], rows[a + three + p]
        cr, ci, dr, di = rows[b + p], rows[b + one + p], rows[b + two + p], rows[b + three + p]
        r00 += ar * cr + ai * ci
        i00 += ai * cr - ar * ci
        r01 += ar * dr + ai * di
        i01 += ai * dr - ar * di
        r10 += br * cr + bi * ci
        i10 += bi * cr - br * ci
        r11 += br * dr + bi * di
        i11 += bi * dr - br * di
    sums[0], sums[1], sums[2], sums[3] = r00, i00, r01, i01
    sums[4], sums[5], sums[6], sums[7] = r10, i10, r11, i11


@kernel
def gram(
    packet: npt.NDArray[np.float32], start: int, stop: int, out: npt.NDArray[np.float64]
) -> None:
    """Add the Gram matrix of some points.

    Parameters
    ----------
    packet : (n_points, 2 n_pulses) float32, C-contiguous
        IQ along slow time, real and imaginary parts in turn; any amplitude unit.
    start, stop : int64
        Range of points, 0 ≤ start ≤ stop ≤ n_points.
    out : (n_pulses, 2 n_pulses) float64, C-contiguous
        G, real and imaginary parts in turn, in the squared unit of `packet`.  The part on and below
        the diagonal is added to; the rest is untouched.

    Notes
    -----
    Products are float32 and summed in float32 over a block of at most 512 points, over blocks in
    float64: magnitudes above 1e18 overflow.  The sum depends in its last digits on where the points
    are divided.  A NaN or infinity anywhere makes G NaN or infinite.  Not checked: shapes, start,
    stop.
    """
    n_pulses = packet.shape[1] // 2
    even = (n_pulses + 1) // 2 * 2
    size = min(max(_CACHE_FLOATS // (2 * even) // 16 * 16, _LEAST_POINTS), _MOST_POINTS)
    rows = np.zeros(2 * even * size, np.float32)
    sums = np.empty(8, np.float64)
    for first in range(start, stop, size):
        n_points = min(size, stop - first)
        if n_points < size:
            rows[:] = np.float32(0)
        for p in range(n_points):
            for f in range(2 * n_pulses):
                rows[np.uint64(f * size + p)] = packet[np.uint64(first + p), np.uint64(f)]
        for s in range(0, n_pulses, 2):
            for t in range(0, s + 1, 2):
                _products(rows, s, t, size, sums)
                for k in range(4):
                    i, j = s + k // 2, t + k % 2
                    if j <= i < n_pulses:
                        out[i, 2 * j] += sums[2 * k]
                        out[i, 2 * j + 1] += sums[2 * k + 1]


# noalias: reads of a whole block need no test of overlap with what is written; a tenth faster.
@kernel(noalias=True)
def _load(
    packet: npt.NDArray[np.float32], point: int, n_points: int, rows: npt.NDArray[np.float32]
) -> None:
    """Transpose the packets of a block of points; lanes behind the last keep what they held."""
    n_floats = np.uint64(packet.shape[1])
    flat, first, lanes = packet.reshape(packet.size), np.uint64(point) * n_floats, np.uint64(LANES)
    if n_points == LANES:
        for f in range(n_floats):
            for k in range(lanes):
                rows[lanes * f + k] = flat[first + n_floats * k + f]
        return
    for k in range(np.uint64(n_points)):
        for f in range(n_floats):
            rows[lanes * f + k] = flat[first + n_floats * k + f]


# noalias: no test of overlap before the loops.  contract: fused multiply-adds.
@kernel(fastmath=frozenset({"contract"}), noalias=True)
def _coefficient(
    rows: npt.NDArray[np.float32],
    vectors: npt.NDArray[np.float32],
    row: int,
    n_steps: int,
    sums: npt.NDArray[np.float32],
    at: int,
) -> None:
    """Write vᴴ x of a block of points."""
    a = np.uint64(at)
    lanes, one = np.uint64(LANES), np.uint64(1)
    for k in range(lanes):
        sums[a + k] = np.float32(0)
        sums[a + lanes + k] = np.float32(0)
    u = np.uint64(row * n_steps * 2 * _STEP)
    for step in range(np.uint64(n_steps)):
        x = step * np.uint64(_STEP * _ROW)
        b = u + step * np.uint64(2 * _STEP)
        two, three = np.uint64(2), np.uint64(3)
        r0, i0, r1, i1 = vectors[b], vectors[b + one], vectors[b + two], vectors[b + three]
        b += np.uint64(4)
        r2, i2, r3, i3 = vectors[b], vectors[b + one], vectors[b + two], vectors[b + three]
        for k in range(lanes):
            o = x + k
            xr0, xi0 = rows[o], rows[o + lanes]
            xr1, xi1 = rows[o + two * lanes], rows[o + three * lanes]
            o += np.uint64(2 * _ROW)
            xr2, xi2 = rows[o], rows[o + lanes]
            xr3, xi3 = rows[o + two * lanes], rows[o + three * lanes]
            sums[a + k] += (
                r0 * xr0 + i0 * xi0 + r1 * xr1 + i1 * xi1
                + r2 * xr2 + i2 * xi2 + r3 * xr3 + i3 * xi3
            )  # fmt: skip
            sums[a + lanes + k] += (
                r0 * xi0 - i0 * xr0 + r1 * xi1 - i1 * xr1
                + r2 * xi2 - i2 * xr2 + r3 * xi3 - i3 * xr3
            )  # fmt: skip


@kernel(fastmath=frozenset({"contract"}), noalias=True)
def _take_two(
    rows: npt.NDArray[np.float32],
    vectors: npt.NDArray[np.float32],
    row: int,
    n_steps: int,
    sums: npt.NDArray[np.float32],
) -> None:
    """Subtract v c for two vectors and their coefficients."""
    lanes, one = np.uint64(LANES), np.uint64(1)
    u = np.uint64(row * n_steps * 2 * _STEP)
    v = u + np.uint64(n_steps * 2 * _STEP)
    for t in range(np.uint64(n_steps * _STEP)):
        b, c = u + t * np.uint64(2), v + t * np.uint64(2)
        ur, ui, vr, vi = vectors[b], vectors[b + one], vectors[c], vectors[c + one]
        x = t * np.uint64(_ROW)
        for k in range(lanes):
            cr, ci = sums[k], sums[lanes + k]
            dr, di = sums[lanes + lanes + k], sums[lanes + lanes + lanes + k]
            rows[x + k] -= ur * cr - ui * ci + vr * dr - vi * di
            rows[x + lanes + k] -= ur * ci + ui * cr + vr * di + vi * dr


@kernel
def _filter_block(
    rows: npt.NDArray[np.float32],
    vectors: npt.NDArray[np.float32],
    kind: int,
    n_vectors: int,
    n_steps: int,
    sums: npt.NDArray[np.float32],
) -> None:
    """Filter a block of points in place; `sums` has room for the coefficients of all vectors."""
    for r in range(n_vectors):
        _coefficient(rows, vectors, r, n_steps, sums, r * _ROW)
    if kind == MULTIPLY:
        for k in range(n_vectors * _ROW):
            rows[k] = sums[k]
        return
    if kind == KEEP:
        for k in range(n_vectors * _ROW):
            sums[k] = -sums[k]
        rows[:] = np.float32(0)
    for r in range(0, n_vectors, 2):
        # Coefficients are moved to the front: a slice would cost more than the copy.
        if r > 0:
            for k in range(2 * _ROW):
                sums[k] = sums[r * _ROW + k]
        _take_two(rows, vectors, r, n_steps, sums)


@kernel(fastmath=frozenset({"contract"}), noalias=True)
def _correlate_block(
    rows: npt.NDArray[np.float32],
    n_pulses: int,
    n_steps: int,
    lag: int,
    sums: npt.NDArray[np.float32],
) -> None:
    """Write power, and real and imaginary parts of the lag, of a block of points.

    Four pulses at a time, because a sum waits for the one before it; behind the last are zeros.
    """
    lanes, one = np.uint64(LANES), np.uint64(_ROW)
    for k in range(np.uint64(3 * LANES)):
        sums[k] = np.float32(0)
    for step in range(np.uint64(n_steps)):
        o = step * np.uint64(_STEP * _ROW)
        q = o + np.uint64(lag * _ROW)
        for k in range(lanes):
            m, n = o + k, q + k
            a0, b0, c0, d0 = rows[m], rows[m + lanes], rows[n], rows[n + lanes]
            m, n = m + one, n + one
            a1, b1, c1, d1 = rows[m], rows[m + lanes], rows[n], rows[n + lanes]
            m, n = m + one, n + one
            a2, b2, c2, d2 = rows[m], rows[m + lanes], rows[n], rows[n + lanes]
            m, n = m + one, n + one
            a3, b3, c3, d3 = rows[m], rows[m + lanes], rows[n], rows[n + lanes]
            sums[k] += (a0 * a0 + b0 * b0 + a1 * a1 + b1 * b1) + (
                a2 * a2 + b2 * b2 + a3 * a3 + b3 * b3
            )
            sums[lanes + k] += (c0 * a0 + d0 * b0 + c1 * a1 + d1 * b1) + (
                c2 * a2 + d2 * b2 + c3 * a3 + d3 * b3
            )
            sums[lanes + lanes + k] += (d0 * a0 - c0 * b0 + d1 * a1 - c1 * b1) + (
                d2 * a2 - c2 * b2 + d3 * a3 - c3 * b3
            )
    per_pulse = np.float32(1) / np.float32(n_pulses)
    per_pair = np.float32(1) / np.float32(n_pulses - lag)
    for k in range(lanes):
        sums[k] *= per_pulse
        sums[lanes + k] *= per_pair
        sums[lanes + lanes + k] *= per_pair


@kernel
def _padded(
    vectors: npt.NDArray[np.float32], n_vectors: int, n_steps: int
) -> npt.NDArray[np.float32]:
    """Lay the vectors behind each other, with zeros behind the last pulse and vector."""
    padded = np.zeros(n_vectors * n_steps * 2 * _STEP, np.float32)
    for r in range(vectors.shape[0]):
        for f in range(vectors.shape[1]):
            padded[r * n_steps * 2 * _STEP + f] = vectors[r, f]
    return padded


@kernel
def filter_points(
    packet: npt.NDArray[np.float32],
    vectors: npt.NDArray[np.float32],
    kind: int,
    start: int,
    stop: int,
    out: npt.NDArray[np.float32],
) -> None:
    r"""Multiply the packet of every point by one complex matrix.

    .. math::
        y_p = x_p - \sum_k v_k \, (v_k^H x_p), \quad y_p = \sum_k v_k \, (v_k^H x_p)
        \quad\text{or}\quad y_p[m] = v_m^H x_p

    Parameters
    ----------
    packet : (n_points, 2 n_pulses) float32, C-contiguous
        x: IQ along slow time, real and imaginary parts in turn; any amplitude unit.
    vectors : (n_vectors, 2 n_pulses) float32, C-contiguous
        v, real and imaginary parts in turn: orthonormal, or n_pulses of them to `MULTIPLY` with.
    kind : int64
        `REMOVE`, `KEEP` or `MULTIPLY`.
    start, stop : int64
        Range of points, 0 ≤ start ≤ stop ≤ n_points.  However the points are divided, each gets
        the same bits.
    out : (n_points, 2 n_pulses) float32, C-contiguous
        y of the points [start, stop), overwritten; not the memory of `packet`.

    Notes
    -----
    A NaN or an infinity stays with its point.  Not checked: shapes, kind, start, stop.
    """
    n_floats = packet.shape[1]
    n_steps = (n_floats // 2 + _STEP - 1) // _STEP
    n_vectors = (vectors.shape[0] + 1) // 2 * 2
    padded = _padded(vectors, n_vectors, n_steps)
    rows = np.zeros(max(n_steps * _STEP, n_vectors) * _ROW, np.float32)
    sums = np.zeros(max(n_vectors, 2) * _ROW, np.float32)
    for first in range(start, stop, LANES):
        n_points = min(LANES, stop - first)
        _load(packet, first, n_points, rows)
        _filter_block(rows, padded, kind, n_vectors, n_steps, sums)
        for k in range(n_points):
            for f in range(n_floats):
                out[np.uint64(first + k), np.uint64(f)] = rows[np.uint64(LANES * f + k)]


@kernel
def filter_and_correlate(
    packet: npt.NDArray[np.float32],
    vectors: npt.NDArray[np.float32],
    kind: int,
    lag: int,
    start: int,
    stop: int,
    power: npt.NDArray[np.float32],
    lagged: npt.NDArray[np.float32],
) -> None:
    r"""Power and autocorrelation of what `filter_points` gives, in one pass over the data.

    .. math::
        R_0 = \frac{1}{N} \sum_t |y[t]|^2, \qquad
        R_L = \frac{1}{N - L} \sum_t y[t + L]\, y^*[t]

    Parameters
    ----------
    packet, vectors, kind, start, stop
        As in `filter_points`.
    lag : int64
        L, 0 < L < n_pulses.
    power : (n_points,) float32
        R_0 of the points [start, stop), overwritten; the squared unit of `packet`.
    lagged : (n_points, 2) float32, C-contiguous
        R_L of these points, real and imaginary parts in turn, overwritten.

    Notes
    -----
    As for `filter_points`; sums are float32.  Not checked: lag.
    """
    n_pulses = packet.shape[1] // 2
    n_steps = (n_pulses + _STEP - 1) // _STEP
    n_vectors = (vectors.shape[0] + 1) // 2 * 2
    padded = _padded(vectors, n_vectors, n_steps)
    rows = np.zeros((max(n_steps * _STEP, n_vectors) + lag) * _ROW, np.float32)
    sums = np.zeros(max(n_vectors, 2) * _ROW, np.float32)
    for first in range(start, stop, LANES):
        n_points = min(LANES, stop - first)
        _load(packet, first, n_points, rows)
        _filter_block(rows, padded, kind, n_vectors, n_steps, sums)
        _correlate_block(rows, n_pulses, n_steps, lag, sums)
        for k in range(n_points):
            power[first + k] = sums[k]
            lagged[first + k, 0] = sums[LANES + k]
            lagged[first + k, 1] = sums[2 * LANES + k]


@kernel
def magnitudes(
    packet: npt.NDArray[np.float32],
    vectors: npt.NDArray[np.float32],
    start: int,
    stop: int,
    out: npt.NDArray[np.float32],
) -> None:
    r"""Magnitudes of the spatial singular vectors, :math:`|v_k^H x_p| = \sigma_k |w_k[p]|`.

    Parameters
    ----------
    packet, vectors, start, stop
        As in `filter_points`.
    out : (n_vectors, n_points) float32, C-contiguous
        The columns [start, stop) are overwritten; the unit of `packet`.

    Notes
    -----
    As for `filter_points`.
    """
    n_steps = (packet.shape[1] // 2 + _STEP - 1) // _STEP
    n_vectors = (vectors.shape[0] + 1) // 2 * 2
    padded = _padded(vectors, n_vectors, n_steps)
    rows = np.zeros(n_steps * _STEP * _ROW, np.float32)
    sums = np.zeros(_ROW, np.float32)
    for first in range(start, stop, LANES):
        n_points = min(LANES, stop - first)
        _load(packet, first, n_points, rows)
        for r in range(vectors.shape[0]):
            _coefficient(rows, padded, r, n_steps, sums, 0)
            for k in range(n_points):
                out[r, first + k] = np.sqrt(sums[k] * sums[k] + sums[LANES + k] * sums[LANES + k])
