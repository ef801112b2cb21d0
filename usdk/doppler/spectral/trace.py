r"""Velocity trace: the greatest and the mean velocity of each spectrum.

All of it is done on one side of the baseline, with the integrated spectrum
:math:`\Phi(f) = \sum_{f' \le f} S(f')`, outwards from zero. Where flow of a parabolic profile fills
the gate, :math:`\Phi` is a straight line up to the greatest velocity, and from there on a flatter
one, of the noise.

- *Geometric*: the knee, where :math:`\Phi` stands farthest above the line from its beginning to its
  end. A smooth upper edge carries it outwards.
- *Slope intersection*: the noise's line is taken off, and the line through the points at which the
  signal has half and nine tenths of its power is drawn out to the whole.

References
----------
R. Moraes, N. Aydin, D. H. Evans, "The performance of three maximum frequency envelope detection
algorithms for Doppler signals", J. Vasc. Invest. 1, 1995, 126-134: the geometric method.
A. Kathpalia, Y. Karabiyik, S. H. Eik-Nes, E. Tegnander, I. K. Ekroll, G. Kiss, H. Torp, "Adaptive
spectral envelope estimation for Doppler ultrasound", IEEE Trans. Ultrason. Ferroelectr. Freq.
Control 63(11), 2016: intersection of the slopes of signal and noise in the integrated spectrum; the
two points of the signal's line are ours. B. A. J. Angelsen, "Instantaneous frequency, mean
frequency, and variance of mean frequency estimators for ultrasonic blood velocity Doppler signals",
IEEE Trans. Biomed. Eng. 28(11), 1981: the first moment.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import count, finite, positive
from usdk.choice import choice
from usdk.doppler.spectral.spectra import Spectra
from usdk.errors import ArgumentError

__all__ = ["EnvelopeMethod", "FlowSide", "VelocityTrace", "noise_power", "trace_of"]

MAX_THRESHOLD_DB = 200.0
"""Threshold over the noise, at most, dB."""

_N_BANDS = 32
# Of the bands nearest to zero velocity, in which the wall filter took the noise, too.
_N_WALL_BANDS = 2
_LOW, _HIGH = 0.5, 0.9
_GUARD = 1 / 16  # of a side: where a smooth edge ends


class EnvelopeMethod(StrEnum):
    """Where a spectrum ends."""

    SLOPE_INTERSECTION = "slope intersection"
    GEOMETRIC = "geometric"


class FlowSide(StrEnum):
    """Which side of the baseline is traced."""

    TOWARDS = "towards"
    AWAY = "away"
    STRONGER = "stronger"
    """The side with more power over all columns."""
    EACH = "each"
    """Of each column the side with more power: flow that turns back."""


@dataclass(frozen=True, eq=False, kw_only=True)
class VelocityTrace:
    """Velocities of each column; NaN where there is no signal.

    Parameters
    ----------
    time_s : ndarray of float64, (n_columns,)
        Time of each column's middle, s.
    maximum_m_s, mean_m_s : ndarray of float32, (n_columns,)
        Envelope, and first moment of the spectrum between it and zero, m/s; towards the probe
        positive.
    column_s : float
        Time from one column to the next, s.
    noise_power : float
        Power of the noise in a bin that was taken off.
    """

    time_s: NDArray[np.float64]
    maximum_m_s: NDArray[np.float32]
    mean_m_s: NDArray[np.float32]
    column_s: float
    noise_power: float


def trace_of(
    spectra: Spectra,
    *,
    method: EnvelopeMethod | str = EnvelopeMethod.SLOPE_INTERSECTION,
    side: FlowSide | str = FlowSide.STRONGER,
    threshold_db: float = 3.0,
    n_average: int = 5,
    n_median: int = 5,
    noise: float | None = None,
) -> VelocityTrace:
    """Return greatest and mean velocity of each column.

    Parameters
    ----------
    spectra : Spectra
        Columns of a spectrogram, its baseline where it shall be.
    method : EnvelopeMethod or str
        How the end of a spectrum is found; see the module.
    side : FlowSide or str
        Which side of the baseline.
    threshold_db : float
        Level of the signal over the noise, both averaged from zero up to the envelope, below which
        a column has none, dB.
    n_average : int
        Neighbouring columns over which spectra are averaged first, odd.
    n_median : int
        Columns of the running median that takes outliers out of the envelope, odd.
    noise : float, optional
        Power of the noise in a bin; `noise_power` of the spectra when absent.

    Raises
    ------
    ArgumentError
        If there is no column, or an option is out of range.
    """
    if not isinstance(spectra, Spectra) or spectra.n_columns == 0:
        raise ArgumentError("a trace needs spectra of at least one column: add more pulses")
    method, side = choice(EnvelopeMethod, method), choice(FlowSide, side)
    n_average = _odd(n_average, "n_average")
    n_median = _odd(n_median, "n_median")
    if abs(finite(threshold_db, "threshold_db")) > MAX_THRESHOLD_DB:
        raise ArgumentError(f"threshold_db must lie within ± {MAX_THRESHOLD_DB:g} dB")
    threshold = 10 ** (threshold_db / 10)
    level = noise_power(spectra) if noise is None else positive(noise, "noise")
    power = _averaged(spectra.power.astype(np.float64), spectra.is_after_hole, n_average)
    frequency_hz = spectra.frequency_hz
    step_hz = spectra.slow_time.prf_hz / spectra.n_bins
    sides = {
        FlowSide.TOWARDS: power[:, frequency_hz > step_hz / 2],
        FlowSide.AWAY: power[:, frequency_hz < -step_hz / 2][:, ::-1],
    }
    found = {
        name: _side(part, level, method, threshold)
        for name, part in sides.items()
        if part.shape[1] >= 8
    }
    if not found or (side in sides and side not in found):
        raise ArgumentError(f"the baseline leaves no room for flow {side}: move it")
    if side is FlowSide.STRONGER:
        side = max(found, key=lambda name: float(found[name][2].sum()))
    chosen = list(found) if side is FlowSide.EACH else [side]
    excess = np.stack([found[name][2] for name in chosen])
    best = np.argmax(excess, axis=0)[None]
    signs = np.array([1.0 if name is FlowSide.TOWARDS else -1.0 for name in chosen])
    maximum, mean = (
        np.take_along_axis(
            np.stack([found[name][k] for name in chosen]) * signs[:, None], best, axis=0
        )[0]
        for k in (0, 1)
    )
    per_bin = step_hz * spectra.slow_time.sound_speed_m_s / (2 * spectra.slow_time.frequency_hz)
    per_bin /= math.cos(spectra.angle_rad)
    maximum = _median(maximum, spectra.is_after_hole, n_median)
    return VelocityTrace(
        time_s=spectra.time_s,
        maximum_m_s=(maximum * per_bin).astype(np.float32),
        mean_m_s=(mean * per_bin).astype(np.float32),
        column_s=spectra.column_s,
        noise_power=float(level),
    )


def noise_power(spectra: Spectra) -> float:
    """Return the power of the noise in a bin: that of the quietest band of the spectra.

    The spectra are averaged over all columns, cut into bands of equal width but for those around
    zero, which the wall filter empties, and the quietest one counts. Noise is so found as long as
    flow never fills the whole scale.
    """
    mean = np.roll(spectra.power.mean(axis=0, dtype=np.float64), spectra.first_bin)
    bands = np.array_split(mean, min(_N_BANDS, mean.size // 4))
    middle = len(bands) // 2
    outer = bands[: middle - _N_WALL_BANDS] + bands[middle + _N_WALL_BANDS :]
    return float(min((band.mean() for band in outer), default=mean.min()))


def _side(
    power: NDArray[np.float64], noise: float, method: EnvelopeMethod, threshold: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return envelope, mean (both in bins from zero) and excess power of each column.

    Bin j covers j + 1/2 to j + 3/2 bins from zero.
    """
    n_columns, n = power.shape
    columns = np.arange(n_columns)
    total = np.concatenate((np.zeros((n_columns, 1)), np.cumsum(power, axis=1)), axis=1)
    edges = np.arange(n + 1)
    knee = np.argmax(total - total[:, -1:] * (edges / n), axis=1)
    if method is EnvelopeMethod.GEOMETRIC:
        end = knee.astype(np.float64)
    else:
        # Beyond the knee there may be no bins left: then the noise is what it is elsewhere.
        beyond = np.minimum(knee + max(1, round(n * _GUARD)), n)
        left = n - beyond
        tail = (total[:, -1] - total[columns, beyond]) / np.maximum(left, 1)
        slope = np.where(left >= n / 8, tail, noise)
        signal = np.maximum.accumulate(total - slope[:, None] * edges, axis=1)
        whole = signal[columns, beyond]
        low, high = (_crossing(signal, share * whole) for share in (_LOW, _HIGH))
        end = high + (high - low) * (1 - _HIGH) / (_HIGH - _LOW)
        end = np.minimum(end, n)
    inside = edges[1:] <= np.ceil(end)[:, None]
    excess = np.where(inside, power - noise, 0.0)
    strength = excess.sum(axis=1)
    # Signal and noise together, over the noise, in the band that the envelope closes.
    is_signal = strength > (threshold - 1) * noise * np.maximum(end, 1)
    is_signal &= end > 0
    mean = (excess @ (edges[1:].astype(np.float64))) / np.where(strength > 0, strength, 1)
    end = np.where(is_signal, end + 0.5, np.nan)
    mean = np.where(is_signal, mean, np.nan)
    return end, mean, np.maximum(strength, 0)


