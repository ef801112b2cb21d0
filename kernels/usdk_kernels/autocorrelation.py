r"""Autocorrelation of slow-time packets, clutter filter and estimate in one pass over the data.

For every point p with the pulses x[t], t = 0 … N − 1, the filter F gives y = F x with M pulses, and

.. math::
    R_0 = \frac{1}{M} \sum_t |y[t]|^2, \qquad
    R_L = \frac{1}{M - L} \sum_t y[t + L]\, y^*[t], \qquad
    A_1 = \frac{1}{M} \sum_t y_{p+1}[t]\, y_p^*[t],

power, lag-L autocorrelation (L = 1 for the mean velocity) and, along depth, the lag-one correlation
of the point with the next deeper one.

**Filters.** `NO_FILTER`: y = x. `PROJECTION`: y = (I − Bᵀ B) x with orthonormal rows B, as mean
removal and polynomial regression are; the cost grows with N times the rows. `MATRIX`: y = F x for
any real F of M × N.

**Order of the work.** `LANES` points are transposed into scratch that stays in the first-level
cache, real and imaginary parts apart, so that a vector register holds one pulse of sixteen points:
nothing is summed across lanes. Meanwhile packets of later points are fetched from memory, whose
strided reads the processor does not foresee well. Every lane goes through the same instructions,
whatever its place: tiles may be cut anywhere without changing a bit.

**Numbers.** Sums are float32. Squares of magnitudes above 1e18 overflow and those below 1e-18
vanish. A NaN or infinity in a packet makes that point's results NaN or infinite, and no other's
(but for A_1, which the point shares with the one before it).

References
----------
C. Kasai, K. Namekawa, A. Koyano, R. Omoto, "Real-time two-dimensional blood flow imaging using an
autocorrelation technique", IEEE Trans. Sonics Ultrason. 32(3), 1985, 458-464: equations 6 to 12.
T. Loupas, J. T. Powers, R. W. Gill, "An axial velocity estimator for ultrasound blood flow imaging,
based on a full evaluation of the Doppler equation by means of a two-dimensional autocorrelation
approach", IEEE Trans. Ultrason. Ferroelectr. Freq. Control 42(4), 1995, 672-688: equation 13.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from usdk_kernels._compile import kernel

NO_FILTER = 0
"""y = x."""
PROJECTION = 1
"""y = x − Bᵀ B x."""
MATRIX = 2
"""y = F x."""

LANES = 16
"""Points that are worked on together."""
COLUMNS = 8
"""Filters have a multiple of so many columns, zeros behind the last pulse."""
ROWS = 4
"""Matrices have a multiple of so many rows, bases of half as many, zeros behind the last."""

_ROW = 2 * LANES  # floats of one pulse of a block: real parts, imaginary parts
_CHUNK = 8  # pulses added in one straight run
_AHEAD = 4  # blocks that are fetched before they are needed; 2 and 8 measured longer from memory
_ALIGNMENT = 64  # bytes of a vector of lanes
# Offsets of real (A) and imaginary (B) parts of pulses that are worked on together, of whole pulses
# (P), and of coefficients.
_B0, _A1, _B1, _A2, _B2, _A3, _B3 = (np.uint64(LANES * n) for n in range(1, 8))
_P1, _P2, _P3, _P4, _P5, _P6, _P7 = (np.uint64(_ROW * n) for n in range(1, 8))
_1, _2, _3, _4, _5, _6, _7 = (np.uint64(n) for n in range(1, 8))
_SECOND = np.uint64(_ROW)


@kernel
def _room(n_pulses: int, lag: int) -> int:
    """Pulses for which scratch is needed: zeros behind the last one to whole chunks, and a lag."""
    # One more, for the neighbour of the last lane.
    return (n_pulses + _CHUNK - 1) // _CHUNK * _CHUNK + lag + 1


def _transpose(packet: Any, first: Any, stride: Any, rows: Any, at: Any) -> None:
    """Write 16 floats from each of 16 places, `stride` apart, as 16 rows of `LANES`.

    packet and rows are flat and C-contiguous.
    """
    for f in range(LANES):
        for k in range(LANES):
            rows[at + LANES * f + k] = packet[first + stride * k + f]


def _exchanged(b: Any, vectors: list[Any], step: int) -> list[Any]:
    """Exchange the odd runs of `step` lanes of one vector with the even ones of its partner."""
    lanes = range(LANES)
    low = [j if not j & step else LANES + j - step for j in lanes]
    high = [j + step if not j & step else LANES + j for j in lanes]
    masks = [ir.Constant(ir.VectorType(ir.IntType(32), LANES), mask) for mask in (low, high)]
    result = list(vectors)
    for i in lanes:
        if not i & step:
            pair = vectors[i], vectors[i + step]
            result[i], result[i + step] = (b.shuffle_vector(*pair, mask) for mask in masks)
    return result


@intrinsic  # type: ignore[untyped-decorator]
def _transpose_code(typing: Any, packet: Any, first: Any, stride: Any, rows: Any, at: Any) -> Any:
    signature = types.void(packet, first, stride, rows, at)

    def generate(context: Any, b: Any, signature: Any, arguments: Any) -> Any:
        packet, first, stride, rows, at = arguments
        source, target = (
            context.make_array(kind)(context, b, value).data
            for kind, value in ((signature.args[0], packet), (signature.args[3], rows))
        )
        row = ir.VectorType(ir.FloatType(), LANES).as_pointer()
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        prefetch = cgutils.get_or_insert_function(b.module, kind, "llvm.prefetch.p0")
        vectors = []
        for k in range(LANES):
            offset = b.add(first, b.mul(stride, ir.Constant(ir.IntType(64), k)))
            vectors.append(b.load(b.bitcast(b.gep(source, [offset]), row), align=4))
            ahead = b.add(offset, b.mul(stride, ir.Constant(ir.IntType(64), _AHEAD * LANES)))
            # To read, in every cache, data; an address beyond the array is left alone.
            place = b.bitcast(b.gep(source, [ahead]), byte)
            b.call(prefetch, [place, *(ir.Constant(ir.IntType(32), n) for n in (0, 3, 1))])
        for step in (8, 4, 2, 1):
            vectors = _exchanged(b, vectors, step)
        for f, vector in enumerate(vectors):
            offset = b.add(at, ir.Constant(ir.IntType(64), LANES * f))
            b.store(vector, b.bitcast(b.gep(target, [offset]), row), align=4)
        return context.get_dummy_value()

    return signature, generate


@overload(_transpose)  # type: ignore[untyped-decorator]
def _transpose_compiled(packet: Any, first: Any, stride: Any, rows: Any, at: Any) -> Any:
    def call(packet: Any, first: Any, stride: Any, rows: Any, at: Any) -> Any:
        return _transpose_code(packet, first, stride, rows, at)

    return call


@kernel(noalias=True)
def _load(
    packet: npt.NDArray[np.float32], n_floats: int, point: int, n_points: int,
    rows: npt.NDArray[np.float32], at: int,
) -> None:  # fmt: skip
    """Transpose the packets of a block of points; lanes behind the last keep what they held."""
    first = point * n_floats
    if n_points < LANES or n_floats < LANES:
        for k in range(n_points):
            for f in range(n_floats):
                rows[np.uint64(at + LANES * f + k)] = packet[np.uint64(first + n_floats * k + f)]
        return
    for f in range(0, n_floats, LANES):
        # The last floats are taken together with some before them, which come out the same.
        begin = min(f, n_floats - LANES)
        _transpose(packet, first + begin, n_floats, rows, at + LANES * begin)


def _multiply_add(a: Any, b: Any, c: Any) -> Any:
    """Return a b + c, rounded once where the processor has an instruction for it.

    The flag ``contract`` would leave it to the compiler which of two products of a sum is rounded
    before they are added: this kernel compiled now and read from the cache later, or its two
    forms, would then differ in the last bit.
    """
    return a * b + c


@intrinsic  # type: ignore[untyped-decorator]
def _multiply_add_code(typing: Any, a: Any, b: Any, c: Any) -> Any:
    if not a == b == c == types.float32:
        return None

    def generate(context: Any, b: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(ir.FloatType(), [ir.FloatType()] * 3)
        return b.call(cgutils.get_or_insert_function(b.module, kind, "llvm.fmuladd.f32"), arguments)

    return a(a, a, a), generate


@overload(_multiply_add, inline="always")  # type: ignore[untyped-decorator]
def _multiply_add_compiled(a: Any, b: Any, c: Any) -> Any:
    def call(a: Any, b: Any, c: Any) -> Any:
        return _multiply_add_code(a, b, c)

    return call


@kernel
def _sum_of_four(
    a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any
) -> Any:  # fmt: skip
    """Return a b + c d + e f + g h."""
    return _multiply_add(g, h, _multiply_add(e, f, _multiply_add(c, d, a * b)))


# noalias: scratch is no packet and no result, so that loops are vectors without tests; six times as
# fast with a matrix.
@kernel(noalias=True)
def _project(
    basis: npt.NDArray[np.float32],
    n_pulses: int,
    rows: npt.NDArray[np.float32],
    at: int,
    parts: npt.NDArray[np.float32],
) -> None:
    """Take the parts along the rows of a basis away, two at a time."""
    for r in range(0, basis.shape[0], 2):
        for k in range(2 * _ROW):
            parts[k] = np.float32(0)
        # Loops over lanes that do little are unrolled before they could become vectors: pulses are
        # taken in pairs. Behind the last one there are zeros.
        for t in range(0, n_pulses, 2):
            b, c = basis[np.uint64(r), np.uint64(t)], basis[np.uint64(r + 1), np.uint64(t)]
            d, e = basis[np.uint64(r), np.uint64(t + 1)], basis[np.uint64(r + 1), np.uint64(t + 1)]
            o = np.uint64(at + _ROW * t)
            for k in range(np.uint64(_ROW)):
                x, y = rows[o + k], rows[o + k + _P1]
                parts[k] = _multiply_add(d, y, _multiply_add(b, x, parts[k]))
                part = _multiply_add(c, x, parts[k + _SECOND])
                parts[k + _SECOND] = _multiply_add(e, y, part)
        for t in range(0, n_pulses, 2):
            b, c = basis[np.uint64(r), np.uint64(t)], basis[np.uint64(r + 1), np.uint64(t)]
            d, e = basis[np.uint64(r), np.uint64(t + 1)], basis[np.uint64(r + 1), np.uint64(t + 1)]
            o = np.uint64(at + _ROW * t)
            for k in range(np.uint64(_ROW)):
                p, q = parts[k], parts[k + _SECOND]
                rows[o + k] = _multiply_add(-c, q, _multiply_add(-b, p, rows[o + k]))
                rows[o + k + _P1] = _multiply_add(-e, q, _multiply_add(-d, p, rows[o + k + _P1]))
    # A NaN has spread behind an odd number of pulses, and would into later blocks.
    behind = np.uint64(at + _ROW * n_pulses)
    for k in range(np.uint64(_ROW)):
        rows[behind + k] = np.float32(0)


# noalias: as above.
@kernel(noalias=True)
def _multiply(
    matrix: npt.NDArray[np.float32],
    rows: npt.NDArray[np.float32],
    at: int,
    out: npt.NDArray[np.float32],
    to: int,
) -> None:
    """Multiply rows by a matrix, four rows of it and eight columns at a time."""
    n_columns = matrix.shape[1]
    f = matrix.reshape(-1)
    n = np.uint64(n_columns)
    for r in range(0, matrix.shape[0], ROWS):
        y = np.uint64(to + _ROW * r)
        for k in range(np.uint64(ROWS * _ROW)):
            out[y + k] = np.float32(0)
        for i in range(0, n_columns, COLUMNS):
            x = np.uint64(at + _ROW * i)
            a = np.uint64(r * n_columns + i)
            b, c, d = a + n, a + n + n, a + n + n + n
            for k in range(np.uint64(_ROW)):
                j = x + k
                x0, x1, x2, x3 = rows[j], rows[j + _P1], rows[j + _P2], rows[j + _P3]
                x4, x5, x6, x7 = (
                    rows[j + _P4], rows[j + _P5], rows[j + _P6], rows[j + _P7]
                )  # fmt: skip
                low = _sum_of_four(f[a], x0, f[a + _1], x1, f[a + _2], x2, f[a + _3], x3)
                high = _sum_of_four(f[a + _4], x4, f[a + _5], x5, f[a + _6], x6, f[a + _7], x7)
                out[y + k] += low + high
                low = _sum_of_four(f[b], x0, f[b + _1], x1, f[b + _2], x2, f[b + _3], x3)
                high = _sum_of_four(f[b + _4], x4, f[b + _5], x5, f[b + _6], x6, f[b + _7], x7)
                out[y + k + _P1] += low + high
                low = _sum_of_four(f[c], x0, f[c + _1], x1, f[c + _2], x2, f[c + _3], x3)
                high = _sum_of_four(f[c + _4], x4, f[c + _5], x5, f[c + _6], x6, f[c + _7], x7)
                out[y + k + _P2] += low + high
                low = _sum_of_four(f[d], x0, f[d + _1], x1, f[d + _2], x2, f[d + _3], x3)
                high = _sum_of_four(f[d + _4], x4, f[d + _5], x5, f[d + _6], x6, f[d + _7], x7)
                out[y + k + _P3] += low + high


# noalias: as above.
@kernel(noalias=True)
def _correlate(
    rows: npt.NDArray[np.float32], at: int, n_out: int, lag: int, sums: npt.NDArray[np.float32]
) -> None:
    """Write power, and real and imaginary parts of the lag, behind each other."""
    for k in range(3 * LANES):
        sums[k] = np.float32(0)
    for t in range(0, n_out, 4):
        o, q = np.uint64(at + _ROW * t), np.uint64(at + _ROW * (t + lag))
        for k in range(np.uint64(LANES)):
            i, j = o + k, q + k
            a0, b0, a1, b1 = rows[i], rows[i + _B0], rows[i + _A1], rows[i + _B1]
            a2, b2, a3, b3 = rows[i + _A2], rows[i + _B2], rows[i + _A3], rows[i + _B3]
            c0, d0, c1, d1 = rows[j], rows[j + _B0], rows[j + _A1], rows[j + _B1]
            c2, d2, c3, d3 = rows[j + _A2], rows[j + _B2], rows[j + _A3], rows[j + _B3]
            sums[k] += _sum_of_four(a0, a0, b0, b0, a1, a1, b1, b1) + _sum_of_four(
                a2, a2, b2, b2, a3, a3, b3, b3
            )
            sums[k + _B0] += _sum_of_four(c0, a0, d0, b0, c1, a1, d1, b1) + _sum_of_four(
                c2, a2, d2, b2, c3, a3, d3, b3
            )
            sums[k + _A1] += _sum_of_four(d0, a0, -c0, b0, d1, a1, -c1, b1) + _sum_of_four(
                d2, a2, -c2, b2, d3, a3, -c3, b3
            )


# noalias: as above.
@kernel(noalias=True)
def _correlate_along(
    rows: npt.NDArray[np.float32], at: int, n_out: int, sums: npt.NDArray[np.float32]
) -> None:
    """Write real and imaginary parts of the next lane times the conjugate of each."""
    one = np.uint64(1)
    for k in range(2 * LANES):
        sums[k] = np.float32(0)
    for t in range(0, n_out, 4):
        o = np.uint64(at + _ROW * t)
        # The last lane's neighbour is another pulse's: what it gives is not used.
        for k in range(np.uint64(LANES)):
            i, j = o + k, o + k + one
            a0, b0, a1, b1 = rows[i], rows[i + _B0], rows[i + _A1], rows[i + _B1]
            a2, b2, a3, b3 = rows[i + _A2], rows[i + _B2], rows[i + _A3], rows[i + _B3]
            c0, d0, c1, d1 = rows[j], rows[j + _B0], rows[j + _A1], rows[j + _B1]
            c2, d2, c3, d3 = rows[j + _A2], rows[j + _B2], rows[j + _A3], rows[j + _B3]
            sums[k] += _sum_of_four(c0, a0, d0, b0, c1, a1, d1, b1) + _sum_of_four(
                c2, a2, d2, b2, c3, a3, d3, b3
            )
            sums[k + _B0] += _sum_of_four(d0, a0, -c0, b0, d1, a1, -c1, b1) + _sum_of_four(
                d2, a2, -c2, b2, d3, a3, -c3, b3
            )


# noalias: as above.
@kernel(noalias=True)
def _write(
    sums: npt.NDArray[np.float32], first: int, weight: np.float32, point: int, n_points: int,
    out: npt.NDArray[np.float32],
) -> None:  # fmt: skip
    """Write the real and imaginary parts of a block's points in turn."""
    real, o, one = np.uint64(first), np.uint64(2 * point), np.uint64(1)
    if n_points == LANES:
        for k in range(np.uint64(LANES)):
            out[o + k + k] = weight * sums[real + k]
            out[o + k + k + one] = weight * sums[real + k + _B0]
        return
    for k in range(np.uint64(n_points)):
        out[o + k + k] = weight * sums[real + k]
        out[o + k + k + one] = weight * sums[real + k + _B0]


