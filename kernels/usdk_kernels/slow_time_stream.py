"""Recursive and finite filters along slow time that go on from one block of pulses to the next.

A signal may be cut into blocks of any length: a sample goes through the same instructions on the
same numbers, so that the output has the same bits.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from usdk_kernels._compile import kernel

LANES = 8
"""Points that are filtered together by `filter_sections`."""

_ROW = 2 * LANES  # real parts, imaginary parts


# noalias: no test of overlap before the loop.  contract: fused multiply-adds; every lane of every
# sample goes through the same ones.
@kernel(fastmath=frozenset({"contract"}), noalias=True)
def _section(
    b0: float,
    b1: float,
    b2: float,
    a1: float,
    a2: float,
    values: npt.NDArray[np.float64],
    state: npt.NDArray[np.float64],
    at: int,
) -> None:
    """One sample of a block of points through one section, in place."""
    first = np.uint64(at)
    second = first + np.uint64(_ROW)
    for k in range(np.uint64(_ROW)):
        x = values[k]
        y = b0 * x + state[first + k]
        state[first + k] = b1 * x - a1 * y + state[second + k]
        state[second + k] = b2 * x - a2 * y
        values[k] = y


@kernel
def filter_sections(
    signal: npt.NDArray[np.complex64],
    sections: npt.NDArray[np.float64],
    start: int,
    stop: int,
    state: npt.NDArray[np.float64],
    out: npt.NDArray[np.complex64],
) -> None:
    r"""Filter blocks of signals by second-order sections, one after the other.

    .. math::
        y[n] = b_0 x[n] + s_1, \quad s_1 \leftarrow b_1 x[n] - a_1 y[n] + s_2, \quad
        s_2 \leftarrow b_2 x[n] - a_2 y[n]

    (direct form II, transposed) in float64: with poles near 1 and clutter far above blood, float32
    states would be heard as noise.

    Parameters
    ----------
    signal : (n_points, n_pulses) complex64, C-contiguous
        x; any amplitude unit.
    sections : (n_sections, 6) float64, C-contiguous
        b0, b1, b2, 1, a1, a2 of each section.
    start, stop : int64
        Range of blocks of `LANES` points, 0 ≤ start ≤ stop ≤ ceil(n_points / LANES).
    state : (n_blocks, n_sections, 2, 2, LANES) float64, C-contiguous
        s_1 and s_2, real and imaginary, of all points.  Read and overwritten in the range.
    out : (n_points, n_pulses) complex64, C-contiguous
        y of the points of the range, overwritten; may be the memory of `signal`.

    Notes
    -----
    A NaN or an infinity stays with its point, and in its state.  Not checked: shapes, start, stop.

    References
    ----------
    A. V. Oppenheim, R. W. Schafer, *Discrete-Time Signal Processing*, 3rd edition, section 6.3.
    """
    n_points, n_pulses = signal.shape
    n_sections = sections.shape[0]
    values = np.zeros(_ROW, np.float64)
    per_block = n_sections * 2 * _ROW
    own = np.empty(per_block, np.float64)
    flat = state.reshape(state.size)
    for block in range(start, stop):
        first = block * LANES
        n_lanes = min(LANES, n_points - first)
        for k in range(per_block):
            own[k] = flat[block * per_block + k]
        for n in range(n_pulses):
            for lane in range(n_lanes):
                value = signal[first + lane, n]
                values[lane] = value.real
                values[LANES + lane] = value.imag
            for s in range(n_sections):
                _section(
                    sections[s, 0],
                    sections[s, 1],
                    sections[s, 2],
                    sections[s, 4],
                    sections[s, 5],
                    values,
                    own,
                    s * 2 * _ROW,
                )
            for lane in range(n_lanes):
                out[first + lane, n] = complex(values[lane], values[LANES + lane])
        for k in range(per_block):
            flat[block * per_block + k] = own[k]


@kernel
def filter_taps(
    signal: npt.NDArray[np.complex64],
    taps: npt.NDArray[np.float32],
    start: int,
    stop: int,
    history: npt.NDArray[np.complex64],
    out: npt.NDArray[np.complex64],
) -> None:
    r"""Filter blocks of signals by a finite impulse response.

    .. math:: y[n] = \sum_{k=0}^{K-1} h[k]\, x[n - k]

    Parameters
    ----------
    signal : (n_points, n_pulses) complex64, C-contiguous
        x; any amplitude unit.
    taps : (n_taps,) float32, C-contiguous
        h.
    start, stop : int64
        Range of points, 0 ≤ start ≤ stop ≤ n_points.
    history : (n_points, n_taps - 1) complex64, C-contiguous
        The pulses before the block, the last one nearest.  That of the range is read and
        overwritten.
    out : (n_points, n_pulses) complex64, C-contiguous
        y of the points of the range, overwritten; not the memory of `signal`.

    Notes
    -----
    The taps are added in their order, in float32.  A NaN or an infinity stays with its point for as
    long as the taps see it.  Not checked: shapes, start, stop.
    """
    n_pulses, n_before = signal.shape[1], history.shape[1]
    row = np.empty(2 * (n_before + n_pulses), np.float32)
    sums = np.empty(2 * n_pulses, np.float32)
    for p in range(start, stop):
        for n in range(n_before):
            row[2 * n], row[2 * n + 1] = history[p, n].real, history[p, n].imag
        for n in range(n_pulses):
            k = 2 * (n_before + n)
            row[k], row[k + 1] = signal[p, n].real, signal[p, n].imag
        sums[:] = np.float32(0)
        for k in range(n_before + 1):
            tap, first = taps[k], np.uint64(2 * (n_before - k))
            for n in range(np.uint64(2 * n_pulses)):
                sums[n] += tap * row[first + n]
        for n in range(n_pulses):
            out[p, n] = complex(sums[2 * n], sums[2 * n + 1])
        for n in range(n_before):
            k = 2 * (n_pulses + n)
            history[p, n] = complex(row[k], row[k + 1])
