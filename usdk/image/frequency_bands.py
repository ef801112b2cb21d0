"""Frequency compounding: the bands whose envelopes are averaged."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from usdk.acquisition import Acquisition
from usdk.errors import ArgumentError

__all__ = ["MAX_BANDS", "Band", "frequency_bands"]

MAX_BANDS = 16


@dataclass(frozen=True, kw_only=True)
class Band:
    """A band of the echoes' spectrum.

    Parameters
    ----------
    low_hz, high_hz : float
        Edges, at −6 dB, Hz.
    gain_db : float
        Gain of this band's envelope, to make bands alike in strength: only looks that are alike
        average speckle as well as their number promises, dB.
    """

    low_hz: float
    high_hz: float
    gain_db: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.low_hz < self.high_hz < math.inf:
            raise ArgumentError(f"need 0 < low_hz < high_hz, got {self.low_hz} and {self.high_hz}")
        if not math.isfinite(self.gain_db):
            raise ArgumentError(f"gain_db must be finite, got {self.gain_db}")

    @property
    def centre_hz(self) -> float:
        """Middle of the band, Hz."""
        return (self.low_hz + self.high_hz) / 2

    @property
    def width_hz(self) -> float:
        """Width of the band, Hz."""
        return self.high_hz - self.low_hz

    def describe(self) -> str:
        """Return the band as text."""
        gain = f" {self.gain_db:+g} dB" if self.gain_db else ""
        return f"{self.low_hz * 1e-6:.3g}–{self.high_hz * 1e-6:.3g} MHz{gain}"


def frequency_bands(acquisition: Acquisition, n_bands: int) -> tuple[Band, ...]:
    """Return equal bands, side by side, that fill the probe's −6 dB band about the pulse sent.

    Speckle of bands that do not overlap is nearly independent; each band has the axial resolution
    of its own width, n times coarser than the whole.

    Parameters
    ----------
    acquisition : Acquisition
        Data of the kind that will be compounded; they are not read.
    n_bands : int
        How many, 1 to `MAX_BANDS`.
    """
    if not 1 <= n_bands <= MAX_BANDS:
        raise ArgumentError(f"n_bands must be 1 to {MAX_BANDS}, got {n_bands}")
    probe = acquisition.probe
    width_hz = probe.fractional_bandwidth * probe.centre_frequency_hz
    low_hz = acquisition.transmit_frequency_hz - width_hz / 2
    edges_hz = [low_hz + width_hz * index / n_bands for index in range(n_bands + 1)]
    return tuple(Band(low_hz=low, high_hz=high) for low, high in pairwise(edges_hz))
