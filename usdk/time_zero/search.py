"""One look at a recording: bright points, and the offsets that their echoes give."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from usdk.acquisition import Acquisition
from usdk.scan import Scan
from usdk.time_zero.common_offset import common_offset_s
from usdk.time_zero.conventions import convention_of
from usdk.time_zero.delayed_sums import DelayedSamples
from usdk.time_zero.transmit_offsets import TransmitOffsets

__all__ = ["Found", "Search"]

_Array = NDArray[np.float64]
_MAX_COMPARED = 16  # transmits, for the common offset
_WIDEST_PERIODS = 24  # to either side, for the common offset


@dataclass(frozen=True, eq=False)
class Found:
    """Offsets of a clock, and how well the echoes agree without and with them."""

    points_m: _Array
    offsets_s: _Array
    convention: str
    common_s: float
    error_s: float
    focus: float
    coherence: float
    coherence_corrected: float


@dataclass(frozen=True, eq=False)
class Search:
    """What to look for: where, how far off, and how long pulses are."""

    scan: Scan
    farthest_s: float
    period_s: float
    pulse_s: float
    conventions_s: dict[str, _Array]

    def read(self, iq: Acquisition) -> Found:
        """Return the offsets that one look at the data gives."""
        samples = DelayedSamples.of(iq, 0)
        between = TransmitOffsets(samples, self.scan, self.farthest_s, self.pulse_s)
        offsets_s, points = between.estimate(_straightest(iq))
        points_m = np.concatenate([*points.values(), np.empty((0, 3))])
        if not len(points_m):
            return Found(points_m, offsets_s, "", *(math.nan,) * 5)
        convention, offsets_s = convention_of(offsets_s, self.conventions_s, self.period_s)
        told = np.flatnonzero(~np.isnan(offsets_s))
        late_s = np.concatenate([np.full(len(found), offsets_s[t]) for t, found in points.items()])
        share = np.concatenate([between.power(t, found) for t, found in points.items()])
        share /= max(share.sum(), 1e-300)
        n_compared = min(told.size, _MAX_COMPARED)
        compared = [int(told[i]) for i in np.linspace(0, told.size - 1, n_compared).astype(int)]
        common_s, error_s, focus = common_offset_s(
            samples,
            {t: float(offsets_s[t]) for t in compared},
            points_m,
            late_s,
            share,
            {t: between.lit(t, points_m) for t in compared},
            max(_WIDEST_PERIODS * self.period_s, self.farthest_s),
        )
        return Found(
            points_m,
            offsets_s,
            convention,
            common_s,
            error_s,
            focus,
            _agreement(samples, between, np.zeros_like(offsets_s), told, points_m),
            _agreement(samples, between, offsets_s, told, samples.moved(points_m, late_s)),
        )


def _agreement(
    samples: DelayedSamples,
    between: TransmitOffsets,
    offsets_s: _Array,
    compared: NDArray[np.intp],
    points_m: _Array,
) -> float:
    """Return the coherence factor of the transmits' images at points that several light.

    The images are brought to one level first: an element alone is much fainter than all at once.
    """
    if compared.size < 2:
        return math.nan
    pulse = max(1, round(between.pulse_s * samples.iq.receive.sampling_frequency_hz))
    total = np.zeros((len(points_m), 2 * pulse + 1), complex)
    energy, counted, loud = np.zeros(total.shape), np.zeros(len(points_m)), np.zeros(len(points_m))
    for transmit in compared:
        lit = between.lit(int(transmit), points_m)
        read = samples.read(int(transmit), points_m, pulse, float(offsets_s[transmit]))
        image = read.sum(axis=1) * lit[:, None]
        power = np.sum(np.abs(image) ** 2, axis=1, keepdims=True)
        loud += power[:, 0]
        image /= np.sqrt(np.where(power > 0, power, 1))
        total += image
        energy += np.abs(image) ** 2
        counted += lit
    at = energy.argmax(axis=1)[:, None]
    together = np.abs(np.take_along_axis(total, at, axis=1)[:, 0]) ** 2
    spent = np.take_along_axis(energy, at, axis=1)[:, 0] * counted
    several = (counted > 1) & (spent > 0)
    share = loud * several
    if not share.any():
        return math.nan
    return float(np.sum(share[several] * together[several] / spent[several]) / share.sum())


def _straightest(iq: Acquisition) -> int:
    """Return the transmit that leaves most at once, and of those alike the middle one."""
    delays_s = iq.sequence.delays_s(iq.probe, iq.receive.sound_speed_m_s)
    spread_s = np.nanmax(delays_s, axis=1) - np.nanmin(delays_s, axis=1)
    alike = np.flatnonzero(spread_s <= spread_s.min() + 1e-9)
    return int(alike[np.argmin(np.abs(alike - (len(delays_s) - 1) / 2))])