def _crossing(rising: NDArray[np.float64], level: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where each rising row first reaches its level, between its entries."""
    rows = np.arange(rising.shape[0])
    after = np.clip(np.argmax(rising >= level[:, None], axis=1), 1, rising.shape[1] - 1)
    below, above = rising[rows, after - 1], rising[rows, after]
    step = np.where(above > below, above - below, 1)
    return np.asarray(after - 1 + np.clip((level - below) / step, 0, 1))


def _averaged(
    power: NDArray[np.float64], is_after_hole: NDArray[np.bool_], n: int
) -> NDArray[np.float64]:
    if n == 1:
        return power
    result = np.zeros_like(power)
    for run in _runs(is_after_hole):
        part, total = power[run], result[run]
        count_there = np.zeros((len(part), 1))
        for late in range(-min(n // 2, len(part) - 1), min(n // 2, len(part) - 1) + 1):
            here = slice(max(0, -late), len(part) - max(0, late))
            there = slice(max(0, late), len(part) - max(0, -late))
            total[here] += part[there]
            count_there[here] += 1
        total /= count_there
    return result


def _median(
    values: NDArray[np.float64], is_after_hole: NDArray[np.bool_], n: int
) -> NDArray[np.float64]:
    """Return the running median of the values that are there; NaN stays NaN."""
    result = values.copy()
    for run in _runs(is_after_hole):
        part = np.pad(values[run], n // 2, constant_values=np.nan)
        near = np.lib.stride_tricks.sliding_window_view(part, n)
        is_there = ~np.isnan(values[run])
        # Sorted, NaN stands last; numpy's nanmedian takes ten times as long.
        ranked = np.sort(near[is_there], axis=1)
        n_valid = np.count_nonzero(~np.isnan(ranked), axis=1)
        rows = np.arange(len(ranked))
        middle = ranked[rows, (n_valid - 1) // 2] + ranked[rows, n_valid // 2]
        result[run][is_there] = middle / 2
    return result


def _runs(is_after_hole: NDArray[np.bool_]) -> list[slice]:
    edges = [0, *np.flatnonzero(is_after_hole).tolist(), is_after_hole.size]
    return [slice(begin, stop) for begin, stop in pairwise(edges) if stop > begin]


def _odd(value: int, name: str) -> int:
    value = count(value, name, most=999)
    if value % 2 == 0:
        raise ArgumentError(f"{name} must be odd, got {value}")
    return value
