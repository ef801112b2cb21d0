"""Plan of the shift-invariant kernel with band-limited interpolation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.beamform.fractional_delay import band_of, fractional_delay
from usdk.beamform.geometry import Geometry
from usdk.beamform.options import Method
from usdk.beamform.plan_shift import MAX_SKEWED_BYTES
from usdk.beamform.shift_tables import ShiftTables
from usdk.scratch import Scratch
from usdk.tiles import cut, run_tiles
from usdk_kernels import das_shift_fine

__all__ = ["ShiftFinePlan"]

SAMPLES_PER_TILE = 1024
MAX_ROWS = 2**20
"""Most rows of a transmit: places between them are float32, to a sixteenth of a row there."""


class ShiftFinePlan:
    """Delay-and-sum with `usdk_kernels.das_shift_fine`, for geometries that admit `ShiftPlan`.

    Parameters
    ----------
    geometry, method
        What was measured, where to look, and how to sum; ``method.upsampling`` rows stand for
        each sample.
    """

    def __init__(self, geometry: Geometry, method: Method) -> None:
        n_fine = method.upsampling
        self._tables = tables = ShiftTables(geometry, method)
        shift = tables.shift / 2.0**32
        self._whole = np.floor(shift).astype(np.int64)
        fractions = (shift - self._whole)[:, None] + (np.arange(n_fine) / n_fine)[:, None]
        taps = fractional_delay(fractions, das_shift_fine.TAPS, band_of(geometry), n_fine)
        self._taps = np.ascontiguousarray(taps, np.float32)
        self._turns = shift * (tables.demodulation_hz / tables.rate_hz)
        self._lateral_of_phase_m = _lateral_of_phase_m(tables)
        self._pieces = cut(tables.n_rows, SAMPLES_PER_TILE)
        rows = tables.n_rows * n_fine + das_shift_fine.ROWS_READ
        width = tables.n_elements + das_shift_fine.PADDING
        shape = (len(geometry.sequence), rows, tables.n_planes, width)
        # Zeros: the padding and the rows after the last one stay so.
        self._skewed: Scratch[NDArray[np.float32]] = Scratch(lambda: np.zeros(shape, np.float32))
        self.n_bytes = 4 * math.prod(shape) + self._taps.nbytes
        self.n_tiles = len(tables.depths_of_tiles)
        self.why = tables.why
        self.is_too_large = self.n_bytes > MAX_SKEWED_BYTES or rows > MAX_ROWS

    def why_not_better(self) -> str | None:
        """Return why another kernel should be taken though this one is exact; None where not."""
        if self.is_too_large:
            return "its copy of the channel data would be too large"
        return self._tables.why_not_better()

    def __call__(self, data: NDArray[Any], out: NDArray[Any], threads: int | None) -> None:
        """Beamform one frame; both arrays are of the kernel's type, C-contiguous and writable."""
        tables = self._tables
        planes, image = tables.planes(data), tables.planes(out)
        tiles = [(t, samples) for t in range(data.shape[0]) for samples in self._pieces]
        with self._skewed.lent() as skewed:

            def rearrange(tile: tuple[int, tuple[int, int]]) -> None:
                one, samples = slice(tile[0], tile[0] + 1), tile[1]
                das_shift_fine.skew_fine(
                    planes[one],
                    self._whole[one],
                    self._taps[one],
                    self._turns[one],
                    tables.first_row[one],
                    *samples,
                    skewed[one],
                )

            def add(depths: tuple[int, int]) -> None:
                das_shift_fine.das_shift_fine(
                    skewed,
                    tables.first_row,
                    tables.depths_m,
                    self._lateral_of_phase_m,
                    tables.directions,
                    tables.window,
                    tables.time_s,
                    tables.time_zero_s,
                    tables.n_elements,
                    tables.method.upsampling,
                    tables.rate_hz,
                    tables.demodulation_hz,
                    tables.sound_speed_m_s,
                    tables.method.f_number,
                    tables.width_wavelengths,
                    int(tables.method.normalize),
                    *depths,
                    image,
                )

            run_tiles(rearrange, tiles, threads=threads)
            run_tiles(add, tables.depths_of_tiles, threads=threads)


def _lateral_of_phase_m(tables: ShiftTables) -> NDArray[np.float64]:
    """Return the columns that stand a pitch apart from each other, one row for each phase."""
    per_phase = -(-tables.n_columns // tables.per_pitch) + tables.n_elements - 1
    shape = (tables.per_pitch, per_phase + das_shift_fine.GROUP - 1)
    lateral_m = np.full(shape, das_shift_fine.NOWHERE_M)
    for phase in range(tables.per_pitch):
        steps_m = tables.lateral_m[phase :: tables.per_pitch]
        lateral_m[phase, : steps_m.size] = steps_m
    return lateral_m
