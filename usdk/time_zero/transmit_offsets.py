"""Offsets between the clocks of transmits: correlate their echoes of the same points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from usdk.beamform.insonification import insonification
from usdk.scan import Scan
from usdk.time_zero.bright_points import bright_points
from usdk.time_zero.delayed_sums import DelayedSamples
from usdk.transmit import DivergingWave, FocusedWave, PlaneWave, SingleElement

__all__ = ["TransmitOffsets"]

_Array = NDArray[np.float64]
_LEAST_SHARE = 0.3  # of a beam, at a point that it is asked about
_LEAST_CORRELATION = 0.5
_LEAST_POINTS = 2
_LEAST_ELEMENTS = 24
_STEPS_PER_PERIOD = 64
_N_POINTS = 12
_KNOWN = (PlaneWave, DivergingWave, FocusedWave, SingleElement)


@dataclass(frozen=True, eq=False)
class TransmitOffsets:
    """Estimates the offset of each transmit against one of them.

    Parameters
    ----------
    samples : DelayedSamples
        The channel data.
    scan : Scan
        Where to look for bright points.
    farthest_s : float
        Greatest offset to look for, s.
    pulse_s : float
        Length of the echo of a point, s.
    """

    samples: DelayedSamples
    scan: Scan
    farthest_s: float
    pulse_s: float

    def estimate(self, first: int) -> tuple[_Array, dict[int, _Array]]:
        """Return the offsets, (n_transmits,), s, NaN where untold, and each reference's points.

        Transmits that light the bright points of the first are compared with it; one of them
        becomes the next reference, and so on until all are known or none is left to ask.
        """
        n_transmits = len(self.samples.iq.sequence)
        offsets_s = np.full(n_transmits, np.nan)
        offsets_s[first] = 0.0
        points: dict[int, _Array] = {}
        while True:
            unknown = np.flatnonzero(np.isnan(offsets_s))
            known = [t for t in np.flatnonzero(~np.isnan(offsets_s)) if int(t) not in points]
            if (unknown.size == 0 and points) or not known:
                return offsets_s, points
            # The farther along the row of transmits that are known, the more unknown ones are lit.
            gaps = [np.abs(unknown - t).min() if unknown.size else 0 for t in known]
            reference = int(known[int(np.argmin(gaps))])
            points[reference] = self._points(reference)
            if len(points[reference]) < _LEAST_POINTS:
                continue
            wanted = self._signals(reference, points[reference], 0)
            for transmit in unknown:
                found_s = self._against(wanted, int(transmit), points[reference])
                offsets_s[transmit] = offsets_s[reference] + found_s

    def _points(self, transmit: int) -> _Array:
        iq = self.samples.iq
        apart_m = 2 * self.pulse_s * iq.receive.sound_speed_m_s
        found_m = bright_points(
            iq, self.samples.frame, transmit, self.scan, n_points=_N_POINTS, apart_m=apart_m
        )
        # A few elements agree by chance.
        heard = self.samples.apertures(found_m).sum(axis=1) >= self._least_elements
        return np.asarray(found_m[self.lit(transmit, found_m) & heard])

    @property
    def _least_elements(self) -> int:
        return min(_LEAST_ELEMENTS, self.samples.iq.probe.n_elements // 2)

    def power(self, transmit: int, points_m: _Array) -> _Array:
        """Return the power of each point's echo, (n_points,)."""
        if not len(points_m):
            return np.zeros(0)
        return np.asarray(np.sum(np.abs(self._signals(transmit, points_m, 0)) ** 2, axis=1))

    def lit(self, transmit: int, points_m: _Array) -> NDArray[np.bool_]:
        """Return which points a transmit's beam reaches, (n_points,)."""
        iq = self.samples.iq
        wave = iq.sequence.transmits[transmit]
        if not isinstance(wave, _KNOWN):
            return np.ones(len(points_m), bool)
        wavelength_m = iq.receive.sound_speed_m_s / iq.transmit_frequency_hz
        return insonification(wave, points_m, iq.probe, wavelength_m) >= _LEAST_SHARE

    def _signals(self, transmit: int, points_m: _Array, n_lags: int) -> NDArray[np.complex128]:
        """Return each point's sum over the elements about its echo, (n_points, n)."""
        rate_hz = self.samples.iq.receive.sampling_frequency_hz
        n_beyond = max(2, round(self.pulse_s * rate_hz)) + n_lags
        return np.stack(
            [
                self.samples.read(transmit, point_m[None], n_beyond)[0].sum(axis=0)
                for point_m in points_m
            ]
        )

    def _against(self, wanted: NDArray[np.complex128], transmit: int, points_m: _Array) -> float:
        """Return a transmit's offset against the reference, s; NaN if they show nothing alike."""
        lit = self.lit(transmit, points_m)
        if np.count_nonzero(lit) < _LEAST_POINTS or not np.any(wanted[lit]):
            return np.nan
        receive = self.samples.iq.receive
        rate_hz = receive.sampling_frequency_hz
        n_lags = int(np.ceil(self.farthest_s * rate_hz)) + 1
        heard, wanted = self._signals(transmit, points_m[lit], n_lags), wanted[lit]
        windows = np.lib.stride_tricks.sliding_window_view(heard, wanted.shape[1], axis=1)
        product = np.einsum("plk,pk->pl", windows, wanted.conj())
        power = np.sum(np.abs(wanted) ** 2, axis=1)
        energy = np.sum(np.abs(windows) ** 2, axis=2)
        energy = energy * power[:, None]
        alike = np.where(energy > 0, product / np.sqrt(np.where(energy > 0, energy, 1)), 0)
        lags_s = np.arange(-n_lags, n_lags + 1) / rate_hz
        # Baseband is smooth between samples; the carrier is put back on the fine grid.
        period_s = 1 / self.samples.iq.transmit_frequency_hz
        fine_s = np.arange(lags_s[0], lags_s[-1], period_s / _STEPS_PER_PERIOD)
        # What is bright is a point; what is faint may be the side lobe of one.
        smooth = CubicSpline(lags_s, power @ alike / power.sum())(fine_s)
        carrier = np.exp(2j * np.pi * receive.demodulation_frequency_hz * fine_s)
        correlation = (smooth * carrier).real
        best = int(np.argmax(correlation))
        if correlation[best] < _LEAST_CORRELATION:
            return np.nan
        return float(fine_s[best])
