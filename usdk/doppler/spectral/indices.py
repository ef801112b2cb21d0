"""Indices of a flow waveform: PSV, EDV, means, RI, PI, S/D and heart rate, from its beats."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import positive, require_instance
from usdk.doppler.spectral.trace import VelocityTrace
from usdk.errors import ArgumentError

__all__ = ["MAX_HEART_RATE_HZ", "MIN_HEART_RATE_HZ", "Beat", "FlowIndices", "flow_indices"]

MIN_HEART_RATE_HZ, MAX_HEART_RATE_HZ = 0.4, 5.0
_LEAST_CORRELATION = 0.3
# Of the greatest correlation: the shortest period whose peak is as high is the beat's.
_NEARLY = 0.85
_SMOOTH_SHARE = 0.03
_UPSTROKE_SHARE = 0.5
# Share of a beat before the upstroke in which diastole ends.
_FOOT_SHARE = 0.25


@dataclass(frozen=True, kw_only=True)
class Beat:
    """One heart beat, from the foot of its upstroke to that of the next.

    Parameters
    ----------
    start_s, duration_s : float
        Time of the foot; time from the steepest rise behind it to that of the next beat, which
        noise moves less than feet, s.
    psv_m_s, edv_m_s : float
        Peak systolic velocity: the greatest of the envelope; end-diastolic velocity: the envelope
        at the beat's end, just before the next upstroke; m/s.
    lowest_m_s : float
        The least of the envelope, m/s.
    tamax_m_s, tamean_m_s : float
        Time average of the envelope, and of the mean velocity, over the beat, m/s.
    """

    start_s: float
    duration_s: float
    psv_m_s: float
    edv_m_s: float
    lowest_m_s: float
    tamax_m_s: float
    tamean_m_s: float

    @property
    def resistance_index(self) -> float:
        """RI = (PSV − EDV) / PSV, Pourcelot 1974."""
        return _ratio(self.psv_m_s - self.edv_m_s, self.psv_m_s)

    @property
    def pulsatility_index(self) -> float:
        """PI = (greatest − least) / TAMAX, Gosling and King 1974."""
        return _ratio(self.psv_m_s - self.lowest_m_s, self.tamax_m_s)

    @property
    def systolic_diastolic_ratio(self) -> float:
        """S/D = PSV / EDV, Stuart et al. 1980."""
        return _ratio(self.psv_m_s, self.edv_m_s)


@dataclass(frozen=True, kw_only=True)
class FlowIndices:
    """Means over the beats of a trace.

    Velocities have the sign of the flow's direction; indices are ratios without one.

    Parameters
    ----------
    beats : tuple of Beat
        The whole beats.

    References
    ----------
    L. Pourcelot, "Applications cliniques de l'examen Doppler transcutané", INSERM 34, 1974,
    213-240 (RI). R. G. Gosling, D. H. King, "Arterial assessment by Doppler-shift ultrasound",
    Proc. R. Soc. Med. 67, 1974, 447-449 (PI, peak to peak over mean). B. Stuart, J. Drumm, D. E.
    FitzGerald, N. M. Duignan, "Fetal blood velocity waveforms in normal pregnancy", Br. J. Obstet.
    Gynaecol. 87, 1980, 780-785 (S/D).
    """

    beats: tuple[Beat, ...]

    def _mean(self, name: str) -> float:
        return float(np.mean([getattr(beat, name) for beat in self.beats]))

    @property
    def psv_m_s(self) -> float:
        """Peak systolic velocity, m/s."""
        return self._mean("psv_m_s")

    @property
    def edv_m_s(self) -> float:
        """End-diastolic velocity, m/s."""
        return self._mean("edv_m_s")

    @property
    def tamax_m_s(self) -> float:
        """Time-averaged maximum velocity, m/s."""
        return self._mean("tamax_m_s")

    @property
    def tamean_m_s(self) -> float:
        """Time-averaged mean velocity, m/s."""
        return self._mean("tamean_m_s")

    @property
    def resistance_index(self) -> float:
        """RI, mean of the beats'."""
        return self._mean("resistance_index")

    @property
    def pulsatility_index(self) -> float:
        """PI, mean of the beats'."""
        return self._mean("pulsatility_index")

    @property
    def systolic_diastolic_ratio(self) -> float:
        """S/D, mean of the beats'."""
        return self._mean("systolic_diastolic_ratio")

    @property
    def heart_rate_hz(self) -> float:
        """Beats per second: one over the median of the beats' durations, Hz."""
        return float(1 / np.median([beat.duration_s for beat in self.beats]))

    @property
    def heart_rate_bpm(self) -> float:
        """Beats per minute."""
        return 60 * self.heart_rate_hz


