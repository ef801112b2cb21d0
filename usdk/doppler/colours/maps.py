"""The colour maps by name, each made by a formula in CIELAB.

Along every ramp the lightness rises in equal steps (of velocities: with speed), so that the eye
reads an even change as even, and a picture that has lost its hues still shows it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from usdk.doppler.colours.colour_map import ColourMap
from usdk.doppler.colours.perceptual import greatest_chroma, srgb
from usdk.errors import ArgumentError
from usdk.flow_overlay import FlowKind

__all__ = ["COLOUR_MAPS", "N_COLOURS", "N_SPREADS", "colour_map"]

N_COLOURS = 256
N_SPREADS = 32

_Ends = tuple[float, float]


def colour_map(name: str | ColourMap) -> ColourMap:
    """Return the colour map of a name, one of `COLOUR_MAPS`, or the map itself.

    ``red-blue``
        Velocity: red towards the probe, blue away from it, lighter with speed.
    ``blue-orange``
        Velocity, for colour-blind readers and for print: from dark blue, fast away, to light
        yellow, fast towards. Lightness tells the direction, too.
    ``variance``
        Velocity and variance: as ``red-blue``, with green added where velocities spread.
    ``power``
        Power: from dark magenta by orange to light yellow.
    ``directional power``
        Power towards the probe in warm colours, away from it in cool ones.

    Raises
    ------
    ArgumentError
        If there is none of that name.
    """
    if isinstance(name, ColourMap):
        return name
    if not isinstance(name, str) or name not in _MAKERS:
        raise ArgumentError(f"{name!r} is not a colour map: one of {', '.join(COLOUR_MAPS)}")
    return _made(name)


@cache
def _made(name: str) -> ColourMap:
    kind, make = _MAKERS[name]
    return ColourMap(name=name, kind=kind, colours=make())


def _ramp(
    n: int, lightness: _Ends, hue_degrees: _Ends, fullness: _Ends, *, bend: float = 1.0
) -> NDArray[np.uint8]:
    """Return n colours with even steps of lightness.

    Fullness is the share of the chroma that a screen shows; a bend above 1 keeps the hue of the
    beginning over more of the ramp.
    """
    share = (np.arange(n) + 0.5) / n
    light = lightness[0] + (lightness[1] - lightness[0]) * share
    hue_rad = np.radians(hue_degrees[0] + (hue_degrees[1] - hue_degrees[0]) * share**bend)
    full = fullness[0] + (fullness[1] - fullness[0]) * share
    return srgb(light, full * greatest_chroma(light, hue_rad), hue_rad)


def _red_blue() -> NDArray[np.uint8]:
    half = N_COLOURS // 2
    towards = _ramp(half, (18.0, 80.0), (34.0, 76.0), (0.97, 0.97), bend=2.0)
    away = _ramp(half, (18.0, 80.0), (302.0, 228.0), (0.97, 0.97), bend=2.0)
    return np.concatenate([away[::-1], towards])


def _blue_orange() -> NDArray[np.uint8]:
    half = N_COLOURS // 2
    away = _ramp(half, (21.0, 54.0), (302.0, 252.0), (0.97, 0.97))
    towards = _ramp(half, (62.0, 97.0), (50.0, 104.0), (0.97, 0.85))
    return np.concatenate([away, towards])


def _variance() -> NDArray[np.uint8]:
    colours = _red_blue().astype(np.float64)
    brightest = colours.max(axis=1)
    share = np.linspace(0.0, 1.0, N_SPREADS)[:, None]
    table = np.repeat(colours[None], N_SPREADS, axis=0)
    # Green rises to the strongest of the three: red becomes yellow, and blue cyan.
    table[..., 1] += share * (brightest - colours[:, 1])
    return np.asarray(np.rint(table), np.uint8)


def _power() -> NDArray[np.uint8]:
    return _ramp(N_COLOURS, (12.0, 95.0), (-5.0, 103.0), (0.9, 0.9))


def _directional_power() -> NDArray[np.uint8]:
    half = N_COLOURS // 2
    towards = _ramp(half, (14.0, 92.0), (5.0, 100.0), (0.9, 0.9))
    away = _ramp(half, (14.0, 92.0), (310.0, 190.0), (0.9, 0.9))
    return np.concatenate([away[::-1], towards])


_MAKERS: dict[str, tuple[FlowKind, Callable[[], NDArray[np.uint8]]]] = {
    "red-blue": (FlowKind.VELOCITY, _red_blue),
    "blue-orange": (FlowKind.VELOCITY, _blue_orange),
    "variance": (FlowKind.VARIANCE, _variance),
    "power": (FlowKind.POWER, _power),
    "directional power": (FlowKind.DIRECTIONAL_POWER, _directional_power),
}
COLOUR_MAPS = tuple(_MAKERS)
"""Names of the colour maps."""
