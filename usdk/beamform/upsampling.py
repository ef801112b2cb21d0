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
from usdk.tiles import run_tiles
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
        self._dtype = np.complex64 if receive.demodulation_frequency_hz else np.float32
        self._shape = (len(geometry.sequence), geometry.probe.n_elements, n_samples)
        self.n_bytes = math.prod(self._shape) * np.dtype(self._dtype).itemsize
        if self.n_bytes > MAX_FINE_BYTES:
            raise ArgumentError(
                f"the upsampled channel data would take {self.n_bytes / 2**30:.1f} GiB, at most "
                f"{MAX_FINE_BYTES / 2**30:g}: upsample less, or take fewer transmits at a time"
            )
        taps = fractional_delay(np.arange(factor) / factor, N_TAPS, _BAND, factor)
        self._taps = np.ascontiguousarray(taps, np.float32)
        n_rows = self._shape[0] * self._shape[1]
        self._tiles = [
            (first, min(first + _ROWS_PER_TILE, n_rows))
            for first in range(0, n_rows, _ROWS_PER_TILE)
        ]
        self._spare: list[NDArray[Any]] = []

    def take(self, data: NDArray[Any], threads: int | None) -> NDArray[Any]:
        """Return the upsampled data of one frame, to be given back."""
        # Several threads may call one plan: each takes a copy of its own, and leaves it for later.
        try:
            fine = self._spare.pop()
        except IndexError:
            fine = np.empty(self._shape, self._dtype)
        n_rows = self._shape[0] * self._shape[1]
        n_planes = np.dtype(self._dtype).itemsize // 4
        rows = data.view(np.float32).reshape(n_rows, data.shape[2], n_planes)
        out = fine.view(np.float32).reshape(n_rows, self._shape[2], n_planes)
        run_tiles(lambda tile: upsample(rows, self._taps, *tile, out), self._tiles, threads=threads)
        return fine

    def give_back(self, fine: NDArray[Any]) -> None:
        """Keep an array that `take` returned for the next frame."""
        self._spare.append(fine)
