"""Grey maps: which echo level becomes which grey."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from usdk.choice import choice
from usdk.errors import ArgumentError

__all__ = [
    "CURVE_ENTRIES",
    "S_CURVE_CENTRE",
    "S_CURVE_STEEPNESS",
    "GreyMap",
    "grey_curve",
]

CURVE_ENTRIES = 4096
"""Entries of a curve, from black to white: 0.015 dB apart at a dynamic range of 60 dB."""
S_CURVE_CENTRE = 0.5
"""Share of the dynamic range at which the S-curve is steepest."""
S_CURVE_STEEPNESS = 6.0
"""How steep: the logistic function is taken over this many of its units."""

_GREY_MAXIMUM = 255


class GreyMap(StrEnum):
    r"""How greys follow the echo level between black and white.

    With u the share of the dynamic range D that a level stands above black (0 is black, 1 white),
    all of them rise from grey 0 to grey 255 and never fall.
    """

    LINEAR_DB = "linear-db"
    """Grey 255 u: equal steps in dB are equal steps of grey."""
    SQUARE_ROOT = "square-root"
    """Grey 255 √((a − a₀) / (1 − a₀)), a = 10^(D (u − 1) / 20) the amplitude re white and a₀ that
    of black: bright structures apart, weak echoes dark."""
    S_CURVE = "s-curve"
    """Grey 255 (σ(k (u − c)) − σ(−k c)) / (σ(k (1 − c)) − σ(−k c)), σ the logistic function, c
    `S_CURVE_CENTRE` and k `S_CURVE_STEEPNESS`: more contrast in the middle, less at the ends."""


def grey_curve(grey_map: GreyMap | str, dynamic_range_db: float) -> NDArray[np.uint8]:
    """Return the greys of a map from black to white, equally spaced in dB, (`CURVE_ENTRIES`,).

    Parameters
    ----------
    grey_map : GreyMap or str
        Which.
    dynamic_range_db : float
        Levels between black and white, dB; only `GreyMap.SQUARE_ROOT` depends on it.
    """
    grey_map = choice(GreyMap, grey_map)
    if not 0 < dynamic_range_db < np.inf:
        raise ArgumentError(f"dynamic_range_db must be positive, got {dynamic_range_db}")
    share = np.linspace(0.0, 1.0, CURVE_ENTRIES)
    if grey_map is GreyMap.SQUARE_ROOT:
        black = 10 ** (-dynamic_range_db / 20)
        amplitude = 10 ** (dynamic_range_db * (share - 1) / 20)
        share = np.sqrt(np.maximum((amplitude - black) / (1 - black), 0.0))
    elif grey_map is GreyMap.S_CURVE:
        logistic = 1 / (1 + np.exp(-S_CURVE_STEEPNESS * (share - S_CURVE_CENTRE)))
        share = (logistic - logistic[0]) / (logistic[-1] - logistic[0])
    return np.floor(_GREY_MAXIMUM * share + 0.5).astype(np.uint8)
