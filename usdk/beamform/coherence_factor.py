"""Coherence factor: each point's sum, weighted by how far its parts agree."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from numpy.typing import NDArray

from usdk.beamform.aligned_data import AlignedData
from usdk.choice import choice
from usdk_kernels import coherence

__all__ = ["Across", "CoherenceFactor"]


class Across(StrEnum):
    """Which parts of the sum are compared."""

    ELEMENTS = "elements"
    """Elements, of which each is the sum over the transmits."""
    TRANSMITS = "transmits"
    """Transmits, of which each is the sum over the elements."""
    BOTH = "both"
    """Every pair of a transmit and an element."""


_CODES = {
    Across.ELEMENTS: coherence.ACROSS_ELEMENTS,
    Across.TRANSMITS: coherence.ACROSS_TRANSMITS,
    Across.BOTH: coherence.ACROSS_BOTH,
}


@dataclass(frozen=True)
class CoherenceFactor:
    r"""Delay-and-sum times its coherence factor.

    .. math:: CF = \frac{|\sum_i g_i x_i|^2}{\sum_i |g_i| \sum_i |g_i| |x_i|^2}

    of the parts x and their weights g: 1 where all parts agree, 1/N in the mean for N parts of
    noise. It lowers side lobes and what aberration scatters, and darkens speckle, in which parts
    agree by two thirds at best. Of RF it follows the oscillation: prefer IQ.

    Parameters
    ----------
    across : Across or str
        ``elements`` (the usual factor), ``transmits`` or ``both``.

    Raises
    ------
    ArgumentError
        If ``across`` is none of these.

    References
    ----------
    R. Mallart, M. Fink, J. Acoust. Soc. Am. 96 (1994) 3721-3732. K. W. Hollman, K. W. Rigby,
    M. O'Donnell, IEEE Ultrasonics Symposium (1999) 1257-1260.
    """

    across: Across | str = Across.ELEMENTS

    def __post_init__(self) -> None:
        object.__setattr__(self, "across", choice(Across, self.across))

    def describe(self) -> str:
        """Return what it is, as `Beamformer.explain` says it."""
        parts = {Across.BOTH: "transmits and elements"}.get(Across(self.across), self.across)
        return f"coherence factor across {parts}"

    def __call__(self, aligned: AlignedData, out: NDArray[Any]) -> None:
        """Write one value per point."""
        is_iq = aligned.samples.dtype.kind == "c"
        kernel: Any = coherence.coherence_iq if is_iq else coherence.coherence_rf
        kernel(
            aligned.samples,
            aligned.apodization,
            aligned.transmit_weights,
            _CODES[Across(self.across)],
            int(aligned.normalize),
            out,
        )