def flow_indices(
    trace: VelocityTrace,
    *,
    min_heart_rate_hz: float = MIN_HEART_RATE_HZ,
    max_heart_rate_hz: float = MAX_HEART_RATE_HZ,
) -> FlowIndices:
    """Return the indices of the whole beats of a trace.

    The period is the lag of the envelope's greatest autocorrelation. A beat begins at the foot of
    its upstroke: the least of the smoothed envelope in the quarter of a period before its steepest
    rise. A beat of which columns are missing does not count.

    Parameters
    ----------
    trace : VelocityTrace
        Greatest and mean velocities over time, in equal steps.
    min_heart_rate_hz, max_heart_rate_hz : float
        Between which the heart rate is looked for, Hz.

    Raises
    ------
    ArgumentError
        If the trace holds no whole beat.
    """
    require_instance(trace, VelocityTrace, "trace")
    low_hz = positive(min_heart_rate_hz, "min_heart_rate_hz")
    high_hz = positive(max_heart_rate_hz, "max_heart_rate_hz")
    if not low_hz < high_hz:
        raise ArgumentError("min_heart_rate_hz must be less than max_heart_rate_hz")
    maximum = trace.maximum_m_s.astype(np.float64)
    mean = trace.mean_m_s.astype(np.float64)
    is_there = np.isfinite(maximum)
    if np.count_nonzero(is_there) < 8:
        raise ArgumentError("the trace holds no signal: check gate, gain and threshold")
    sign = 1.0 if np.sum(maximum[is_there]) >= 0 else -1.0
    # Holes are bridged to find the beats; a beat with a hole does not count.
    bridged = np.interp(np.arange(maximum.size), np.flatnonzero(is_there), maximum[is_there]) * sign
    period = _period(bridged, trace.column_s, low_hz, high_hz)
    smooth = _smoothed(bridged, max(1, round(_SMOOTH_SHARE * period)))
    feet = _feet(smooth, period)
    beats = []
    for (begin, rise), (stop, next_rise) in pairwise(feet):
        if not is_there[begin : stop + 1].all():
            continue
        part = smooth[begin : stop + 1]
        duration_s = float(trace.time_s[next_rise] - trace.time_s[rise])
        if not 1 / high_hz <= duration_s <= 1 / low_hz:
            continue
        psv, lowest, edv = float(part.max()), float(part.min()), float(smooth[stop])
        # Where the line turns back, the smoothed greatest is the right one of either sign.
        beats.append(
            Beat(
                start_s=float(trace.time_s[begin]),
                duration_s=duration_s,
                psv_m_s=sign * psv,
                edv_m_s=sign * edv,
                lowest_m_s=sign * lowest,
                tamax_m_s=float(maximum[begin:stop].mean()),
                tamean_m_s=float(mean[begin:stop].mean()),
            )
        )
    if not beats:
        raise ArgumentError("the trace holds no whole beat: record at least two heart beats")
    return FlowIndices(beats=tuple(beats))


def _period(values: NDArray[np.float64], column_s: float, low_hz: float, high_hz: float) -> float:
    """Return the columns from beat to beat."""
    rest = values - values.mean()
    n = rest.size
    transform = np.fft.rfft(rest, 2 * n)
    product = np.fft.irfft(np.abs(transform) ** 2)[:n]
    power = np.concatenate(([0.0], np.cumsum(rest**2)))
    lags = np.arange(n)
    # Of the two parts that a lag compares, each by its own power.
    scale = np.sqrt(power[n - lags] * (power[n] - power[lags]))
    correlation = product / np.where(scale > 0, scale, 1)
    first = max(2, math.floor(1 / high_hz / column_s))
    last = min(math.ceil(1 / low_hz / column_s), n * 2 // 3)
    inner = correlation[first : last + 1]
    is_peak = (inner >= correlation[first - 1 : last]) & (
        inner >= np.append(correlation[first + 1 : last + 2], -1)[: inner.size]
    )
    peaks = first + np.flatnonzero(is_peak)
    if peaks.size == 0 or correlation[peaks].max() < _LEAST_CORRELATION:
        raise ArgumentError(
            "the trace does not repeat itself: record at least two heart beats, and check that the "
            "envelope follows the flow"
        )
    return float(peaks[correlation[peaks] >= _NEARLY * correlation[peaks].max()][0])


def _feet(smooth: NDArray[np.float64], period: float) -> list[tuple[int, int]]:
    """Return where upstrokes begin, and where they are steepest."""
    rise = np.gradient(smooth)
    window = max(1, round(0.6 * period))
    upstrokes = []
    left = rise.copy()
    greatest = rise.max()
    while left.max() > _UPSTROKE_SHARE * greatest and greatest > 0:
        place = int(left.argmax())
        upstrokes.append(place)
        left[max(0, place - window) : place + window + 1] = -np.inf
    feet = []
    for place in sorted(upstrokes):
        first = place - max(1, round(_FOOT_SHARE * period))
        if first < 0:
            continue
        part = smooth[first : place + 1]
        # The last of the least: diastole may be flat.
        feet.append((first + int(np.flatnonzero(part <= part.min())[-1]), place))
    return feet


def _smoothed(values: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    n |= 1
    padded = np.pad(values, n // 2, mode="edge")
    return np.convolve(padded, np.full(n, 1 / n), mode="valid")


def _ratio(above: float, below: float) -> float:
    return above / below if below else math.nan
