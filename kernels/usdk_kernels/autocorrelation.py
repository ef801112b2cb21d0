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
nothing is summed across lanes. Every lane goes through the same instructions, whatever its place:
tiles may be cut anywhere without changing a bit.

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

import numpy as np
import numpy.typing as npt

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
_ALIGNMENT = 64  # bytes of a vector of lanes
_TINY = np.float32(1e-37)


@kernel
def _rounded(n: int, step: int) -> int:
    """Round up to a multiple."""
    return (n + step - 1) // step * step


@kernel
def _scratch_floats(n_pulses: int, n_out: int, lag: int) -> int:
    """Floats that a call needs: packets, filtered packets, sums."""
    n_in = _rounded(n_pulses, _CHUNK) + lag
    return _ROW * (n_in + _rounded(n_out, _CHUNK) + lag) + 8 * LANES


@kernel
def _load(
    packet: npt.NDArray[np.float32], point: int, n_points: int, rows: npt.NDArray[np.float32],
    at: int,
) -> None:  # fmt: skip
    """Transpose the packets of a block of points; lanes behind the last keep what they held."""
    n_floats = packet.shape[1]
    for k in range(n_points):
        for f in range(n_floats):
            rows[np.uint64(at + LANES * f + k)] = packet[np.uint64(point + k), np.uint64(f)]


# contract: fused multiply-adds; they halve the arithmetic of all filters and sums below.
@kernel(fastmath=frozenset({"contract"}))
def _project(
    basis: npt.NDArray[np.float32], n_pulses: int, rows: npt.NDArray[np.float32], at: int, sums: int
) -> None:
    """Take the parts along the rows of a basis away, two at a time."""
    for r in range(0, basis.shape[0], 2):
        for k in range(_ROW):
            rows[np.uint64(sums + k)] = np.float32(0)
            rows[np.uint64(sums + _ROW + k)] = np.float32(0)
        for t in range(n_pulses):
            b, c = basis[np.uint64(r), np.uint64(t)], basis[np.uint64(r + 1), np.uint64(t)]
            for k in range(_ROW):
                x = rows[np.uint64(at + _ROW * t + k)]
                rows[np.uint64(sums + k)] += b * x
                rows[np.uint64(sums + _ROW + k)] += c * x
        for t in range(n_pulses):
            b, c = basis[np.uint64(r), np.uint64(t)], basis[np.uint64(r + 1), np.uint64(t)]
            for k in range(_ROW):
                p = b * rows[np.uint64(sums + k)] + c * rows[np.uint64(sums + _ROW + k)]
                rows[np.uint64(at + _ROW * t + k)] -= p


@kernel(fastmath=frozenset({"contract"}))
def _multiply(
    matrix: npt.NDArray[np.float32], n_out: int, rows: npt.NDArray[np.float32], x: int, y: int
) -> None:
    """Multiply the rows at x by a matrix into the rows at y."""
    for o in range(n_out):
        for k in range(_ROW):
            rows[np.uint64(y + _ROW * o + k)] = np.float32(0)
        for i in range(matrix.shape[1]):
            f = matrix[np.uint64(o), np.uint64(i)]
            for k in range(_ROW):
                rows[np.uint64(y + _ROW * o + k)] += f * rows[np.uint64(x + _ROW * i + k)]


@kernel(fastmath=frozenset({"contract"}))
def _correlate(rows: npt.NDArray[np.float32], y: int, n_out: int, lag: int, sums: int) -> None:
    """Write power, and real and imaginary parts of the lag, behind each other at `sums`."""
    for k in range(3 * LANES):
        rows[np.uint64(sums + k)] = np.float32(0)
    for t in range(n_out):
        o, q = y + _ROW * t, y + _ROW * (t + lag)
        for k in range(LANES):
            a, b = rows[np.uint64(o + k)], rows[np.uint64(o + LANES + k)]
            c, d = rows[np.uint64(q + k)], rows[np.uint64(q + LANES + k)]
            rows[np.uint64(sums + k)] += a * a + b * b
            rows[np.uint64(sums + LANES + k)] += c * a + d * b
            rows[np.uint64(sums + 2 * LANES + k)] += d * a - c * b
    per_pulse, per_pair = np.float32(1) / np.float32(n_out), np.float32(1) / np.float32(n_out - lag)
    for k in range(LANES):
        rows[np.uint64(sums + k)] *= per_pulse
        rows[np.uint64(sums + LANES + k)] *= per_pair
        rows[np.uint64(sums + 2 * LANES + k)] *= per_pair


@kernel(fastmath=frozenset({"contract"}))
def _correlate_along(rows: npt.NDArray[np.float32], y: int, n_out: int, sums: int) -> None:
    """Write real and imaginary parts of the next lane times the conjugate of each at `sums`."""
    for k in range(2 * LANES):
        rows[np.uint64(sums + k)] = np.float32(0)
    for t in range(n_out):
        o = y + _ROW * t
        for k in range(LANES - 1):
            a, b = rows[np.uint64(o + k)], rows[np.uint64(o + LANES + k)]
            c, d = rows[np.uint64(o + k + 1)], rows[np.uint64(o + LANES + k + 1)]
            rows[np.uint64(sums + k)] += c * a + d * b
            rows[np.uint64(sums + LANES + k)] += d * a - c * b
    per_pulse = np.float32(1) / np.float32(n_out)
    for k in range(2 * LANES):
        rows[np.uint64(sums + k)] *= per_pulse


