"""Plan of the shift-invariant kernel: plane waves over a uniform linear array, aligned columns."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.beamform.geometry import Geometry
from usdk.beamform.options import Interpolation, Method, TransmitWeighting
from usdk.beamform.shift_tables import ShiftTables
from usdk.scan import LinearScan
from usdk.scan.axes import axis_step
from usdk.scratch import Scratch
from usdk.tiles import cut, run_tiles
from usdk.transmit import PlaneWave
from usdk_kernels import das_shift

__all__ = ["MAX_PER_PITCH", "MAX_SKEWED_BYTES", "ShiftPlan", "why_not_exact"]

MAX_SKEWED_BYTES = 8 * 2**30
"""Largest rearranged copy of one frame's channel data."""
MAX_PER_PITCH = 64
"""Most columns to the pitch."""
MAX_ARRAY_SAMPLES = 2**28
"""Most samples that pass while sound runs along the array; shifts are fixed-point numbers."""
ROWS_PER_TILE = 256


def why_not_exact(geometry: Geometry, method: Method) -> str | None:
    """Return why the kernel does not give the exact sum; None where it does.

    Elements and columns count as equally spaced when they are so to the rounding of float32,
    which is all that the general kernel holds of a coordinate.
    """
    probe, sequence, scan = geometry.probe, geometry.sequence, geometry.scan
    if not isinstance(scan, LinearScan):
        return "the scan's lines are not parallel to z"
    if not all(isinstance(transmit, PlaneWave) for transmit in sequence.transmits):
        return "not every transmit is a plane wave"
    positions_m = probe.element_positions_m
    x_m = positions_m[:, 0]
    if x_m.size < 2 or np.any(positions_m[:, 1:]) or np.any(probe.element_normals != (0, 0, 1)):
        return "the elements do not stand on the x axis and look along z"
    pitch_m, columns_m = axis_step(x_m), axis_step(scan.x_m)
    rounding_m = float(np.spacing(np.float32(max(np.abs(x_m).max(), np.abs(scan.x_m).max()))))
    if not pitch_m > 0 or not _is_even(x_m, pitch_m, rounding_m):
        return "the elements are not equally spaced along x"
    receive = geometry.receive
    along_s = float(x_m[-1] - x_m[0]) / receive.sound_speed_m_s
    if not along_s * receive.sampling_frequency_hz <= MAX_ARRAY_SAMPLES:
        return "sound takes too many samples to run along the array"
    per_pitch = max(1, round(pitch_m / columns_m))
    if per_pitch > MAX_PER_PITCH:
        return f"more than {MAX_PER_PITCH} columns stand on the pitch"
    if not _is_even(scan.x_m, pitch_m / per_pitch, rounding_m):
        return (
            f"columns {columns_m * 1e3:.4g} mm apart do not divide "
            f"the pitch of {pitch_m * 1e3:.4g} mm"
        )
    if not method.is_sum:
        return f"samples are not only summed (combination: {method.combination.describe()})"
    if method.interpolation is not Interpolation.LINEAR:
        return f"interpolation is {method.interpolation}, not linear"
    if method.weighting is not TransmitWeighting.COMPOUND:
        return "the transmits are not compounded"
    return None


class ShiftPlan:
    """Delay-and-sum with `usdk_kernels.das_shift`, for geometries that `why_not_exact` admits.

    Parameters
    ----------
    geometry, method
        What was measured, where to look, and how to sum.
    """

    def __init__(self, geometry: Geometry, method: Method) -> None:
        self._tables = tables = ShiftTables(geometry, method)
        width = tables.n_elements + das_shift.PADDING
        shape = (len(geometry.sequence), tables.n_rows, tables.n_planes, width)
        self._skewed: Scratch[NDArray[np.float32]] = Scratch(lambda: np.empty(shape, np.float32))
        self._rows_of_tiles = cut(tables.n_rows, ROWS_PER_TILE)
        self.n_bytes = 4 * math.prod(shape)
        self.n_tiles = len(tables.depths_of_tiles)
        self.why = tables.why
        self.is_too_large = self.n_bytes > MAX_SKEWED_BYTES

    def why_not_better(self) -> str | None:
        """Return why another kernel should be taken though this one is exact; None where not."""
        if self.is_too_large:
            return "its copy of the channel data would be too large"
        return self._tables.why_not_better()

    def __call__(self, data: NDArray[Any], out: NDArray[Any], threads: int | None) -> None:
        """Beamform one frame; both arrays are of the kernel's type, C-contiguous and writable."""
        tables = self._tables
        planes, image = tables.planes(data), tables.planes(out)
        tiles = [(t, rows) for t in range(data.shape[0]) for rows in self._rows_of_tiles]
        with self._skewed.lent() as skewed:

            def rearrange(tile: tuple[int, tuple[int, int]]) -> None:
                one, rows = slice(tile[0], tile[0] + 1), tile[1]
                das_shift.skew(
                    planes[one],
                    tables.shift[one],
                    tables.first_row[one],
                    tables.demodulation_hz / tables.rate_hz,
                    *rows,
                    skewed[one],
                )

            def add(depths: tuple[int, int]) -> None:
                das_shift.das_shift(
                    skewed,
                    tables.shift,
                    tables.first_row,
                    tables.depths_m,
                    tables.lateral_m,
                    tables.directions,
                    tables.time_s,
                    tables.time_zero_s,
                    tables.window,
                    tables.n_samples,
                    tables.per_pitch,
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


def _is_even(x_m: NDArray[np.float64], step_m: float, rounding_m: float) -> bool:
    even_m = x_m[0] + np.arange(x_m.size) * step_m
    return bool(np.abs(x_m - even_m).max() <= rounding_m)