@kernel(noalias=True)
def _write_power(
    sums: npt.NDArray[np.float32], weight: np.float32, point: int, n_points: int,
    out: npt.NDArray[np.float32],
) -> None:  # fmt: skip
    """Write the power of a block's points."""
    o = np.uint64(point)
    if n_points == LANES:
        for k in range(np.uint64(LANES)):
            out[o + k] = weight * sums[k]
        return
    for k in range(np.uint64(n_points)):
        out[o + k] = weight * sums[k]


@kernel(noalias=True)
def _aligned(n: int) -> npt.NDArray[np.float32]:
    """Zeros that begin where a cache line begins."""
    store = np.zeros(n + LANES, np.float32)
    first = int(-np.int64(store.ctypes.data) & np.int64(_ALIGNMENT - 1)) // 4
    return store[first : first + n]


# noalias: as above.
@kernel(noalias=True)
def autocorrelate(
    packet: npt.NDArray[np.float32],
    n_pulses: int,
    coefficients: npt.NDArray[np.float32],
    kind: int,
    n_out: int,
    lag: int,
    start: int,
    stop: int,
    power: npt.NDArray[np.float32],
    lag_one: npt.NDArray[np.float32],
) -> None:
    """Power and lag-L autocorrelation of filtered packets.

    Parameters
    ----------
    packet : (2 n_pulses n_points,) float32
        IQ of each point along slow time, real and imaginary parts in turn; any amplitude unit.
    n_pulses : int64
        N.
    coefficients : float32
        (rows, columns): orthonormal rows B of a `PROJECTION`, with rows of zeros behind to a
        multiple of `ROWS` / 2; F of a `MATRIX`, with rows of zeros behind to a multiple of `ROWS`.
        N columns, with columns of zeros behind to a multiple of `COLUMNS`. (0, 0) for `NO_FILTER`.
    kind : int64
        `NO_FILTER`, `PROJECTION` or `MATRIX`.
    n_out : int64
        M, pulses behind the filter, > lag.
    lag : int64
        L ≥ 1.
    start, stop : int64
        Range of points, 0 ≤ start ≤ stop ≤ n_points.
    power : (n_points,) float32
        R_0, squared units of `packet`. Overwritten in the range.
    lag_one : (2 n_points,) float32
        R_L, real and imaginary parts in turn. Overwritten in the range.

    Notes
    -----
    All arrays are C-contiguous. Not checked: shapes, kind, n_out, lag, start and stop.
    """
    x, y = _aligned(_ROW * _room(n_pulses, lag)), _aligned(_ROW * _room(n_out, lag))
    sums = _aligned(4 * LANES)
    per_pulse, per_pair = np.float32(1) / np.float32(n_out), np.float32(1) / np.float32(n_out - lag)
    for point in range(start, stop, LANES):
        n_points = min(LANES, stop - point)
        _load(packet, 2 * n_pulses, point, n_points, x, 0)
        if kind == MATRIX:
            _multiply(coefficients, x, 0, y, 0)
            _correlate(y, 0, n_out, lag, sums)
        else:
            if kind == PROJECTION:
                _project(coefficients, n_pulses, x, 0, sums)
            _correlate(x, 0, n_out, lag, sums)
        _write_power(sums, per_pulse, point, n_points, power)
        _write(sums, LANES, per_pair, point, n_points, lag_one)


