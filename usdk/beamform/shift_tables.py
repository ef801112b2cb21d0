"""Shift tables: what both shift-invariant kernels are told, whatever their interpolation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from usdk.beamform.directivity import element_size_wavelengths
from usdk.beamform.geometry import Geometry
from usdk.beamform.options import Method
from usdk.scan import LinearScan
from usdk.scan.axes import axis_step
from usdk.tiles import cut

__all__ = ["ShiftTables"]

DEPTHS_PER_TILE = 32
_MIN_COLUMNS = 8  # side by side on the pitch; fewer leave most of a vector empty


class ShiftTables:
    """Tables of a geometry and a method that `usdk.beamform.plan_shift.why_not_exact` admits.

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
        pitch_m = axis_step(x_m)
        self.method = method
        self.n_elements, self.n_columns = x_m.size, scan.x_m.size
        self.n_planes = 2 if geometry.is_iq else 1
        self.n_samples = receive.n_samples
        self.per_pitch = max(1, round(pitch_m / axis_step(scan.x_m)))
        self.rate_hz, self.sound_speed_m_s = receive.sampling_frequency_hz, receive.sound_speed_m_s
        self.demodulation_hz = receive.demodulation_frequency_hz
        steps = np.arange(self.n_columns + self.per_pitch * (self.n_elements - 1))
        steps -= self.per_pitch * (self.n_elements - 1)
        self.lateral_m = scan.x_m[0] - x_m[0] + steps * (pitch_m / self.per_pitch)
        waves = np.array([getattr(wave, "direction", None) for wave in sequence.transmits])
        self.directions = np.ascontiguousarray(waves[:, [0, 2]])
        across = self.directions[:, :1]
        # From the element that the wave passes first, so that no shift is negative.
        per_pitch = pitch_m * self.rate_hz / self.sound_speed_m_s
        samples = across * np.arange(self.n_elements) * per_pitch
        least = samples.min(axis=1, keepdims=True)
        self.shift = np.floor((samples - least) * 2.0**32).astype(np.int64)
        # Both ways through the lens lengthen every path alike.
        self.time_s = across[:, 0] * x_m[0] / self.sound_speed_m_s + 2 * probe.lens_delay_s
        self.time_s += least[:, 0] / self.rate_hz
        self.time_zero_s = np.array(receive.time_zero_s, np.float64)
        self.depths_m = np.array(scan.z_m)
        self.window = method.window_coefficients
        self.width_wavelengths = -1.0
        if method.directivity:
            self.width_wavelengths = element_size_wavelengths(geometry)[0]
        self.first_row, self.n_rows = self._rows()
        # The deepest first: they have the widest aperture and take longest.
        self.depths_of_tiles = cut(self.depths_m.size, DEPTHS_PER_TILE)[::-1]

    @property
    def why(self) -> str:
        """Why the kernels are exact."""
        place = "the pitch" if self.per_pitch == 1 else f"1/{self.per_pitch} of the pitch"
        return f"plane waves, columns on {place} of a uniform linear array"

    def why_not_better(self) -> str | None:
        """Return why another kernel should be taken though these are exact; None where not."""
        if self.n_columns < _MIN_COLUMNS * self.per_pitch:
            return f"fewer than {_MIN_COLUMNS} columns stand side by side on the pitch"
        return None

    def planes(self, array: NDArray[np.generic]) -> NDArray[np.float32]:
        """Return channel data or an image with real and imaginary part as a last axis."""
        return array.view(np.float32).reshape(*array.shape, self.n_planes)

    def _rows(self) -> tuple[NDArray[np.int64], int]:
        """Return each transmit's first row and the number of rows that the scan can read."""
        # Echoes come from points before the face; the farther, the later.
        nearest_m, farthest_m = np.maximum(self.depths_m[[0, -1]], 0.0)

        def samples(z_m: float, lateral_m: NDArray[np.float64]) -> NDArray[np.float64]:
            path_m = np.hypot(z_m, lateral_m) + np.outer(self.directions[:, 0], lateral_m)
            time_s = (path_m + z_m * self.directions[:, 1:]) / self.sound_speed_m_s
            time_s += (self.time_s - self.time_zero_s)[:, None]
            with np.errstate(over="ignore"):  # beyond any record
                return np.asarray(time_s * self.rate_hz)

        heard = 2 * self.method.f_number * np.abs(self.lateral_m) <= farthest_m * (1 + 1e-9)
        if not heard.any():
            heard[:] = True
        # No row is needed that lies wholly before or beyond the record; one more absorbs rounding.
        before = -(self.shift.max(axis=1) >> 32) - 1
        first = np.floor(samples(nearest_m, self.lateral_m).min(axis=1)) - 1
        first = np.clip(first, before, self.n_samples).astype(np.int64)
        last = np.floor(samples(farthest_m, self.lateral_m[heard]).max(axis=1)) + 1
        last = np.clip(last, first, self.n_samples).astype(np.int64)
        # The kernel reads three rows from each position, and into the one after them.
        return first, int((last - first).max()) + 4
