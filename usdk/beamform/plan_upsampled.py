"""Plan of band-limited interpolation: upsample the channel data, then any plan for more samples."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from usdk.beamform.plan import Plan
from usdk.beamform.upsampling import Upsampling

__all__ = ["UpsampledPlan"]


class UpsampledPlan:
    """A plan that is given upsampled channel data.

    Parameters
    ----------
    inner : Plan
        Plan for `Upsampling.geometry` and `Upsampling.method`.
    upsampling : Upsampling
        What makes its data.
    """

    def __init__(self, inner: Plan, upsampling: Upsampling) -> None:
        self._inner, self._upsampling = inner, upsampling
        self.n_tiles = inner.n_tiles
        self.n_bytes = inner.n_bytes + upsampling.n_bytes

    def __call__(self, data: NDArray[Any], out: NDArray[Any], threads: int | None) -> None:
        """Beamform one frame; both arrays are of the kernel's type, C-contiguous and writable."""
        fine = self._upsampling.take(data, threads)
        self._inner(fine, out, threads)
        self._upsampling.give_back(fine)
