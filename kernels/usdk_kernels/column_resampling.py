r"""Columns of an image between its columns, by a short filter.

.. math:: y_{j} = \sum_{k=0}^{K-1} h_{j,k}\, x_{i_j + k}

Every column j has its own filter h and its own first column i, so that the columns asked for may
stand anywhere between those that there are.  With h a sinc under a window this is band-limited
interpolation.

**Order of the work.**  A column is a contiguous row in memory; four rows are added in one pass, so
that the sum is read and written once for every four taps.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from usdk_kernels._compile import kernel

GROUP = 4
"""Taps added in one pass; the number of taps is a multiple of it."""


# contract: fused multiply-adds.
@kernel(fastmath=frozenset({"contract"}))
def resample_columns(
    image: npt.NDArray[np.float32],
    weights: npt.NDArray[np.float32],
    first: npt.NDArray[np.int64],
    start: int,
    stop: int,
    out: npt.NDArray[np.float32],
) -> None:
    """Columns start to stop − 1 from the columns of another grid; the equation: see the module.

    Parameters
    ----------
    image : (n_in, n_values) float32
        One row for each column that there is; for IQ its real and imaginary parts in turn.
    weights : (n_out, n_taps) float32
        h; n_taps is a multiple of `GROUP`.
    first : (n_out,) int64
        i.  A column whose taps do not all lie in [0, n_in) becomes 0.
    start, stop : int64
        Range of columns, 0 ≤ start ≤ stop ≤ n_out.
    out : (n_out, n_values) float32
        Columns, in the unit of `image`.  [start, stop) is overwritten, the rest untouched.

    Notes
    -----
    All arrays are C-contiguous.  A NaN spreads to the columns that read it.  Not checked: shapes,
    that n_taps is a multiple of `GROUP`, start and stop.
    """
    n_in, n_values = image.shape
    n_taps = weights.shape[1]
    flat = image.reshape(n_in * n_values)
    for j in range(start, stop):
        out[j] = np.float32(0)
        if first[j] < 0 or first[j] > n_in - n_taps:
            continue
        row = out[j]
        # Unsigned indices: no test for negative ones in the loop.
        for k in range(0, n_taps - GROUP + 1, GROUP):
            at0 = np.uint64((first[j] + k) * n_values)
            at1 = at0 + np.uint64(n_values)
            at2 = at1 + np.uint64(n_values)
            at3 = at2 + np.uint64(n_values)
            h0, h1, h2, h3 = weights[j, k], weights[j, k + 1], weights[j, k + 2], weights[j, k + 3]
            for m in range(np.uint64(n_values)):
                row[m] += (
                    h0 * flat[at0 + m]
                    + h1 * flat[at1 + m]
                    + h2 * flat[at2 + m]
                    + h3 * flat[at3 + m]
                )
