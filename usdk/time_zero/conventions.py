"""References from which others count the time of sample 0, and what taking one for ours does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from usdk.acquisition import Acquisition

__all__ = ["convention_of", "convention_offsets_s"]

_Array = NDArray[np.float64]
_TOLERANCE_PERIODS = 0.2


def convention_offsets_s(acquisition: Acquisition) -> dict[str, _Array]:
    """Return the offset of every transmit under each wrong reference, (n_transmits,), s."""
    delays_s = acquisition.sequence.delays_s(acquisition.probe, acquisition.receive.sound_speed_m_s)
    fires = ~np.isnan(delays_s)
    rows = np.arange(delays_s.shape[0])
    first = delays_s[rows, fires.argmax(axis=1)]
    last = delays_s[rows, fires.shape[1] - 1 - fires[:, ::-1].argmax(axis=1)]
    references = {
        "the first element that fires": np.nanmin(delays_s, axis=1),
        "the last element that fires": np.nanmax(delays_s, axis=1),
        "the mean of the elements' delays": np.nanmean(delays_s, axis=1),
        "the first element of the aperture": first,
        "the last element of the aperture": last,
    }
    offsets = {}
    for name, delay_s in references.items():
        offsets[name] = -delay_s
        offsets[f"{name}, with the wrong sign"] = delay_s
    return offsets


def convention_of(
    offsets_s: _Array, conventions_s: dict[str, _Array], period_s: float
) -> tuple[str, _Array]:
    """Return the reference that explains the offsets, and the offsets as counted from it.

    Only differences between transmits are known, so a constant does not count. Where none of the
    references explains them the name is empty and most transmits are taken to be right.
    """
    told = ~np.isnan(offsets_s)
    offsets_s = offsets_s - np.median(offsets_s[told])
    tolerance_s = _TOLERANCE_PERIODS * period_s
    if np.abs(offsets_s[told]).max() <= tolerance_s:
        return "", offsets_s - np.mean(offsets_s[told])
    for name, expected_s in conventions_s.items():
        # Without transmits that the reference tells apart, it explains nothing.
        if np.ptp(expected_s[told]) <= tolerance_s:
            continue
        apart_s = offsets_s - expected_s
        constant_s = np.median(apart_s[told])
        if np.abs(apart_s[told] - constant_s).max() <= tolerance_s:
            return name, offsets_s - constant_s
    return "", offsets_s
