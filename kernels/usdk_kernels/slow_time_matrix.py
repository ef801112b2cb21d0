"""A real matrix along slow time: filters that are one matrix for every packet."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from usdk_kernels._compile import kernel

_LANES = 32
"""Points of a block, transposed so that the loops run over them; 16 measured 1.2 times as long."""
_ROWS = 4
"""Pulses that come in and go out in one step: sixteen products for twelve loads and stores."""


# noalias: the loops over lanes need no test of overlap.  contract: fused multiply-adds.
@kernel(fastmath=frozenset({"contract"}), noalias=True)
def _four_rows(
    real: npt.NDArray[np.float32],
    imag: npt.NDArray[np.float32],
    matrix: npt.NDArray[np.float32],
    row: int,
    n_columns: int,
    sums: npt.NDArray[np.float32],
) -> None:
    """Four rows of the matrix times a block of points, added to the sums."""
    for column in range(0, n_columns, _ROWS):
        place = np.uint64(row * n_columns + column)
        n = np.uint64(n_columns)
        one, two, three = np.uint64(1), np.uint64(2), np.uint64(3)
        a0, a1, a2, a3 = (
            matrix[place], matrix[place + one], matrix[place + two], matrix[place + three],
        )  # fmt: skip
        place += n
        b0, b1, b2, b3 = (
            matrix[place], matrix[place + one], matrix[place + two], matrix[place + three],
        )  # fmt: skip
        place += n
        c0, c1, c2, c3 = (
            matrix[place], matrix[place + one], matrix[place + two], matrix[place + three],
        )  # fmt: skip
        place += n
        d0, d1, d2, d3 = (
            matrix[place], matrix[place + one], matrix[place + two], matrix[place + three],
        )  # fmt: skip
        lanes = np.uint64(_LANES)
        start = np.uint64(column * _LANES)
        for lane in range(lanes):
            k = start + lane
            x0, x1 = real[k], real[k + lanes]
            x2, x3 = real[k + two * lanes], real[k + three * lanes]
            sums[lane] += a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3
            sums[lane + lanes] += b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3
            sums[lane + two * lanes] += c0 * x0 + c1 * x1 + c2 * x2 + c3 * x3
            sums[lane + three * lanes] += d0 * x0 + d1 * x1 + d2 * x2 + d3 * x3
        for lane in range(lanes):
            k = start + lane
            x0, x1 = imag[k], imag[k + lanes]
            x2, x3 = imag[k + two * lanes], imag[k + three * lanes]
            base = lane + np.uint64(4) * lanes
            sums[base] += a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3
            sums[base + lanes] += b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3
            sums[base + two * lanes] += c0 * x0 + c1 * x1 + c2 * x2 + c3 * x3
            sums[base + three * lanes] += d0 * x0 + d1 * x1 + d2 * x2 + d3 * x3


@kernel
def apply_matrix(
    packet: npt.NDArray[np.complex64],
    matrix: npt.NDArray[np.float32],
    start: int,
    stop: int,
    out: npt.NDArray[np.complex64],
) -> None:
    r"""Multiply the slow time of every point by one real matrix.

    .. math:: y[p, m] = \sum_t F[m, t]\, x[p, t]

    Parameters
    ----------
    packet : (n_points, n_pulses) complex64, C-contiguous
        x; any amplitude unit.
    matrix : (n_pulses_out, n_pulses) float32, C-contiguous
        F.
    start, stop : int64
        Range of points, 0 ≤ start ≤ stop ≤ n_points.  However the points are divided, each gets
        the same bits.
    out : (n_points, n_pulses_out) complex64, C-contiguous
        y of the points [start, stop), overwritten; not the memory of `packet`.

    Notes
    -----
    A NaN or an infinity stays with its point.  Not checked: shapes, start and stop.
    """
    n_pulses, n_out = packet.shape[1], out.shape[1]
    n_columns = (n_pulses + _ROWS - 1) // _ROWS * _ROWS
    n_rows = (n_out + _ROWS - 1) // _ROWS * _ROWS
    # Rows and columns of zeros, so that every step is a whole one.
    padded = np.zeros(n_rows * n_columns, np.float32)
    for m in range(n_out):
        for t in range(n_pulses):
            padded[m * n_columns + t] = matrix[m, t]
    real = np.zeros(n_columns * _LANES, np.float32)
    imag = np.zeros(n_columns * _LANES, np.float32)
    sums = np.empty(2 * _ROWS * _LANES, np.float32)
    for first in range(start, stop, _LANES):
        n_lanes = min(_LANES, stop - first)
        for lane in range(n_lanes):
            for t in range(n_pulses):
                value = packet[first + lane, t]
                real[t * _LANES + lane] = value.real
                imag[t * _LANES + lane] = value.imag
        for row in range(0, n_rows, _ROWS):
            sums[:] = np.float32(0)
            _four_rows(real, imag, padded, row, n_columns, sums)
            for r in range(min(_ROWS, n_out - row)):
                for lane in range(n_lanes):
                    k = r * _LANES + lane
                    out[first + lane, row + r] = complex(sums[k], sums[k + _ROWS * _LANES])
