"""Upsampling: band-limited interpolation as linear interpolation at a higher sampling frequency.

Between two samples a straight line is wrong by up to (ω/fs)²/8 of a tone of angular frequency ω: a
third of it at half the Nyquist frequency. Upsampled n times first, it is wrong by 1/n² of that.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.beamform.fractional_delay import fractional_delay
from usdk.beamform.geometry import Geometry
from usdk.beamform.options import Interpolation, Method
from usdk.errors import ArgumentError
from usdk.scratch import Scratch
from usdk.tiles import cut, run_tiles
from usdk_kernels.upsampling import upsample

__all__ = ["MAX_FINE_BYTES", "N_TAPS", "Upsampling"]

MAX_FINE_BYTES = 8 * 2**30
"""Largest upsampled copy of one frame's channel data."""
N_TAPS = 16
"""Samples that each new one is made of."""
# Cycles per sample that are read right: wide, so that noise beside the probe's band stays as it is.
_BAND = (0.0, 0.42)
_ROWS_PER_TILE = 32


class Upsampling:
    """Channel data at ``method.upsampling`` times their sampling frequency, and the geometry of it.

    Parameters
    ----------
    geometry, method
        What was measured, where to look, and how to sum.

    Raises
    ------
    ArgumentError
        If the copy would be larger than `MAX_FINE_BYTES`.

    Attributes
    ----------
    geometry, method
        The same for the upsampled data: linear interpolation between more samples.
    n_bytes : int
        Memory of the upsampled copy.
    """

    def __init__(self, geometry: Geometry, method: Method) -> None:
        receive, factor = geometry.receive, method.upsampling
        n_samples = (receive.n_samples - 1) * factor + 1
        rate_hz = receive.sampling_frequency_hz * factor
        fine = replace(receive, sampling_frequency_hz=rate_hz, n_samples=n_samples)
        self.geometry = replace(geometry, receive=fine)
        self.method = replace(method, interpolation=Interpolation.LINEAR)
        dtype, self._shape = geometry.dtype, self.geometry.data_shape
        self.n_bytes = math.prod(self._shape) * dtype.itemsize
        if self.n_bytes > MAX_FINE_BYTES:
            raise ArgumentError(
                f"the upsampled channel data would take {self.n_bytes / 2**30:.1f} GiB, at most "
                f"{MAX_FINE_BYTES / 2**30:g}: upsample less, or take fewer transmits at a time"
            )
        taps = fractional_delay(np.arange(factor) / factor, N_TAPS, _BAND, factor)
        self._taps = np.ascontiguousarray(taps, np.float32)
        self._n_planes = 2 if geometry.is_iq else 1
        self._n_rows = self._shape[0] * self._shape[1]
        self._tiles = cut(self._n_rows, _ROWS_PER_TILE)
        self._fine = Scratch(lambda: np.empty(self._shape, dtype))

    def take(self, data: NDArray[Any], threads: int | None) -> NDArray[Any]:
        """Return the upsampled data of one frame, to be given back."""
        fine = self._fine.take()
        rows = data.view(np.float32).reshape(self._n_rows, data.shape[2], self._n_planes)
        out = fine.view(np.float32).reshape(self._n_rows, self._shape[2], self._n_planes)
        run_tiles(lambda tile: upsample(rows, self._taps, *tile, out), self._tiles, threads=threads)
        return fine

    def give_back(self, fine: NDArray[Any]) -> None:
        """Keep an array that `take` returned for the next frame."""
        self._fine.give_back(fine)
