"""ColourMap: which velocity, spread or power becomes which colour."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from usdk.errors import ArgumentError
from usdk.flow_overlay import FlowKind

__all__ = ["ColourMap"]

_LEAST_COLOURS = 2


@dataclass(frozen=True, eq=False, kw_only=True)
class ColourMap:
    """Colours from the lowest value of a scale to its highest.

    Parameters
    ----------
    name : str
        What it is called.
    kind : FlowKind
        What it shows: velocity (with or without its spread), power, or power with its direction.
    colours : ndarray of uint8, (n_colours, 3) or (n_spreads, n_colours, 3)
        sRGB. Of velocities and directions the middle is no flow, away from the probe before it and
        towards the probe after it, the ends equally fast. A map of variance has one row for each
        spread, from none to the greatest.

    Raises
    ------
    ArgumentError
        If the colours are no such table.
    """

    name: str
    kind: FlowKind
    colours: NDArray[np.uint8]

    def __post_init__(self) -> None:
        try:
            colours = np.array(self.colours)
        except (TypeError, ValueError):
            colours = np.empty(0, np.uint8)
        n_dimensions = 3 if self.kind is FlowKind.VARIANCE else 2
        if (
            colours.dtype != np.uint8
            or colours.ndim != n_dimensions
            or colours.shape[-1] != 3
            or colours.shape[-2] < _LEAST_COLOURS
            or colours.shape[0] < 1
        ):
            shape = "(n_spreads, n_colours, 3)" if n_dimensions == 3 else "(n_colours, 3)"
            raise ArgumentError(f"colours of {self.kind} must be uint8 RGB of {shape}")
        colours.flags.writeable = False
        object.__setattr__(self, "colours", colours)

    def between(self, low: float, high: float, *, is_inverted: bool = False) -> NDArray[np.uint8]:
        """Return the colours of a scale that need not be symmetrical about no flow.

        The same speed is equally light on both sides: the end that is farther from zero has the
        last colour, and the other end is cut off where it ends.

        Parameters
        ----------
        low, high : float
            Ends of the scale, any unit, low < high.
        is_inverted : bool
            Exchange the colours of both directions.

        Returns
        -------
        ndarray of uint8
            As many colours as the map has.
        """
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise ArgumentError(f"a scale goes from a lower to a higher value: {low} to {high}")
        n_colours = self.colours.shape[-2]
        middles = low + (high - low) * (np.arange(n_colours) + 0.5) / n_colours
        most = max(abs(low), abs(high))
        share = (middles / most if not is_inverted else -middles / most) / 2 + 0.5
        place = np.clip((share * n_colours).astype(int), 0, n_colours - 1)
        return np.ascontiguousarray(np.take(self.colours, place, axis=-2))
