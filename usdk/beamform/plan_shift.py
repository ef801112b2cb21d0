"""Plan of the shift-invariant kernel: plane waves over a uniform linear array, aligned columns."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.beamform.directivity import element_size_wavelengths
from usdk.beamform.geometry import Geometry
from usdk.beamform.options import Interpolation, Method, TransmitWeighting
from usdk.scan import LinearScan
from usdk.tiles import run_tiles
from usdk.transmit import PlaneWave
from usdk_kernels import das_shift

__all__ = ["MAX_PER_PITCH", "MAX_SKEWED_BYTES", "ShiftPlan", "why_not_better", "why_not_exact"]

MAX_SKEWED_BYTES = 8 * 2**30
"""Largest rearranged copy of one frame's channel data."""
MAX_PER_PITCH = 64
"""Most columns to the pitch."""
MAX_ARRAY_SAMPLES = 2**28
"""Most samples that pass while sound runs along the array; shifts are fixed-point numbers."""
DEPTHS_PER_TILE = 32
ROWS_PER_TILE = 256
_MIN_COLUMNS = 8  # side by side on the pitch; fewer leave most of a vector empty


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
    pitch_m, columns_m = _step(x_m), _step(scan.x_m)
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


def why_not_better(plan: ShiftPlan) -> str | None:
    """Return why another kernel should be taken though this one is exact; None where not."""
    if plan.is_too_large:
        return "its copy of the channel data would be too large"
    if plan.n_columns < _MIN_COLUMNS * plan.per_pitch:
        return f"fewer than {_MIN_COLUMNS} columns stand side by side on the pitch"
    return None


