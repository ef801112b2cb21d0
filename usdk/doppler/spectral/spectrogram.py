"""Spectrogram: slow-time signals to spectra, column by column, continuously."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import count, finite, short
from usdk.doppler.clutter.stream import SlowTimeStream
from usdk.doppler.slow_time import SlowTime
from usdk.doppler.spectral.adaptive import BloodApes, Capon
from usdk.doppler.spectral.estimator import SpectralEstimator
from usdk.doppler.spectral.periodogram import Periodogram, Welch
from usdk.doppler.spectral.sample_volume import MAX_LOOKS, require_angle
from usdk.doppler.spectral.slow_time_signal import SlowTimeSignal, unbroken
from usdk.doppler.spectral.spectra import Spectra
from usdk.doppler.spectral.wall_filter import WallFilter
from usdk.errors import ArgumentError

__all__ = ["PULSES_PER_PIECE", "Spectrogram", "estimator_of"]

PULSES_PER_PIECE = 4096
"""Pulses that are taken at a time, whatever a block holds: so much memory is used at most."""

_ESTIMATORS: dict[str, type[SpectralEstimator]] = {
    "periodogram": Periodogram,
    "welch": Welch,
    "capon": Capon,
    "blood APES": BloodApes,
}


class Spectrogram:
    """Wall filter, windows and spectra of a signal that never ends.

    Column k is the spectrum of the pulses from k ``n_hop`` on, counted by their numbers, if all of
    them came: the columns are the same, bit by bit, however the signal is cut into blocks. Where
    pulses are lost, the columns are absent whose windows touch the hole, and the wall filter
    begins anew.

    Parameters
    ----------
    slow_time : SlowTime
        PRF and frequency of the signal.
    estimator : str or SpectralEstimator
        ``"periodogram"``, ``"welch"``, ``"capon"`` or ``"blood APES"``, of ``n_window`` pulses, or
        an estimator of your own making.
    n_window : int
        Pulses of a window.
    overlap : float
        Share of a window that the next one shares, 0 to 0.99.
    wall_filter : WallFilter, optional
        What takes the walls' echoes away: an `IirFilter` or `FirFilter`; none when absent.
    angle_rad : float
        Angle between beam and flow for which velocities are corrected, rad.

    Notes
    -----
    It holds one window of pulses, and `PULSES_PER_PIECE` while it works.
    """

    def __init__(
        self,
        slow_time: SlowTime,
        *,
        estimator: str | SpectralEstimator = "periodogram",
        n_window: int = 128,
        overlap: float = 0.75,
        wall_filter: WallFilter | None = None,
        angle_rad: float = 0.0,
    ) -> None:
        if not isinstance(slow_time, SlowTime):
            raise ArgumentError(f"slow_time must be a SlowTime, got {type(slow_time).__name__}")
        self.slow_time = slow_time
        self.estimator = estimator_of(estimator, n_window)
        self.n_window = self.estimator.n_window
        overlap = finite(overlap, "overlap")
        if not 0 <= overlap <= 0.99:
            raise ArgumentError(f"overlap must be 0 to 0.99, got {overlap:g}")
        self.n_hop = max(1, round(self.n_window * (1 - overlap)))
        if not isinstance(wall_filter, WallFilter | None):
            raise ArgumentError(
                "wall_filter must go on without end, as IirFilter and FirFilter do, got "
                f"{type(wall_filter).__name__}"
            )
        self.wall_filter = wall_filter
        self.angle_rad = require_angle(angle_rad)
        self.reset()

    def reset(self) -> None:
        """Forget all pulses."""
        self._kept = np.empty((0, 0), np.complex64)
        self._waiting: list[NDArray[np.complex64]] = []
        self._kept_from = self._next_pulse = self._due = 0
        self._is_broken = True
        self._zero_s = math.nan
        self._stream: SlowTimeStream | None = None

    @property
    def next_pulse(self) -> int:
        """Number of the pulse that would follow the last one taken."""
        return self._next_pulse

    @property
    def n_bytes(self) -> int:
        """Most memory that is kept from one call to the next, for one look."""
        return 2 * self.n_window * 8

    def add(self, signal: SlowTimeSignal | NDArray[Any]) -> Spectra:
        """Take pulses, and return the columns that they complete.

        Parameters
        ----------
        signal : SlowTimeSignal or ndarray
            Of an array, (n_pulses,) or (n_looks, n_pulses), the first pulse follows the last one
            of the block before; pulses that are NaN were lost.

        Raises
        ------
        ArgumentError
            If it is no signal, or has another number of looks than those before.
        """
        if not isinstance(signal, SlowTimeSignal):
            return self._add_array(np.asarray(signal))
        if signal.samples.shape[0] > MAX_LOOKS:
            raise ArgumentError(f"a signal has at most {MAX_LOOKS} looks: slow time comes last")
        if self._is_broken or signal.first_pulse != self._next_pulse:
            self._begin(signal)
        elif signal.samples.shape[0] != self._kept.shape[0]:
            raise ArgumentError(
                f"the signal has {signal.samples.shape[0]} looks, before it {self._kept.shape[0]}: "
                "call reset"
            )
        self._waiting.append(signal.samples)
        self._next_pulse += signal.n_pulses
        if self._next_pulse < self._due:
            # Single pulses cost little while none completes a column.
            return self._nothing
        samples = self._waiting[0]
        if len(self._waiting) > 1:
            samples = np.concatenate(self._waiting, axis=1)
        self._waiting.clear()
        pieces = []
        for start in range(0, samples.shape[1], PULSES_PER_PIECE):
            pieces.append(self._take(samples[:, start : start + PULSES_PER_PIECE]))
        return self._spectra(pieces)

    def __call__(self, signal: SlowTimeSignal | NDArray[Any]) -> Spectra:
        """Return the spectra of one signal by itself; nothing is kept of others."""
        self.reset()
        try:
            return self.add(signal)
        finally:
            self.reset()

    def describe(self) -> tuple[tuple[str, str], ...]:
        """Return the settings, name and value, for provenance."""
        wall = "none" if self.wall_filter is None else self.wall_filter.describe()
        return (
            ("wall filter", wall),
            ("spectral estimator", self.estimator.describe()),
            ("columns", f"every {self.n_hop} pulses"),
        )

    def _add_array(self, array: NDArray[Any]) -> Spectra:
        """Take an array, whose first pulse follows the last one taken."""
        first_pulse = self._next_pulse
        runs = unbroken(array, first_pulse=first_pulse)
        parts = [self.add(run) for run in runs]
        stop_pulse = first_pulse + array.shape[-1]
        if stop_pulse != self._next_pulse:
            # Its last pulses were lost: what comes next stands behind a hole.
            self._next_pulse, self._is_broken = stop_pulse, True
        return Spectra.joined(parts) if parts else self._spectra([])

    def _begin(self, signal: SlowTimeSignal) -> None:
        """Begin anew with the first pulse of a signal, behind a hole or at the start."""
        if math.isnan(self._zero_s) or signal.first_pulse < self._next_pulse:
            zero_s = signal.start_s - signal.first_pulse / self.slow_time.prf_hz
            self._zero_s = zero_s if math.isfinite(zero_s) else 0.0
        self._is_broken = False
        self._kept = np.empty((signal.samples.shape[0], 0), np.complex64)
        self._waiting.clear()
        self._kept_from = self._next_pulse = signal.first_pulse
        self._due = -(-signal.first_pulse // self.n_hop) * self.n_hop + self.n_window
        self._nothing = self._spectra([])
        if self.wall_filter is not None:
            self._stream = self.wall_filter.stream((signal.samples.shape[0],))

    def _take(
        self, samples: NDArray[np.complex64]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return spectra and first pulses of the columns that a piece completes."""
        if self._stream is not None:
            samples = self._stream(samples, threads=1)
        kept = np.concatenate((self._kept, samples), axis=1)
        first = -(-self._kept_from // self.n_hop)
        stop = (self._kept_from + kept.shape[1] - self.n_window) // self.n_hop + 1
        if stop <= first:
            self._kept = kept
            return np.empty((0, self.estimator.n_bins), np.float32), np.empty(0, np.int64)
        pulses = np.arange(first, stop, dtype=np.int64) * self.n_hop
        windows = np.lib.stride_tricks.sliding_window_view(kept, self.n_window, axis=1)
        power = self.estimator(windows[:, pulses - self._kept_from])
        begin = stop * self.n_hop - self._kept_from
        self._kept = kept[:, begin:].copy()
        self._kept_from += begin
        self._due = stop * self.n_hop + self.n_window
        return power, pulses

    def _spectra(self, pieces: list[tuple[NDArray[np.float32], NDArray[np.int64]]]) -> Spectra:
        nothing = (np.empty((0, self.estimator.n_bins), np.float32), np.empty(0, np.int64))
        power, pulses = (np.concatenate(part) for part in zip(*(pieces or [nothing]), strict=True))
        middle = (self.n_window - 1) / 2
        zero_s = self._zero_s if math.isfinite(self._zero_s) else 0.0
        return Spectra(
            power=power,
            first_pulse=pulses,
            time_s=zero_s + (pulses + middle) / self.slow_time.prf_hz,
            n_window=self.n_window,
            n_hop=self.n_hop,
            slow_time=self.slow_time,
            angle_rad=self.angle_rad,
        )


def estimator_of(estimator: str | SpectralEstimator, n_window: int) -> SpectralEstimator:
    """Return an estimator given by name, of windows of ``n_window`` pulses, or the one given."""
    if isinstance(estimator, SpectralEstimator):
        return estimator
    if not isinstance(estimator, str) or estimator not in _ESTIMATORS:
        raise ArgumentError(f"{short(estimator)} is not one of {', '.join(_ESTIMATORS)}")
    return _ESTIMATORS[estimator](count(n_window, "n_window", least=4, most=2**20))
