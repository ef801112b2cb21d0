"""Local average: images smoothed by a separable window, fewer neighbours at the edges."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from usdk_kernels._compile import kernel


# contract: fused multiply-adds. noalias: the loops become vectors without tests of overlap.
@kernel(fastmath=frozenset({"contract"}), noalias=True)
def local_average(
    image: npt.NDArray[np.float32],
    n_parts: int,
    line_weights: npt.NDArray[np.float32],
    sample_weights: npt.NDArray[np.float32],
    start: int,
    stop: int,
    out: npt.NDArray[np.float32],
) -> None:
    r"""Weighted mean over neighbouring lines and samples.

    .. math::
        y[l, m] = \frac{\sum_{i, j} u_i w_j\, x[l + i, m + j]}{\sum_{i, j} u_i w_j},
        \qquad |i| \le I,\ |j| \le J,

    over the neighbours that exist.

    Parameters
    ----------
    image : (n_lines, n_samples n_parts) float32
        x; the parts of a sample, as real and imaginary, lie next to each other.
    n_parts : int64
        ≥ 1.
    line_weights, sample_weights : (2 I + 1,), (2 J + 1,) float32
        u and w, ≥ 0, the middle one positive.
    start, stop : int64
        Range of lines, 0 ≤ start ≤ stop ≤ n_lines.
    out : (n_lines, n_samples n_parts) float32
        y. Overwritten in the range.

    Notes
    -----
    All arrays are C-contiguous. A NaN spreads to every point whose window holds it. Each line is
    the same for any range. Not checked: shapes, weights, start and stop.
    """
    n_lines, width = image.shape
    reach, pad = line_weights.size // 2, sample_weights.size // 2 * n_parts
    # Zeros on either side stand for the samples that do not exist.
    row = np.zeros(width + 2 * pad, np.float32)
    per_sum = np.zeros(width, np.float32)
    for m in range(width):
        total = np.float32(0)
        for k in range(sample_weights.size):
            if 0 <= m - pad + k * n_parts < width:
                total += sample_weights[k]
        per_sum[m] = np.float32(1) / total
    for line in range(start, stop):
        first, last = max(0, line - reach), min(n_lines, line + reach + 1)
        total = np.float32(0)
        for k in range(first, last):
            total += line_weights[k - line + reach]
        for m in range(np.uint64(width)):
            row[np.uint64(pad) + m] = np.float32(0)
        for k in range(first, last):
            weight = line_weights[k - line + reach] / total
            source = np.uint64(k)
            for m in range(np.uint64(width)):
                row[np.uint64(pad) + m] += weight * image[source, m]
        target = np.uint64(line)
        for m in range(np.uint64(width)):
            out[target, m] = np.float32(0)
        for k in range(sample_weights.size):
            weight, offset = sample_weights[k], np.uint64(k * n_parts)
            for m in range(np.uint64(width)):
                out[target, m] += weight * row[offset + m]
        for m in range(np.uint64(width)):
            out[target, m] *= per_sum[m]
