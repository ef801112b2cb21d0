"""Plan of a scan whose columns are resampled from a grid on which a fast kernel is exact."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.beamform.geometry import Geometry
from usdk.beamform.options import Method
from usdk.beamform.plan import Plan
from usdk.beamform.plan_shift import MAX_PER_PITCH
from usdk.scan import LinearScan, Scan
from usdk.scan.axes import axis_step
from usdk.scratch import Scratch
from usdk.tiles import cut, run_tiles
from usdk.transmit import PlaneWave
from usdk_kernels.column_resampling import GROUP, resample_columns

__all__ = ["MAX_ALIGNED_COLUMNS", "N_TAPS", "ResampledPlan", "aligned_geometry"]

N_TAPS = 2 * GROUP
"""Columns of the aligned grid that make one column of the scan."""
MAX_ALIGNED_COLUMNS = 8
"""Most aligned columns for each column asked for; with more, the general kernel is as fast."""
# 12 taps measured no closer to the exact sum than 8 do.
_KAISER_BETA = 6.0
# Finer than the Nyquist criterion asks by this factor: so short a filter needs room between the
# band and its repetition. With it the columns are as close to band-limited interpolation of the
# channel data as those of direct linear interpolation; without it they were not quite.
_OVERSAMPLING = 1.25
_COLUMNS_PER_TILE = 16
# Share of a step by which a column may be off the aligned grid and still count as on it.
_ON_GRID = 1e-6


def aligned_geometry(geometry: Geometry, method: Method) -> tuple[Geometry | None, str]:
    r"""Return the geometry whose columns divide the pitch, or None and the reason why not.

    Its first column is left of the scan's first by half of the taps. Its columns are at least as
    fine as those asked for, and fine enough for every lateral wavenumber of the image: an echo that
    comes back at θ from a wave that went out at α changes over columns with
    f (sin θ + sin α) / c, so that steps of

    .. math:: \Delta x \le \frac{c}{2 f_{max} (\sin\theta_{max} + \sin\alpha_{max})}

    would be enough; a fifth is taken off. f_max is the upper −6 dB edge of the probe's band and
    θ_max the half-angle of the receive aperture, tan θ_max = 1 / (2 F).
    """
    probe, scan = geometry.probe, geometry.scan
    if not isinstance(scan, LinearScan):
        return None, "the scan's lines are not parallel to z"
    x_m = probe.element_positions_m[:, 0]
    pitch_m = float(x_m[-1] - x_m[0]) / max(x_m.size - 1, 1)
    waves = [wave for wave in geometry.sequence.transmits if isinstance(wave, PlaneWave)]
    if not pitch_m > 0 or len(waves) < len(geometry.sequence):
        return None, "not plane waves over a linear array"
    sin_transmit = max(abs(float(wave.direction[0])) for wave in waves)
    sin_receive = 1 / math.hypot(1.0, 2 * method.f_number)
    highest_hz = probe.centre_frequency_hz * (1 + probe.fractional_bandwidth / 2)
    nyquist_m = geometry.receive.sound_speed_m_s / (2 * highest_hz * (sin_receive + sin_transmit))
    enough_m = nyquist_m / _OVERSAMPLING
    asked_m = axis_step(scan.x_m)
    per_pitch = math.ceil(pitch_m / min(asked_m, enough_m) * (1 - _ON_GRID))
    if per_pitch > MAX_PER_PITCH:
        return None, f"more than {MAX_PER_PITCH} columns would stand on the pitch"
    step_m = pitch_m / per_pitch
    n_columns = math.ceil(float(scan.x_m[-1] - scan.x_m[0]) / step_m * (1 - _ON_GRID)) + N_TAPS
    if n_columns > MAX_ALIGNED_COLUMNS * scan.x_m.size + N_TAPS:
        return None, f"its {n_columns} columns would take longer than those asked for"
    aligned_x_m = scan.x_m[0] + (np.arange(n_columns) - (N_TAPS // 2 - 1)) * step_m
    aligned = LinearScan(x_m=aligned_x_m, z_m=scan.z_m)
    return Geometry(probe, geometry.sequence, geometry.receive, aligned), ""


class ResampledPlan:
    """Band-limited interpolation from the columns of an inner plan to those of a scan.

    Parameters
    ----------
    inner : Plan
        Beamforms ``aligned``.
    aligned : Geometry
        What the inner plan is of.
    scan : LinearScan
        Where to look, at the same depths.

    Notes
    -----
    The filters are sincs under a Kaiser window, `N_TAPS` long, of unit sum: J. F. Kaiser, R. W.
    Schafer, "On the use of the I0-sinh window for spectrum analysis", IEEE Trans. Acoust. Speech
    Signal Process. 28 (1980) 105-107.
    """

    def __init__(self, inner: Plan, aligned: Geometry, scan: Scan) -> None:
        assert isinstance(aligned.scan, LinearScan)
        assert isinstance(scan, LinearScan)
        self._inner = inner
        x_m = aligned.scan.x_m
        places = (scan.x_m - x_m[0]) / axis_step(x_m)
        lower = np.floor(places + _ON_GRID).astype(np.int64)
        self._first = np.clip(lower - (N_TAPS // 2 - 1), 0, x_m.size - N_TAPS)
        self._weights = _filters(places - self._first)
        self._tiles = cut(places.size, _COLUMNS_PER_TILE)
        shape, dtype = aligned.scan.shape, aligned.dtype
        self._images = Scratch(lambda: np.empty(shape, dtype))
        self.n_tiles = inner.n_tiles
        # The image of one calling thread.
        self.n_bytes = inner.n_bytes + self._first.nbytes + self._weights.nbytes
        self.n_bytes += dtype.itemsize * math.prod(shape)

    def __call__(self, data: NDArray[Any], out: NDArray[Any], threads: int | None) -> None:
        """Beamform one frame; both arrays are of the kernel's type, C-contiguous and writable."""
        with self._images.lent() as image:
            self._inner(data, image, threads)
            source, target = image.view(np.float32), out.view(np.float32)
            tables = (self._weights, self._first)
            run_tiles(
                lambda columns: resample_columns(source, *tables, *columns, target),
                self._tiles,
                threads=threads,
            )


def _filters(places: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the taps for places counted from the first tap, (n, `N_TAPS`)."""
    distance = places[:, None] - np.arange(N_TAPS)
    inside = np.clip(1 - (distance / (N_TAPS / 2)) ** 2, 0, None)
    taps = np.sinc(distance) * np.i0(_KAISER_BETA * np.sqrt(inside)) * (inside > 0)
    return np.asarray(taps / taps.sum(axis=1, keepdims=True), np.float32)
