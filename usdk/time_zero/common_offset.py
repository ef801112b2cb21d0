"""The offset that all transmits share: where a wrong depth puts the receive focus out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from usdk.time_zero.delayed_sums import DelayedSamples

__all__ = ["common_offset_s"]

_Array = NDArray[np.float64]
_LOSS = 0.01  # of the greatest coherence, that is taken to be within its error
_STEPS_PER_PERIOD = 2
_COARSE_PERIODS = 2
_ABOUT_PERIODS = 4  # looked at finely, on both sides of the best coarse trial


def common_offset_s(
    samples: DelayedSamples,
    offsets_s: dict[int, float],
    points_m: _Array,
    late_s: _Array,
    share: _Array,
    lit: dict[int, NDArray[np.bool_]],
    farthest_s: float,
) -> tuple[float, float, float]:
    """Return the offset at which elements and transmits agree best, its error, s, and how well.

    An echo read δ too late seems to lie c δ / 2 deeper than it does, where its wavefront is
    flatter; so every point is moved back by that much along its ray, read δ later, and the
    coherence factor across elements and transmits is compared. The error is the half-width of the
    range of δ over which it stays within 1 % of the greatest; NaN if that range reaches an end.
    ``late_s`` (n_points,) is how late those transmits were that the points were found by, and
    ``share`` (n_points,) how much each point counts.
    """
    period_s = 1 / samples.iq.transmit_frequency_hz

    def tried(trials_s: NDArray[np.floating]) -> _Array:
        return np.array(
            [
                _coherence(samples, offsets_s, points_m, late_s, share, lit, float(trial_s))
                for trial_s in trials_s
            ]
        )

    n_coarse = int(np.ceil(farthest_s / period_s / _COARSE_PERIODS))
    coarse_s = np.arange(-n_coarse, n_coarse + 1) * period_s * _COARSE_PERIODS
    about_s = coarse_s[int(np.argmax(tried(coarse_s)))]
    n_steps = _ABOUT_PERIODS * _STEPS_PER_PERIOD
    trials_s = about_s + np.arange(-n_steps, n_steps + 1) * period_s / _STEPS_PER_PERIOD
    coherence = tried(trials_s)
    best = int(np.argmax(coherence))
    near = np.flatnonzero(coherence >= (1 - _LOSS) * coherence[best])
    focus = float(coherence[best])
    if not focus > 0 or near[0] == 0 or near[-1] == trials_s.size - 1:
        return np.nan, np.nan, focus
    chosen = slice(max(near[0] - 1, 0), near[-1] + 2)
    bend, slope, _ = np.polyfit(trials_s[chosen] / period_s, coherence[chosen], 2)
    if not bend < 0:
        return np.nan, np.nan, focus
    offset_s = float(np.clip(-slope / (2 * bend), *(trials_s[[near[0], near[-1]]] / period_s)))
    half_s = (trials_s[near[-1]] - trials_s[near[0]]) / 2 + period_s / _STEPS_PER_PERIOD
    return offset_s * period_s, float(half_s), focus


def _coherence(
    samples: DelayedSamples,
    offsets_s: dict[int, float],
    points_m: _Array,
    late_s: _Array,
    share: _Array,
    lit: dict[int, NDArray[np.bool_]],
    trial_s: float,
) -> float:
    """Return the mean of |Σ x|² / (n Σ |x|²) over elements and transmits that light the points."""
    rate_hz = samples.iq.receive.sampling_frequency_hz
    n_beyond = int(np.ceil(rate_hz / samples.iq.transmit_frequency_hz))
    moved_m = samples.moved(points_m, late_s + trial_s)
    total = np.zeros((len(points_m), 2 * n_beyond + 1), complex)
    energy = np.zeros(total.shape)
    counted = np.zeros(len(points_m))
    apertures = samples.apertures(moved_m).sum(axis=1)
    for transmit, offset_s in offsets_s.items():
        read = samples.read(transmit, moved_m, n_beyond, offset_s + trial_s)
        read *= lit[transmit][:, None, None]
        total += read.sum(axis=1)
        energy += np.sum(np.abs(read) ** 2, axis=1)
        counted += apertures * lit[transmit]
    level = np.abs(total)
    # The echo's middle may have moved by a fraction of a period.
    at = level.argmax(axis=1)[:, None]
    power = np.take_along_axis(level, at, axis=1)[:, 0] ** 2
    spent = np.take_along_axis(energy, at, axis=1)[:, 0] * counted
    several = (spent > 0) & (counted > 1)
    # Without the part that a single element has in common with itself.
    alike = np.where(several, power / np.where(several, spent, 1), 0)
    alike = np.where(several, (counted * alike - 1) / np.maximum(counted - 1, 1), 0)
    return float(share @ alike)
