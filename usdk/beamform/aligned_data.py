"""Aligned data: what delay-and-sum adds up, before it is added up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["AlignedData"]


@dataclass(frozen=True, eq=False, slots=True)
class AlignedData:
    """Delayed channel data of a run of points, and how much each sample counts.

    Delay-and-sum is ``einsum("pte,pe,pt->p", samples, apodization, transmit_weights)``, divided by
    `divisor`.

    Parameters
    ----------
    samples : ndarray, (n_points, n_transmits, n_elements), float32 RF or complex64 IQ
        What each element received of each transmit from each point, read at the echo's time; the
        phase of demodulated data is undone, so that echoes of the point have one phase throughout.
        0 where the apodization or the transmit weight is 0, and outside the record. C-contiguous.
    apodization : ndarray, (n_points, n_elements), float32
        Window over the aperture, times element directivity; 0 where the element does not receive.
    transmit_weights : ndarray, (n_points, n_transmits), float32
        Share of each transmit; 0 where it does not reach the point.
    normalize : bool
        Whether the beamformer was asked for a mean, whose brightness does not follow the aperture.

    Notes
    -----
    The samples are not multiplied by apodization and weights. A combination may use the arrays as
    room to work in, since they are its own until it returns.
    """

    samples: NDArray[Any]
    apodization: NDArray[np.float32]
    transmit_weights: NDArray[np.float32]
    normalize: bool

    def divisor(self) -> NDArray[np.float32]:
        """Return what makes the weighted sum a mean, (n_points,): Σ|w| Σa; 1 where not asked for.

        Where nothing is received it is infinite, so that a silent sum stays 0.
        """
        if not self.normalize:
            return np.ones(self.samples.shape[0], np.float32)
        total = np.abs(self.transmit_weights).sum(axis=1) * self.apodization.sum(axis=1)
        return np.where(total > 0, total, np.float32(np.inf))
