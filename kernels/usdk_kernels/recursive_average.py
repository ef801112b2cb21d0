"""Recursive averaging of frames."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from usdk_kernels._compile import kernel


@kernel
def recursive_average(
    coefficient: float,
    state: npt.NDArray[np.float32],
    image: npt.NDArray[np.float32],
) -> None:
    r"""One step of a first-order recursive average, in place.

    .. math:: y_n = a\, y_{n-1} + (1 - a)\, x_n

    Parameters
    ----------
    coefficient : float64, 0 ≤ a < 1
        Share of what was there before.  0 gives `image` as it is, whatever the state.
    state : (n_rows, n_samples) float32, C-contiguous
        y, the average so far.  Overwritten.
    image : (n_rows, n_samples) float32, C-contiguous
        x on entry, y on return.

    Notes
    -----
    A NaN in x or y stays in y until the average is begun again.  Not checked: shapes, coefficient.
    """
    n_rows, n_samples = image.shape
    a = np.float32(coefficient)
    b = np.float32(1 - coefficient)
    for i in range(n_rows):
        for n in range(n_samples):
            value = image[i, n]
            if a > np.float32(0):
                value = a * state[i, n] + b * value
            state[i, n] = value
            image[i, n] = value
