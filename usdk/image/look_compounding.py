"""Compounding of looks: one envelope from several of the same place."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

__all__ = ["LookCompounding", "add_look", "finish_looks"]


class LookCompounding(StrEnum):
    r"""How envelopes of several looks (steering angles, frequency bands) become one.

    Fully developed speckle has a mean of 1.91 standard deviations. Of n independent looks alike in
    strength the mean has 1.91 √n; correlated looks gain less.

    References
    ----------
    C. B. Burckhardt, "Speckle in ultrasound B-mode scans", IEEE Trans. Sonics Ultrason. 25(1),
    1978; G. E. Trahey, S. W. Smith, O. T. von Ramm, "Speckle pattern correlation with lateral
    aperture translation", IEEE Trans. Ultrason. Ferroelectr. Freq. Control 33(3), 1986.
    """

    MEAN = "mean"
    """Of the envelopes."""
    RMS = "rms"
    """Root of the mean of their squares: powers add, as of independent sources."""
    MAXIMUM = "maximum"
    """The greatest: a specular reflector shows as in the look that meets it best."""


def add_look(
    how: LookCompounding,
    is_first: bool,
    look: NDArray[np.float32],
    total: NDArray[np.float32],
) -> None:
    """Add one look's envelope to what `finish_looks` ends; both arrays are overwritten."""
    if how is LookCompounding.RMS:
        np.square(look, out=look)
    if is_first:
        np.copyto(total, look)
    elif how is LookCompounding.MAXIMUM:
        np.maximum(total, look, out=total)
    else:
        np.add(total, look, out=total)


def finish_looks(how: LookCompounding, n_looks: int, total: NDArray[np.float32]) -> None:
    """Turn what `add_look` gathered into an envelope, in place."""
    if how is not LookCompounding.MAXIMUM:
        total *= np.float32(1 / n_looks)
    if how is LookCompounding.RMS:
        np.sqrt(total, out=total)
