"""What lies in front of a simulated probe: point scatterers, some of which move."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Flowing", "Scatterers", "Scene", "scatterers", "still_scene"]


@dataclass(frozen=True)
class Scatterers:
    """Positions (n, 3) float32 in m, and amplitudes (n,) float32."""

    positions_m: NDArray[np.float32]
    amplitudes: NDArray[np.float32]


class Flowing(Protocol):
    """Scatterers that move with time."""

    def __call__(self, time_s: float, repeat_s: float = math.inf) -> Scatterers:
        """Return the scatterers at a time on the device's clock, s.

        With ``repeat_s``, s, time starts anew after so long, and is less than that: what can be
        made to go on without a seam goes on.
        """


@dataclass(frozen=True)
class Scene:
    """Scatterers that stand still, those that move with a phase, and those that move with time.

    ``moving`` is periodic in a phase from 0 to 1, which goes from frame to frame: within a frame
    they stand still. ``flowing`` takes the time of a single transmit.
    ``moves`` tells whether either moves anything. ``peak_amplitude`` fixes the gain: the greatest
    of all amplitudes, and more where so many scatterers share a focus that they add up to more.
    """

    still: Scatterers
    moving: Callable[[float], Scatterers]
    moves: bool
    peak_amplitude: float
    flowing: Flowing | None = None


def still_scene(
    positions_m: NDArray[np.floating], amplitudes: NDArray[np.floating], *, headroom: float = 1.0
) -> Scene:
    """Return a scene of scatterers at (n, 3), m, that stand still.

    ``headroom`` lowers the gain by that much.
    """
    return Scene(
        still=scatterers(positions_m, amplitudes),
        moving=nothing,
        moves=False,
        peak_amplitude=headroom * float(np.abs(amplitudes).max()),
    )


def nothing(phase: float) -> Scatterers:
    """Return no scatterers, at any phase."""
    return scatterers(np.empty((0, 3)), np.empty(0))


def scatterers(positions_m: NDArray[np.floating], amplitudes: NDArray[np.floating]) -> Scatterers:
    """Return scatterers at (n, 3), m, in the types that the kernels take."""
    return Scatterers(positions_m.astype(np.float32), amplitudes.astype(np.float32))
