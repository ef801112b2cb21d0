"""What a beamformer can be asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import count
from usdk.beamform.combination import SUM, Combination, DelayAndSum
from usdk.errors import ArgumentError

__all__ = [
    "MAX_UPSAMPLING",
    "Alignment",
    "Compounding",
    "Interpolation",
    "Kernel",
    "Method",
    "TransmitWeighting",
    "Window",
]

MAX_UPSAMPLING = 8
"""Most samples made of each by band-limited interpolation."""


class Window(StrEnum):
    """Apodization across the receive aperture."""

    BOXCAR = "boxcar"
    HANN = "hann"
    HAMMING = "hamming"
    BLACKMAN = "blackman"
    TUKEY = "tukey"
    """Flat in the middle, half a Hann window on both sides."""


# (taper, a0, a1, a2) of each window, for the kernels; Tukey's taper is the method's.
_COEFFICIENTS = {
    Window.BOXCAR: (0.0, 1.0, 0.0, 0.0),
    Window.HANN: (1.0, 0.5, 0.5, 0.0),
    Window.HAMMING: (1.0, 0.54, 0.46, 0.0),
    Window.BLACKMAN: (1.0, 0.42, 0.5, 0.08),
    Window.TUKEY: (1.0, 0.5, 0.5, 0.0),
}


class Interpolation(StrEnum):
    """How channel data are read between samples."""

    NEAREST = "nearest"
    LINEAR = "linear"
    CUBIC = "cubic"
    BAND_LIMITED = "band-limited"
    """Linear between samples of which there are several times as many."""


class TransmitWeighting(StrEnum):
    """How the transmits share a point."""

    COMPOUND = "compound"
    """Every transmit counts alike at every point."""
    LINES = "lines"
    """The two beams nearest to a point share it, by nearness; on a beam's axis it alone counts."""
    RETROSPECTIVE = "retrospective"
    """Every beam that reaches a point counts, by its share there (`usdk.beamform.insonification`):
    virtual-source synthetic aperture, focused on transmit at every depth."""


class Compounding(StrEnum):
    """What becomes of the groups of transmits; the transmits of one group are summed coherently."""

    COHERENT = "coherent"
    """All transmits are one group: one image."""
    INCOHERENT = "incoherent"
    """The mean of the groups' envelopes, float32, from IQ."""
    NONE = "none"
    """One image per group."""


class Alignment(StrEnum):
    """Whether columns that no fast kernel is exact for may be made from columns that one is."""

    EXACT = "exact"
    """Every point is beamformed where it is."""
    RESAMPLE = "resample"
    """Columns over a linear array that do not divide its pitch are interpolated, band-limited,
    from columns that do (`usdk.beamform.plan_resampled`)."""


class Kernel(StrEnum):
    """Which kernel sums the samples.

    Where several are exact they agree to float32 rounding, but for elements on the very rim of an
    aperture, which may count for one and not for the other. Of ``band-limited`` interpolation each
    has filters of its own; they agree as far as both are right.
    """

    GENERAL = "general"
    """Reads every sample by itself: any geometry, any interpolation."""
    SHIFT = "shift"
    """Adds runs of columns: plane waves, a uniform linear array, columns on a fraction of its
    pitch, linear interpolation."""
    LATTICE = "lattice"
    """Adds runs of points along a line, with receive tables that lines share: a uniform linear or
    curved array, any transmit, lines on a rational part of its pitch, linear interpolation."""
    RANGE = "range"
    """Adds runs of points along a line: any array, any transmit, points on straight lines, linear
    interpolation."""
    ALIGNED = "aligned"
    """Aligns the samples of every transmit and element, then combines them: any geometry, any
    interpolation, any combination."""


@dataclass(frozen=True, kw_only=True)
class Method:
    """How the samples are summed; each option as `Beamformer` describes it.

    Raises
    ------
    ArgumentError
        If a number is out of range.
    """

    f_number: float
    window: Window = Window.TUKEY
    taper: float = 0.5
    interpolation: Interpolation = Interpolation.LINEAR
    upsampling: int = 4
    weighting: TransmitWeighting = TransmitWeighting.COMPOUND
    normalize: bool = True
    directivity: bool = False
    alignment: Alignment = Alignment.EXACT
    compounding: Compounding = Compounding.COHERENT
    transmit_groups: tuple[int, ...] = ()
    """Number of each transmit's group; empty where compounding is coherent."""
    combination: Combination = SUM

    def __post_init__(self) -> None:
        if not (math.isfinite(self.f_number) and self.f_number >= 0):
            raise ArgumentError(f"f_number must be 0 (open) or positive, got {self.f_number}")
        if not 0 <= self.taper <= 1:
            raise ArgumentError(f"taper must be 0 to 1, got {self.taper}")
        upsampling = count(self.upsampling, "upsampling", most=MAX_UPSAMPLING)
        object.__setattr__(self, "upsampling", upsampling)

    @property
    def is_sum(self) -> bool:
        """Whether samples are only summed, which every kernel does."""
        return isinstance(self.combination, DelayAndSum)

    @property
    def window_coefficients(self) -> NDArray[np.float64]:
        """The window as kernels take it, (4,): taper α and cosine coefficients a0, a1, a2.

        With u in [0, 1] the place in the half aperture and v = max(0, (u − (1 − α)) / α), the
        weight is a0 + a1 cos(πv) + a2 cos(2πv); α = 0 is a boxcar.
        """
        coefficients = np.array(_COEFFICIENTS[self.window])
        if self.window is Window.TUKEY:
            coefficients[0] = self.taper
        return coefficients