# noalias: as above.
@kernel(noalias=True)
def autocorrelate_axial(
    packet: npt.NDArray[np.float32],
    n_pulses: int,
    coefficients: npt.NDArray[np.float32],
    kind: int,
    n_out: int,
    lag: int,
    n_samples: int,
    start: int,
    stop: int,
    power: npt.NDArray[np.float32],
    lag_one: npt.NDArray[np.float32],
    axial: npt.NDArray[np.float32],
) -> None:
    """Power, lag-L autocorrelation and axial lag-one correlation of filtered packets.

    Parameters
    ----------
    packet, n_pulses, coefficients, kind, n_out, lag
        As in `autocorrelate`; point l n_samples + m is sample m of line l.
    n_samples : int64
        Samples of a line, ≥ 1.
    start, stop : int64
        Range of lines, 0 ≤ start ≤ stop ≤ n_lines.
    power, lag_one
        As in `autocorrelate`.
    axial : (2 n_points,) float32
        A_1, real and imaginary parts in turn. The last sample of a line, below which there is none,
        holds that of the one before it; 0 for lines of one sample. Overwritten in the range.

    Notes
    -----
    As in `autocorrelate`.
    """
    x, y = _aligned(_ROW * _room(n_pulses, lag)), _aligned(_ROW * _room(n_out, lag))
    sums, along = _aligned(4 * LANES), _aligned(2 * LANES)
    per_pulse, per_pair = np.float32(1) / np.float32(n_out), np.float32(1) / np.float32(n_out - lag)
    for line in range(start, stop):
        first, last = line * n_samples, (line + 1) * n_samples - 1
        axial[np.uint64(2 * last)] = np.float32(0)
        axial[np.uint64(2 * last + 1)] = np.float32(0)
        # The last lane of a block is the first of the next one: its deeper neighbour is there.
        for point in range(first, max(last, first + 1), LANES - 1):
            n_points = min(LANES, last + 1 - point)
            _load(packet, 2 * n_pulses, point, n_points, x, 0)
            if kind == MATRIX:
                _multiply(coefficients, x, 0, y, 0)
                _correlate(y, 0, n_out, lag, sums)
                _correlate_along(y, 0, n_out, along)
            else:
                if kind == PROJECTION:
                    _project(coefficients, n_pulses, x, 0, sums)
                _correlate(x, 0, n_out, lag, sums)
                _correlate_along(x, 0, n_out, along)
            _write_power(sums, per_pulse, point, n_points, power)
            _write(sums, LANES, per_pair, point, n_points, lag_one)
            _write(along, 0, per_pulse, point, n_points - 1, axial)
        if n_samples > 1:
            for part in range(2):
                axial[np.uint64(2 * last + part)] = axial[np.uint64(2 * last - 2 + part)]
