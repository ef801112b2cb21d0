"""The low-pass before a volume is read more coarsely than it was sampled."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from usdk.tiles import cut, run_tiles
from usdk_kernels.volume_conversion import smooth_lines, smooth_samples

__all__ = ["MAX_HALF_WIDTH", "VolumePrefilter"]

MAX_HALF_WIDTH = 64.0
"""Steps of the data; a coarser grid than this still aliases."""
_NARROW = 1.05  # half-widths up to this many steps change so little that they are left out
_LINES_PER_TILE = 8
_ROWS_PER_TILE = 256


class VolumePrefilter:
    """Triangles along the three axes of a volume.

    Parameters
    ----------
    shape : (int, int, int)
        Of the volume: lines in two directions and samples along each.
    half_widths_a, half_widths_b : ndarray, (n_samples,)
        Half-width of the triangle along the first and the second axis at every sample, in steps.
    half_width_c : float
        Half-width along the samples, in steps.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        half_widths_a: NDArray[np.float64],
        half_widths_b: NDArray[np.float64],
        half_width_c: float,
    ) -> None:
        n_a, n_b, n_c = shape
        along_c = np.array([half_width_c])
        self._samples = _taps(along_c)[:, 0].copy() if half_width_c > _NARROW else None
        self._lines = []
        if half_widths_b.max() > _NARROW:
            self._lines.append(((n_a, n_b, 1, n_c), _taps(half_widths_b)))
        if half_widths_a.max() > _NARROW:
            self._lines.append(((1, n_a, n_b, n_c), _taps(half_widths_a)))
        n_passes = len(self._lines) + (self._samples is not None)
        self._scratch = [np.empty(shape, np.float32) for _ in range(min(n_passes, 2))]
        self.n_bytes = sum(scratch.nbytes for scratch in self._scratch)
        self.n_bytes += sum(taps.nbytes for _, taps in self._lines)

    def __call__(
        self, volume: NDArray[np.float32], threads: int | None = None
    ) -> NDArray[np.float32]:
        """Return the smoothed volume, in memory of the prefilter, or the volume where none is."""
        passes = 0
        if self._samples is not None:
            taps, source = self._samples, volume.reshape(-1, volume.shape[2])
            volume = self._scratch[passes % 2]
            target = volume.reshape(source.shape)
            run_tiles(
                lambda rows: smooth_samples(source, taps, *rows, target),
                cut(source.shape[0], _ROWS_PER_TILE),
                threads=threads,
            )
            passes += 1
        for shape, line_taps in self._lines:
            volume = self._pass(volume, self._scratch[passes % 2], shape, line_taps, threads)
            passes += 1
        return volume

    @staticmethod
    def _pass(
        volume: NDArray[np.float32],
        scratch: NDArray[np.float32],
        shape: tuple[int, int, int, int],
        taps: NDArray[np.float32],
        threads: int | None,
    ) -> NDArray[np.float32]:
        source, target = volume.reshape(shape), scratch.reshape(shape)
        run_tiles(
            lambda lines: smooth_lines(source, taps, *lines, target),
            cut(shape[1], _LINES_PER_TILE),
            threads=threads,
        )
        return scratch


def _taps(half_widths: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return half a triangle for each half-width, (n_taps, n), 1 at the middle."""
    widths = np.clip(np.nan_to_num(half_widths, nan=1.0), 1.0, MAX_HALF_WIDTH)
    n_taps = math.ceil(float(widths.max()))
    return np.maximum(1 - np.arange(n_taps)[:, None] / widths, 0).astype(np.float32)