class ShiftPlan:
    """Delay-and-sum with `usdk_kernels.das_shift`, for geometries that `why_not_exact` admits.

    Parameters
    ----------
    geometry, method
        What was measured, where to look, and how to sum.
    """

    def __init__(self, geometry: Geometry, method: Method) -> None:
        probe, sequence, receive = geometry.probe, geometry.sequence, geometry.receive
        scan = geometry.scan
        assert isinstance(scan, LinearScan)
        x_m = probe.element_positions_m[:, 0]
        n_elements, pitch_m = x_m.size, _step(x_m)
        self.n_columns = scan.x_m.size
        self.per_pitch = max(1, round(pitch_m / _step(scan.x_m)))
        rate_hz, sound_speed_m_s = receive.sampling_frequency_hz, receive.sound_speed_m_s
        steps = np.arange(self.n_columns + self.per_pitch * (n_elements - 1))
        steps -= self.per_pitch * (n_elements - 1)
        self._lateral_m = scan.x_m[0] - x_m[0] + steps * (pitch_m / self.per_pitch)
        waves = np.array([getattr(wave, "direction", None) for wave in sequence.transmits])
        self._directions = np.ascontiguousarray(waves[:, [0, 2]])
        across = self._directions[:, :1]
        # From the element that the wave passes first, so that no shift is negative.
        samples = across * np.arange(n_elements) * (pitch_m * rate_hz / sound_speed_m_s)
        least = samples.min(axis=1, keepdims=True)
        self._shift = np.floor((samples - least) * 2.0**32).astype(np.int64)
        # Both ways through the lens lengthen every path alike.
        self._time_s = across[:, 0] * x_m[0] / sound_speed_m_s + 2 * probe.lens_delay_s
        self._time_s += least[:, 0] / rate_hz
        self._time_zero_s = np.array(receive.time_zero_s, np.float64)
        self._depths_m = np.array(scan.z_m)
        self._receive, self._method = receive, method
        self._window = method.window_coefficients
        self._width = element_size_wavelengths(geometry)[0] if method.directivity else -1.0
        self._first_row, n_rows = self._rows()
        self.n_planes = 2 if receive.demodulation_frequency_hz else 1
        width = n_elements + das_shift.PADDING
        self._skewed_shape = (len(sequence), n_rows, self.n_planes, width)
        self.n_bytes = 4 * math.prod(self._skewed_shape)
        place = "the pitch" if self.per_pitch == 1 else f"1/{self.per_pitch} of the pitch"
        self.why = f"plane waves, columns on {place} of a uniform linear array"
        self.is_too_large = self.n_bytes > MAX_SKEWED_BYTES
        self._rows_of_tiles = _cut(n_rows, ROWS_PER_TILE)
        # The deepest first: they have the widest aperture and take longest.
        self._depths_of_tiles = _cut(self._depths_m.size, DEPTHS_PER_TILE)[::-1]
        self.n_tiles = len(self._depths_of_tiles)
        self._spare: list[NDArray[np.float32]] = []

    def __call__(self, data: NDArray[Any], out: NDArray[Any], threads: int | None) -> None:
        """Beamform one frame; both arrays are of the kernel's type, C-contiguous and writable."""
        # Several threads may call one plan: each takes a copy of its own, and leaves it for later.
        try:
            skewed = self._spare.pop()
        except IndexError:
            skewed = np.empty(self._skewed_shape, np.float32)
        rate_hz, sound_speed_m_s = (
            self._receive.sampling_frequency_hz,
            self._receive.sound_speed_m_s,
        )
        demodulation_hz = self._receive.demodulation_frequency_hz
        planes = data.view(np.float32).reshape(*data.shape, self.n_planes)
        image = out.view(np.float32).reshape(*out.shape, self.n_planes)

        def rearrange(tile: tuple[int, tuple[int, int]]) -> None:
            one, rows = slice(tile[0], tile[0] + 1), tile[1]
            das_shift.skew(
                planes[one],
                self._shift[one],
                self._first_row[one],
                demodulation_hz / rate_hz,
                *rows,
                skewed[one],
            )

        def add(depths: tuple[int, int]) -> None:
            das_shift.das_shift(
                skewed,
                self._shift,
                self._first_row,
                self._depths_m,
                self._lateral_m,
                self._directions,
                self._time_s,
                self._time_zero_s,
                self._window,
                self._receive.n_samples,
                self.per_pitch,
                rate_hz,
                demodulation_hz,
                sound_speed_m_s,
                self._method.f_number,
                self._width,
                int(self._method.normalize),
                *depths,
                image,
            )

        transmits = range(data.shape[0])
        run_tiles(
            rearrange, [(t, rows) for t in transmits for rows in self._rows_of_tiles],
            threads=threads,
        )  # fmt: skip
        run_tiles(add, self._depths_of_tiles, threads=threads)
        self._spare.append(skewed)

    def _rows(self) -> tuple[NDArray[np.int64], int]:
        """Return each transmit's first row and the number of rows that the scan can read."""
        rate_hz, sound_speed_m_s = (
            self._receive.sampling_frequency_hz,
            self._receive.sound_speed_m_s,
        )
        # Echoes come from points before the face; the farther, the later.
        nearest_m, farthest_m = np.maximum(self._depths_m[[0, -1]], 0.0)

        def samples(z_m: float, lateral_m: NDArray[np.float64]) -> NDArray[np.float64]:
            path_m = np.hypot(z_m, lateral_m) + np.outer(self._directions[:, 0], lateral_m)
            time_s = (path_m + z_m * self._directions[:, 1:]) / sound_speed_m_s
            time_s += (self._time_s - self._time_zero_s)[:, None]
            with np.errstate(over="ignore"):  # beyond any record
                return np.asarray(time_s * rate_hz)

        heard = 2 * self._method.f_number * np.abs(self._lateral_m) <= farthest_m * (1 + 1e-9)
        if not heard.any():
            heard[:] = True
        # No row is needed that lies wholly before or beyond the record; one more absorbs rounding.
        before = -(self._shift.max(axis=1) >> 32) - 1
        first = np.floor(samples(nearest_m, self._lateral_m).min(axis=1)) - 1
        first = np.clip(first, before, self._receive.n_samples).astype(np.int64)
        last = np.floor(samples(farthest_m, self._lateral_m[heard]).max(axis=1)) + 1
        last = np.clip(last, first, self._receive.n_samples).astype(np.int64)
        # The kernel reads three rows from each position, and into the one after them.
        return first, int((last - first).max()) + 4


def _step(x_m: NDArray[np.float64]) -> float:
    return float(x_m[-1] - x_m[0]) / (x_m.size - 1)


def _is_even(x_m: NDArray[np.float64], step_m: float, rounding_m: float) -> bool:
    even_m = x_m[0] + np.arange(x_m.size) * step_m
    return bool(np.abs(x_m - even_m).max() <= rounding_m)


def _cut(n: int, size: int) -> list[tuple[int, int]]:
    return [(first, min(first + size, n)) for first in range(0, n, size)]
