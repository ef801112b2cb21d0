"""Combination: what becomes of aligned data; the place for methods that do more than sum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from usdk.beamform.aligned_data import AlignedData
from usdk.beamform.coherence_factor import CoherenceFactor
from usdk.errors import ArgumentError

__all__ = ["SUM", "Combination", "DelayAndSum", "combination_of"]


@runtime_checkable
class Combination(Protocol):
    """Makes one value per point from the samples of all transmits and elements.

    An object with these two methods is all that a new method needs: the beamformer does delays,
    aperture, interpolation, tiles and threads. Each value depends on its own point alone, so that
    tiles change nothing. Several threads call one object at a time: it keeps no state of a call.
    """

    def describe(self) -> str:
        """Return its name and settings, for `Beamformer.explain` and the provenance of frames."""

    def __call__(self, aligned: AlignedData, out: NDArray[Any]) -> None:
        """Write the points' values.

        Parameters
        ----------
        aligned : AlignedData
            Samples of a run of points, of any length.
        out : ndarray, (n_points,), float32 for RF, complex64 for IQ
            Where to write, in place; what is not written is NaN.
        """


@dataclass(frozen=True)
class DelayAndSum:
    """The weighted sum: what every other kernel computes without aligned data, and faster."""

    def describe(self) -> str:
        """Return what it is."""
        return "sum"

    def __call__(self, aligned: AlignedData, out: NDArray[Any]) -> None:
        """Write one value per point."""
        weights = (aligned.apodization, aligned.transmit_weights)
        np.einsum("pte,pe,pt->p", aligned.samples, *weights, out=out)
        out /= aligned.divisor()


SUM = DelayAndSum()
_NAMED: dict[str, Combination] = {"sum": SUM, "coherence factor": CoherenceFactor()}


def combination_of(value: Combination | str) -> Combination:
    """Return the combination that a text names, or the one given.

    Raises
    ------
    ArgumentError
        If there is none of that name, or the object cannot combine.
    """
    if isinstance(value, str):
        if value in _NAMED:
            return _NAMED[value]
        raise ArgumentError(
            f"{value!r} is not one of {', '.join(_NAMED)}; a combination of your own is given as "
            "an object"
        )
    if isinstance(value, type) or not isinstance(value, Combination):
        raise ArgumentError(
            f"combination must be a name or an object with describe() and __call__(aligned, out), "
            f"got {value!r}"
        )
    if not isinstance(value.describe(), str):
        raise ArgumentError("describe() of a combination must return its name and settings as text")
    return value
