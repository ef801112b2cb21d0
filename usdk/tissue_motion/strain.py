"""Strain: how displacement changes along depth."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import count, positive
from usdk.errors import ArgumentError

__all__ = ["strain"]


def strain(
    displacement_m: NDArray[Any], *, step_m: float, length_m: float, axis: int = -2
) -> NDArray[np.float32]:
    r"""Return the least-squares gradient of displacements along depth.

    .. math:: \varepsilon = \frac{\sum_n (z_n - \bar z)(d_n - \bar d)}{\sum_n (z_n - \bar z)^2}

    over the samples of a length about each point; within half a length of an end, over the last
    whole length before it. Displacements are positive away from the probe, so that **compression is
    negative**. Against the difference of two neighbours its noise is smaller by N^{3/2} / √6 for N
    samples of independent noise.

    Parameters
    ----------
    displacement_m : array_like, (..., n_samples, n_pairs) or as ``axis`` says
        Displacements, finite, m.
    step_m : float
        Depth from one sample to the next, m.
    length_m : float
        Length of the fit, m; it is made an odd number of samples, 3 at least.
    axis : int
        The depth axis.

    Returns
    -------
    ndarray of float32, of the shape given
        Strain, without unit.

    Raises
    ------
    ArgumentError
        If the length is longer than the lines, or a displacement is not finite.

    References
    ----------
    F. Kallel, J. Ophir, "A least-squares strain estimator for elastography", Ultrason. Imaging
    19(3), 1997, equations 4 and 8.
    """
    values = np.asarray(displacement_m)
    if values.dtype.kind not in "fiu" or values.ndim < 1:
        raise ArgumentError(f"displacement_m must be an array of real numbers, got {values.dtype}")
    if not np.all(np.isfinite(values)):
        raise ArgumentError("displacement_m holds NaN or infinity: replace them")
    axis = count(axis, "axis", least=-values.ndim, most=values.ndim - 1)
    step_m = positive(step_m, "step_m")
    n_samples = values.shape[axis]
    n_steps = min(positive(length_m, "length_m") / step_m, n_samples + 3)
    n_fit = max(3, 2 * round((n_steps - 1) / 2) + 1)
    if n_fit > values.shape[axis]:
        raise ArgumentError(
            f"length_m is longer than the {n_samples} samples of a line: take a shorter one"
        )
    if not values.size:
        return np.zeros(values.shape, np.float32)
    # Here, because its import takes as long as a first picture.
    from scipy.signal import savgol_filter

    gradient = savgol_filter(
        values.astype(np.float64), n_fit, 1, deriv=1, delta=step_m, axis=axis, mode="interp"
    )
    return np.asarray(gradient, np.float32)
