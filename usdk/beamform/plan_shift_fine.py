"""Plan of the shift-invariant kernel with band-limited interpolation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.beamform.fractional_delay import band_of, fractional_delay
from usdk.beamform.geometry import Geometry
from usdk.beamform.options import Method
from usdk.beamform.plan_shift import MAX_SKEWED_BYTES, ShiftPlan
from usdk.tiles import run_tiles
from usdk_kernels import das_shift_fine

__all__ = ["ShiftFinePlan"]

SAMPLES_PER_TILE = 1024
MAX_ROWS = 2**20
"""Most rows of a transmit: places between them are float32, to a sixteenth of a row there."""


class ShiftFinePlan(ShiftPlan):
    """Delay-and-sum with `usdk_kernels.das_shift_fine`, for geometries that admit `ShiftPlan`.

    Parameters
    ----------
    geometry, method
        What was measured, where to look, and how to sum; ``method.upsampling`` rows stand for
        each sample.
    """

    def __init__(self, geometry: Geometry, method: Method) -> None:
        n_fine = method.upsampling
        super().__init__(geometry, method)
        n_transmits, n_samples, n_planes, _ = self._skewed_shape
        n_elements = geometry.probe.n_elements
        self._n_fine, self._n_samples = n_fine, n_samples
        self._n_elements = n_elements
        shift = self._shift / 2.0**32
        self._whole = np.floor(shift).astype(np.int64)
        fractions = (shift - self._whole)[:, None] + (np.arange(n_fine) / n_fine)[:, None]
        taps = fractional_delay(fractions, das_shift_fine.TAPS, band_of(geometry), n_fine)
        self._taps = np.ascontiguousarray(taps, np.float32)
        rate_hz = self._receive.sampling_frequency_hz
        self._turns = shift * (self._receive.demodulation_frequency_hz / rate_hz)
        per_phase = -(-self.n_columns // self.per_pitch) + n_elements - 1
        shape = (self.per_pitch, per_phase + das_shift_fine.GROUP - 1)
        lateral_m = np.full(shape, das_shift_fine.NOWHERE_M)
        for phase in range(self.per_pitch):
            steps_m = self._lateral_m[phase :: self.per_pitch]
            lateral_m[phase, : steps_m.size] = steps_m
        self._lateral_of_phase_m = lateral_m
        rows = n_samples * n_fine + das_shift_fine.ROWS_READ
        width = n_elements + das_shift_fine.PADDING
        self._skewed_shape = (n_transmits, rows, n_planes, width)
        self.n_bytes = 4 * math.prod(self._skewed_shape) + self._taps.nbytes
        self.is_too_large = self.n_bytes > MAX_SKEWED_BYTES or rows > MAX_ROWS

    def __call__(self, data: NDArray[Any], out: NDArray[Any], threads: int | None) -> None:
        """Beamform one frame; both arrays are of the kernel's type, C-contiguous and writable."""
        try:
            skewed = self._spare.pop()
        except IndexError:
            # Zeros: the padding and the rows after the last one stay so.
            skewed = np.zeros(self._skewed_shape, np.float32)
        planes = data.view(np.float32).reshape(*data.shape, self.n_planes)
        image = out.view(np.float32).reshape(*out.shape, self.n_planes)
        n_transmits = data.shape[0]

        def rearrange(tile: tuple[int, int]) -> None:
            one, start = slice(tile[0], tile[0] + 1), tile[1]
            das_shift_fine.skew_fine(
                planes[one],
                self._whole[one],
                self._taps[one],
                self._turns[one],
                self._first_row[one],
                start,
                min(start + SAMPLES_PER_TILE, self._n_samples),
                skewed[one],
            )

        def add(depths: tuple[int, int]) -> None:
            das_shift_fine.das_shift_fine(
                skewed,
                self._first_row,
                self._depths_m,
                self._lateral_of_phase_m,
                self._directions,
                self._window,
                self._time_s,
                self._time_zero_s,
                self._n_elements,
                self._n_fine,
                self._receive.sampling_frequency_hz,
                self._receive.demodulation_frequency_hz,
                self._receive.sound_speed_m_s,
                self._method.f_number,
                self._width,
                int(self._method.normalize),
                *depths,
                image,
            )

        starts = range(0, self._n_samples, SAMPLES_PER_TILE)
        run_tiles(rearrange, [(t, s) for t in range(n_transmits) for s in starts], threads=threads)
        run_tiles(add, self._depths_of_tiles, threads=threads)
        self._spare.append(skewed)
