"""PulsedWaveDoppler: channel data to a spectral picture, planned once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from usdk.acquisition import Acquisition, Gap
from usdk.arguments import finite
from usdk.doppler.clutter import IirFilter, IirKind, cutoff_for
from usdk.doppler.picture_rate import PictureRate
from usdk.doppler.spectral.estimator import SpectralEstimator
from usdk.doppler.spectral.gate import Gate
from usdk.doppler.spectral.sample_volume import SampleVolume
from usdk.doppler.spectral.slow_time_signal import SlowTimeSignal
from usdk.doppler.spectral.spectra import Spectra
from usdk.doppler.spectral.spectral_frame import SpectralFrame
from usdk.doppler.spectral.spectrogram import Spectrogram
from usdk.doppler.spectral.sweep import SpectralSweep
from usdk.doppler.spectral.wall_filter import WallFilter
from usdk.errors import ArgumentError
from usdk.frame import Provenance

__all__ = ["DEFAULT_WALL_SHARE", "PulsedWaveDoppler"]

DEFAULT_WALL_SHARE = 0.02
"""Cutoff of the wall filter when none is given, share of the PRF."""
MAX_GAPS = 1024
_WALL_ORDER = 4


class PulsedWaveDoppler:
    """Gate, wall filter, spectra and sweep in one plan.

    Parameters
    ----------
    acquisition : Acquisition
        Data of the kind that will come; it is read only for its description.
    sample_volume : SampleVolume
        Where to listen.
    wall_m_s : float, optional
        Cutoff of the wall filter, velocity along the beam, m/s; 0 leaves it out; when absent
        `DEFAULT_WALL_SHARE` of the PRF. It is a Butterworth filter of order 4.
    wall_filter : WallFilter, optional
        Another one, instead.
    estimator, n_window, overlap
        As for `Spectrogram`.
    prf_hz, high_prf, demodulation
        As for `Gate`.
    beamformer : mapping, optional
        Options of `Beamformer`.
    picture_rate_hz : float, optional
        Pictures that a call returns in a second of the pulses' time, at most: for a live stream,
        in which a picture for each pulse would take longer than the pulses; no limit when absent.
    **sweep
        Options of `SpectralSweep`: ``sweep_s``, ``n_columns``, ``dynamic_range_db``, ``gain_db``,
        ``baseline``, ``invert``, ``trace`` …

    Notes
    -----
    A plan works for one thread at a time. Its memory does not grow: the gate's weights, a window
    of pulses, and the columns of the sweep.
    """

    def __init__(
        self,
        acquisition: Acquisition,
        sample_volume: SampleVolume,
        *,
        wall_m_s: float | None = None,
        wall_filter: WallFilter | None = None,
        estimator: str | SpectralEstimator = "periodogram",
        n_window: int = 128,
        overlap: float = 0.75,
        prf_hz: float | None = None,
        high_prf: bool = False,
        demodulation: Mapping[str, Any] | None = None,
        beamformer: Mapping[str, Any] | None = None,
        picture_rate_hz: float | None = None,
        **sweep: Any,
    ) -> None:
        self.gate = Gate(
            acquisition,
            sample_volume,
            prf_hz=prf_hz,
            high_prf=high_prf,
            demodulation=demodulation,
            **dict(beamformer or {}),
        )
        self.slow_time = self.gate.slow_time
        if wall_filter is None:
            cutoff = DEFAULT_WALL_SHARE
            if wall_m_s is not None and finite(wall_m_s, "wall_m_s") != 0:
                cutoff = cutoff_for(wall_m_s, self.slow_time)
            if wall_m_s != 0:
                wall_filter = IirFilter(cutoff, _WALL_ORDER, kind=IirKind.BUTTERWORTH)
        elif wall_m_s is not None:
            raise ArgumentError("give wall_m_s or wall_filter, not both")
        self.spectrogram = Spectrogram(
            self.slow_time,
            estimator=estimator,
            n_window=n_window,
            overlap=overlap,
            wall_filter=wall_filter,
            angle_rad=sample_volume.angle_rad,
        )
        self.sweep = SpectralSweep(**sweep)
        self._pictures = PictureRate(picture_rate_hz, self.slow_time.prf_hz)
        self._gaps: deque[tuple[int, Gap]] = deque(maxlen=MAX_GAPS)
        processing = (
            ("gate", self.gate.explain()),
            *self.spectrogram.describe(),
            *self.sweep.describe(),
        )
        self._provenance = Provenance.of(acquisition, processing=processing)

    @property
    def n_bytes(self) -> int:
        """Memory that the plan holds, however long it runs."""
        n_bins, n_looks = self.spectrogram.estimator.n_bins, self.gate.n_looks
        columns = 4 * (self.sweep.n_columns + 1) * n_bins
        return self.gate.n_bytes + n_looks * self.spectrogram.n_bytes + columns

    def reset(self) -> None:
        """Forget all pulses: the next one begins a new picture."""
        self.spectrogram.reset()
        self.sweep.reset()
        self._pictures.reset()
        self._gaps.clear()

    def add(self, acquisition: Acquisition) -> Spectra:
        """Take the frames of an acquisition, and return the spectra that they complete."""
        spectra = self.add_signals(self.gate(acquisition))
        for gap in acquisition.gaps:
            self._gaps.append((gap.first_sequence_number * self.gate.n_pulses_per_frame, gap))
        return spectra

    def add_signals(self, signals: Iterable[SlowTimeSignal]) -> Spectra:
        """Take what `gate` made of an acquisition, where the signal is wanted elsewhere, too."""
        found = [self.spectrogram.add(signal) for signal in signals]
        if not found:
            raise ArgumentError("no signal was given: an acquisition has at least one")
        spectra = found[0] if len(found) == 1 else Spectra.joined(found)
        if spectra.n_columns:
            self.sweep.add(spectra)
        return spectra

    def __call__(self, acquisition: Acquisition) -> SpectralFrame | None:
        """Take the frames of an acquisition, and return the picture that ends with them.

        None while no window of pulses is whole yet, and where ``picture_rate_hz`` asks for no
        picture so soon after the last: a live stream goes on with the next pulses.
        """
        self.add(acquisition)
        if self.sweep.is_empty or not self._pictures.is_due(self.spectrogram.next_pulse):
            return None
        return self.frame()

    def frame(self) -> SpectralFrame:
        """Return the picture of the last ``sweep_s``; the newest column is its last."""
        frame = self.sweep.frame()
        n_pulses = int(np.ceil(self.sweep.sweep_s * self.slow_time.prf_hz))
        oldest = self.spectrogram.next_pulse - n_pulses
        gaps = tuple(gap for pulse, gap in self._gaps if pulse >= oldest)
        return replace(frame, provenance=replace(self._provenance, gaps=gaps))
