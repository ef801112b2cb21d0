"""What a beamformer can be asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from usdk.errors import ArgumentError

__all__ = ["Interpolation", "Kernel", "Method", "TransmitWeighting", "Window", "choice"]


class Window(StrEnum):
    """Apodization across the receive aperture."""

    BOXCAR = "boxcar"
    HANN = "hann"
    TUKEY = "tukey"


class Interpolation(StrEnum):
    """How channel data are read between samples."""

    NEAREST = "nearest"
    LINEAR = "linear"
    CUBIC = "cubic"


class TransmitWeighting(StrEnum):
    """How the transmits share a point."""

    COMPOUND = "compound"
    """Every transmit counts alike at every point."""
    LINES = "lines"
    """The two beams nearest to a point share it, by nearness; on a beam's axis it alone counts."""


class Kernel(StrEnum):
    """Which kernel sums the samples; where both are exact they agree to float32 rounding."""

    GENERAL = "general"
    """Reads every sample by itself: any geometry, any interpolation."""
    SHIFT = "shift"
    """Adds runs of columns: plane waves, a uniform linear array, columns on a fraction of its
    pitch, linear interpolation."""


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
    weighting: TransmitWeighting = TransmitWeighting.COMPOUND
    normalize: bool = True

    def __post_init__(self) -> None:
        if not (math.isfinite(self.f_number) and self.f_number >= 0):
            raise ArgumentError(f"f_number must be 0 (open) or positive, got {self.f_number}")
        if not 0 <= self.taper <= 1:
            raise ArgumentError(f"taper must be 0 to 1, got {self.taper}")


_Option = TypeVar("_Option", bound=StrEnum)


def choice(option: type[_Option], value: str) -> _Option:
    """Return the member of an option that a text names; `ArgumentError` if there is none."""
    try:
        return option(value)
    except ValueError:
        names = ", ".join(option)
        raise ArgumentError(f"{value!r} is not one of {names}") from None