@kernel
def _filtered(
    packet: npt.NDArray[np.float32], coefficients: npt.NDArray[np.float32], kind: int, n_out: int,
    lag: int, point: int, n_points: int, rows: npt.NDArray[np.float32], x: int,
) -> int:  # fmt: skip
    """Load and filter a block; return where its rows are."""
    n_pulses = packet.shape[1] // 2
    y = x + _ROW * (_rounded(n_pulses, _CHUNK) + lag)
    _load(packet, point, n_points, rows, x)
    if kind == PROJECTION:
        _project(coefficients, n_pulses, rows, x, y)
        return x
    if kind == MATRIX:
        _multiply(coefficients, n_out, rows, x, y)
        return y
    return x


@kernel
def autocorrelate(
    packet: npt.NDArray[np.float32],
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
    packet : (n_points, 2 n_pulses) float32
        IQ of each point along slow time, real and imaginary parts in turn; any amplitude unit.
    coefficients : float32
        (rows, n_pulses) orthonormal rows B of a `PROJECTION`, padded with rows of zeros to a
        multiple of `ROWS` / 2; (n_out, n_pulses) F of a `MATRIX`, padded to a multiple of `ROWS`.
        Both padded with columns of zeros to a multiple of `COLUMNS`. (0, 0) for `NO_FILTER`.
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
    lag_one : (n_points, 2) float32
        R_L, real and imaginary part. Overwritten in the range.

    Notes
    -----
    All arrays are C-contiguous. Not checked: shapes, kind, n_out, lag, start and stop.
    """
    n_pulses = packet.shape[1] // 2
    rows = np.zeros(_scratch_floats(n_pulses, n_out, lag) + LANES, np.float32)
    sums = int(-np.int64(rows.ctypes.data) & np.int64(_ALIGNMENT - 1)) // 4
    x = sums + 8 * LANES
    for point in range(start, stop, LANES):
        n_points = min(LANES, stop - point)
        y = _filtered(packet, coefficients, kind, n_out, lag, point, n_points, rows, x)
        _correlate(rows, y, n_out, lag, sums)
        for k in range(n_points):
            p = np.uint64(point + k)
            power[p] = rows[np.uint64(sums + k)]
            lag_one[p, np.uint64(0)] = rows[np.uint64(sums + LANES + k)]
            lag_one[p, np.uint64(1)] = rows[np.uint64(sums + 2 * LANES + k)]


@kernel
def autocorrelate_axial(
    packet: npt.NDArray[np.float32],
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
    packet, coefficients, kind, n_out, lag
        As in `autocorrelate`; point l n_samples + m is sample m of line l.
    n_samples : int64
        Samples of a line, ≥ 1.
    start, stop : int64
        Range of lines, 0 ≤ start ≤ stop ≤ n_lines.
    power, lag_one
        As in `autocorrelate`.
    axial : (n_points, 2) float32
        A_1, real and imaginary part. The last sample of a line, below which there is none, holds
        that of the one before it; 0 for lines of one sample. Overwritten in the range.

    Notes
    -----
    As in `autocorrelate`.
    """
    n_pulses = packet.shape[1] // 2
    rows = np.zeros(_scratch_floats(n_pulses, n_out, lag) + LANES, np.float32)
    sums = int(-np.int64(rows.ctypes.data) & np.int64(_ALIGNMENT - 1)) // 4
    x = sums + 8 * LANES
    along = sums + 3 * LANES
    zero, one = np.uint64(0), np.uint64(1)
    for line in range(start, stop):
        first, last = line * n_samples, (line + 1) * n_samples - 1
        axial[np.uint64(last), zero] = np.float32(0)
        axial[np.uint64(last), one] = np.float32(0)
        # The last lane of a block is the first of the next one: its deeper neighbour is there.
        for point in range(first, max(last, first + 1), LANES - 1):
            n_points = min(LANES, last + 1 - point)
            y = _filtered(packet, coefficients, kind, n_out, lag, point, n_points, rows, x)
            _correlate(rows, y, n_out, lag, sums)
            _correlate_along(rows, y, n_out, along)
            for k in range(n_points):
                p = np.uint64(point + k)
                power[p] = rows[np.uint64(sums + k)]
                lag_one[p, zero] = rows[np.uint64(sums + LANES + k)]
                lag_one[p, one] = rows[np.uint64(sums + 2 * LANES + k)]
            for k in range(n_points - 1):
                p = np.uint64(point + k)
                axial[p, zero] = rows[np.uint64(along + k)]
                axial[p, one] = rows[np.uint64(along + LANES + k)]
        if n_samples > 1:
            axial[np.uint64(last), zero] = axial[np.uint64(last - 1), zero]
            axial[np.uint64(last), one] = axial[np.uint64(last - 1), one]
