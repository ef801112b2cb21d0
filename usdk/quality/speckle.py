"""Speckle statistics."""

from __future__ import annotations

import math

from numpy.typing import ArrayLike

from usdk.errors import ArgumentError
from usdk.quality.samples import amplitudes

__all__ = ["RAYLEIGH_SNR", "speckle_snr"]

RAYLEIGH_SNR = math.sqrt(math.pi / (4 - math.pi))
"""1.913, of fully developed speckle: mean over standard deviation of Rayleigh's distribution."""


def speckle_snr(envelope: ArrayLike) -> float:
    r"""Return the mean of an envelope over its standard deviation.

    .. math:: \mathrm{SNR} = \mu / \sigma

    Parameters
    ----------
    envelope : array_like
        Amplitudes in a region of even mean, any shape.

    Notes
    -----
    Fully developed speckle gives `RAYLEIGH_SNR`. Less tells of few scatterers in a resolution
    cell, of a mean that varies across the region, or of a beamformer that is not linear; more of
    averaging (incoherent compounding of n independent pictures gives √n times as much).

    References
    ----------
    R. F. Wagner, S. W. Smith, J. M. Sandrik, H. Lopez, "Statistics of speckle in ultrasound
    B-scans", IEEE Transactions on Sonics and Ultrasonics 30(3), 1983.
    """
    samples = amplitudes(envelope, "envelope")
    deviation = float(samples.std())
    if deviation == 0:
        raise ArgumentError("the envelope is the same everywhere: there is no speckle to measure")
    return float(samples.mean()) / deviation
