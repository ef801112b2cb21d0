"""Frames fastest: channel data of an ensemble, rearranged so that a sample is a row of frames.

The rows are cut into blocks of a constant number of lanes, as `usdk_kernels.das_ensemble` reads
them: lane n of block b is float b n_lanes + n of a row of n_frames n_parts.

Frames are taken in runs of `_RUN` samples: a run of every frame is read as whole cache lines, and
the rows that they fill stay in the first-level cache until the last frame has been written.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from usdk_kernels._compile import kernel

_RUN = 16


@kernel
def frames_fastest(
    data: npt.NDArray[np.float32], start: int, stop: int, out: npt.NDArray[np.float32]
) -> None:
    """Lay frames that follow each other side by side.

    Parameters
    ----------
    data : (n_frames, n_transmits, n_elements, n_samples, n_parts) float32
        Channel data; one part of RF, or two of IQ, real and imaginary.  Any amplitude unit.
    start, stop : int64
        Range of records, t n_elements + e, 0 ≤ start ≤ stop ≤ n_transmits n_elements.
    out : (n_transmits, n_blocks, n_elements, n_samples, n_lanes) float32
        Rows of frames.  The lanes of frames are overwritten in the records [start, stop), all else
        is untouched.

    Notes
    -----
    Both arrays are C-contiguous.  Values are copied bit by bit, NaN too.  Not checked: shapes,
    n_frames n_parts ≤ n_blocks n_lanes, n_lanes a multiple of n_parts, n_parts 1 or 2, start and
    stop.
    """
    n_frames, _, n_elements, n_samples, n_parts = data.shape
    per_block = out.shape[4] // n_parts
    one, two = np.uint64(1), np.uint64(2)
    for record in range(start, stop):
        t, e = np.uint64(record // n_elements), np.uint64(record % n_elements)
        for first in range(0, n_samples, _RUN):
            begin, end = np.uint64(first), np.uint64(min(first + _RUN, n_samples))
            for frame in range(n_frames):
                f, b = np.uint64(frame), np.uint64(frame // per_block)
                lane = np.uint64(frame % per_block)
                if n_parts == 1:
                    for s in range(begin, end):
                        out[t, b, e, s, lane] = data[f, t, e, s, np.uint64(0)]
                    continue
                lane *= two
                for s in range(begin, end):
                    out[t, b, e, s, lane] = data[f, t, e, s, np.uint64(0)]
                    out[t, b, e, s, lane + one] = data[f, t, e, s, one]


@kernel
def cut_rows(
    rows: npt.NDArray[np.float32], start: int, stop: int, out: npt.NDArray[np.float32]
) -> None:
    """Cut rows of frames that lie side by side already into blocks of lanes.

    Parameters
    ----------
    rows : (n_transmits, n_elements, n_samples, n_frames n_parts) float32
        Channel data, frames fastest.  Any amplitude unit.
    start, stop : int64
        As in `frames_fastest`.
    out : (n_transmits, n_blocks, n_elements, n_samples, n_lanes) float32
        As in `frames_fastest`.

    Notes
    -----
    Both arrays are C-contiguous.  Values are copied bit by bit, NaN too.  Not checked: shapes,
    n_frames n_parts ≤ n_blocks n_lanes, start and stop.
    """
    _, n_elements, n_samples, width = rows.shape
    n_lanes = out.shape[4]
    for record in range(start, stop):
        t, e = np.uint64(record // n_elements), np.uint64(record % n_elements)
        for s in range(np.uint64(n_samples)):
            for first in range(0, width, n_lanes):
                b, a = np.uint64(first // n_lanes), np.uint64(first)
                for f in range(np.uint64(min(n_lanes, width - first))):
                    out[t, b, e, s, f] = rows[t, e, s, a + f]
