"""MotionTracker: beamformed IQ frames to displacements, planned once."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import count, finite, positive, require_instance
from usdk.choice import choice
from usdk.errors import ArgumentError
from usdk.scan import LinearScan, SectorScan
from usdk.tiles import cut, run_tiles
from usdk.tissue_motion.estimator import MotionEstimator, displacement_m, echo_frequency_hz
from usdk.tissue_motion.motion import TissueMotion
from usdk_kernels.frame_correlation import correlate_frames

__all__ = ["MAX_SHIFT", "MotionTracker"]

MAX_SHIFT = 1024
"""Most samples that the coarse search goes to either side."""

_MAX_WINDOW = 2**16
_LINES_PER_TILE = 8


class MotionTracker:
    """Displacement from frame to frame along the lines of a scan.

    Every point is compared with itself a frame later, in a window about it: the phase of the
    correlation, over the whole window, is the displacement (`usdk.tissue_motion.estimator`).
    **Displacements are positive away from the probe**, +z of the probe's coordinates.

    Parameters
    ----------
    scan : LinearScan or SectorScan
        Where the samples lie; the displacement is that along its lines.
    frequency_hz : float
        Demodulation frequency of the IQ, Hz.
    sound_speed_m_s : float
        m/s.
    window_m : float, optional
        Length of the window along the line, m; ten wavelengths when absent. It is made an odd
        number of samples.
    n_lines : int
        Lines of the window, odd.
    estimator : MotionEstimator or str
        ``autocorrelation`` or ``2-D autocorrelation``, as colour flow names them.
    search_m : float
        Displacement to either side that whole-sample shifts are tried for first, by the normalised
        correlation, m; 0 for none. Without it displacements beyond a quarter of a wavelength are
        aliased.
    is_baseband : bool
        Whether the phase of the IQ along depth is relative to ``frequency_hz``; that of
        `usdk.Beamformer` is not.

    Raises
    ------
    ArgumentError
        If a number is out of range.

    Notes
    -----
    The phase of a point beamformed with a wide aperture turns by less than 4 π f d / c, because
    echoes reach its elements aslant: at F-number 1 displacements are read 1 % too small, at
    F-number 2 0.3 %.
    """

    def __init__(
        self,
        scan: LinearScan | SectorScan,
        *,
        frequency_hz: float,
        sound_speed_m_s: float = 1540.0,
        window_m: float | None = None,
        n_lines: int = 1,
        estimator: MotionEstimator | str = MotionEstimator.AUTOCORRELATION_2D,
        search_m: float = 0.0,
        is_baseband: bool = False,
    ) -> None:
        if not isinstance(scan, LinearScan | SectorScan):
            raise ArgumentError("scan must be a LinearScan or a SectorScan")
        self.scan = scan
        self.frequency_hz = positive(frequency_hz, "frequency_hz")
        self.sound_speed_m_s = positive(sound_speed_m_s, "sound_speed_m_s")
        depths_m = scan.z_m if isinstance(scan, LinearScan) else scan.ranges_m
        self.step_m = float((depths_m[-1] - depths_m[0]) / (depths_m.size - 1))
        if window_m is None:
            window_m = 10 * self.sound_speed_m_s / self.frequency_hz
        n_steps = min(positive(window_m, "window_m") / self.step_m, 2.0**31)
        half = round((n_steps - 1) / 2)
        self._half_samples = count(
            max(half, 0), "window_m over the step", least=0, most=_MAX_WINDOW
        )
        n_lines = count(n_lines, "n_lines", most=_MAX_WINDOW)
        if n_lines % 2 == 0:
            raise ArgumentError(f"n_lines must be odd, about a middle line, got {n_lines}")
        self._half_lines = n_lines // 2
        self.estimator = choice(MotionEstimator, estimator)
        search_m = finite(search_m, "search_m")
        if search_m < 0:
            raise ArgumentError(f"search_m must not be negative, got {search_m}")
        self._greatest_shift = count(
            math.ceil(min(search_m / self.step_m, 2.0**31)),
            "search_m over the step",
            least=0,
            most=MAX_SHIFT,
        )
        self.is_baseband = bool(is_baseband)
        if self.estimator is MotionEstimator.AUTOCORRELATION_2D and self._half_samples < 1:
            raise ArgumentError("the 2-D autocorrelation needs a window of 3 samples or more")

    @property
    def window_m(self) -> float:
        """Length of the window along the line, m."""
        return (2 * self._half_samples + 1) * self.step_m

    @property
    def limit_m(self) -> float:
        """Displacement from frame to frame beyond which it is aliased, m."""
        return self._greatest_shift * self.step_m + self.sound_speed_m_s / (4 * self.frequency_hz)

    def describe(self) -> str:
        """Return the settings in a few words, for provenance."""
        search = f", search of {self._greatest_shift} samples" if self._greatest_shift else ""
        return (
            f"{self.estimator} at {self.frequency_hz:g} Hz, window {self.window_m * 1e3:.3g} mm × "
            f"{2 * self._half_lines + 1} lines{search}"
        )

    def pair(
        self, first: NDArray[Any], second: NDArray[Any], *, threads: int | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return displacement and quality from one frame to the next.

        Parameters
        ----------
        first, second : ndarray of complex64, (n_lines, n_samples)
            Beamformed IQ, finite.
        threads : int, optional
            Threads to use; `usdk.tiles.n_threads` when absent.

        Returns
        -------
        displacement_m : ndarray of float32, (n_lines, n_samples)
            Positive away from the probe, m.
        quality : ndarray of float32, (n_lines, n_samples)
            Correlation coefficient of the two windows, 0 to 1.
        """
        one, other = self._frame(first, "first"), self._frame(second, "second")
        shape = self.scan.shape
        lag_one, axial = np.empty(shape, np.complex64), np.empty(shape, np.complex64)
        quality, shift = np.empty(shape, np.float32), np.empty(shape, np.int16)
        sizes = (self._half_lines, self._half_samples, self._greatest_shift)
        run_tiles(
            lambda tile: correlate_frames(
                one, other, *sizes, *tile, lag_one, axial, quality, shift
            ),
            cut(shape[0], _LINES_PER_TILE),
            threads=threads,
        )
        settings: dict[str, Any] = {
            "frequency_hz": self.frequency_hz,
            "step_m": self.step_m,
            "sound_speed_m_s": self.sound_speed_m_s,
            "is_baseband": self.is_baseband,
        }
        echo_hz: NDArray[np.float64] | float = self.frequency_hz
        if self.estimator is MotionEstimator.AUTOCORRELATION_2D:
            echo_hz = echo_frequency_hz(axial, **settings)
        return displacement_m(lag_one, shift, echo_hz, **settings), quality

    def __call__(
        self,
        frames: NDArray[Any],
        *,
        times_s: NDArray[np.float64] | None = None,
        threads: int | None = None,
    ) -> TissueMotion:
        """Return the motion from each frame to the next.

        Parameters
        ----------
        frames : ndarray of complex64, (n_lines, n_samples, n_frames)
            Beamformed IQ, slow time last, as `Beamformer.ensemble` gives it; two frames or more.
        times_s : array_like, (n_frames,), optional
            When each frame was taken, s; needed for velocities and strain rates.
        threads : int, optional
            Threads to use; `usdk.tiles.n_threads` when absent.
        """
        frames = np.asarray(frames)
        if frames.ndim != 3 or frames.shape[2] < 2:
            raise ArgumentError(
                f"frames must have shape (n_lines, n_samples, n_frames), two frames or more, got "
                f"{frames.shape}"
            )
        rows = [self._frame(frames[..., n], "frames") for n in range(frames.shape[2])]
        return self.follow(rows, times_s=times_s, threads=threads)

    def follow(
        self,
        frames: list[NDArray[np.complex64]],
        *,
        times_s: NDArray[np.float64] | None = None,
        is_after_gap: NDArray[np.bool_] | None = None,
        threads: int | None = None,
    ) -> TissueMotion:
        """Return the motion of a list of frames, (n_lines, n_samples) each; else as for a call.

        Parameters
        ----------
        frames, times_s, threads
            As for a call.
        is_after_gap : array_like of bool, (n_frames,), optional
            Frames before which others were lost.
        """
        require_instance(frames, list, "frames")
        pairs = [
            self.pair(frames[n], frames[n + 1], threads=threads) for n in range(len(frames) - 1)
        ]
        n_pairs = len(pairs)
        displacement = np.empty((*self.scan.shape, n_pairs), np.float32)
        quality = np.empty_like(displacement)
        for n, (moved, fit) in enumerate(pairs):
            displacement[..., n], quality[..., n] = moved, fit
        after = np.zeros(n_pairs + 1, bool) if is_after_gap is None else np.asarray(is_after_gap)
        if after.shape != (n_pairs + 1,) or after.dtype != bool:
            raise ArgumentError("is_after_gap needs True or False for each frame")
        gaps = after[1:]
        return TissueMotion(
            displacement_m=displacement,
            quality=quality,
            scan=self.scan,
            times_s=np.full(n_pairs + 1, np.nan) if times_s is None else np.asarray(times_s),
            is_after_gap=gaps,
        )

    def _frame(self, frame: NDArray[Any], name: str) -> NDArray[np.complex64]:
        frame = np.asarray(frame)
        if frame.shape != self.scan.shape or frame.dtype.kind != "c":
            raise ArgumentError(
                f"{name} must be complex IQ of the scan's shape {self.scan.shape}, got "
                f"{frame.dtype} {frame.shape}"
            )
        frame = np.require(frame, np.complex64, ("C", "W"))
        with np.errstate(invalid="ignore"):
            is_finite = np.isfinite(frame.view(np.float32).sum(dtype=np.float64))
        if not is_finite:
            raise ArgumentError(f"{name} hold NaN or infinity: replace them (0 is silence)")
        return frame
