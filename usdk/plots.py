"""Plots: curves on a grid, drawn as the pictures of `usdk.view` are."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import count
from usdk.doppler.clutter import ClutterFilter, frequency_response
from usdk.doppler.slow_time import SlowTime
from usdk.errors import ArgumentError, MissingExtraError

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["COLOURS", "MAX_CURVES", "Curve", "curves", "responses"]

Curve = tuple[NDArray[np.floating], NDArray[np.floating]]
"""Abscissas and values; NaN is a gap."""

# Told apart by colour-blind eyes too, on black: M. Okabe, K. Ito, "Color universal design", 2008.
COLOURS = (
    (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66),
    (0, 114, 178), (213, 94, 0), (204, 121, 167), (255, 255, 255),
)  # fmt: skip
MAX_CURVES = len(COLOURS)
_INK, _GRID = (176, 176, 176), (48, 48, 48)
_LEFT, _TOP, _BOTTOM, _FONT = 52, 24, 40, 12
_LEAST_PIXELS, _MOST_PIXELS = 64, 8192
_N_RESPONSE = 1001


def curves(
    named: Mapping[str, Curve],
    *,
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    x_label: str,
    y_label: str,
    width: int = 480,
    height: int = 300,
) -> Image.Image:
    """Return curves on a grid, with their names beside it, as an RGB Pillow image.

    Parameters
    ----------
    named : mapping of str to (x, y)
        1 to `MAX_CURVES` curves, the first drawn first. What lies outside the ranges is cut off.
    x_range, y_range : (float, float)
        Values at the edges of the grid, the lower one first.
    x_label, y_label : str
        What the axes are, with the unit.
    width, height : int
        Size of the grid, pixels.
    """
    image_module, draw_module, font_module = _pillow()
    if not 1 <= len(named) <= MAX_CURVES:
        raise ArgumentError(f"a plot has 1 to {MAX_CURVES} curves, got {len(named)}")
    for name, (low, high) in (("x_range", x_range), ("y_range", y_range)):
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise ArgumentError(f"{name} must be two finite numbers that rise, got {(low, high)}")
    width = count(width, "width", least=_LEAST_PIXELS, most=_MOST_PIXELS)
    height = count(height, "height", least=_LEAST_PIXELS, most=_MOST_PIXELS)
    font = font_module.load_default(_FONT)
    legend = 30 + max(int(font.getlength(name)) for name in named)
    size = (_LEFT + width + legend, _TOP + height + _BOTTOM)
    canvas: Image.Image = image_module.new("RGB", size)
    draw = draw_module.Draw(canvas)

    def across(x: float) -> float:
        return _LEFT + (x - x_range[0]) / (x_range[1] - x_range[0]) * (width - 1)

    def down(y: float) -> float:
        return _TOP + (y_range[1] - y) / (y_range[1] - y_range[0]) * (height - 1)

    for mark in _marks(*x_range):
        x = across(mark)
        draw.line((x, _TOP, x, _TOP + height - 1), fill=_GRID)
        draw.text((x, _TOP + height + 4), f"{mark:g}", fill=_INK, anchor="ma", font=font)
    for mark in _marks(*y_range):
        y = down(mark)
        draw.line((_LEFT, y, _LEFT + width - 1, y), fill=_GRID)
        draw.text((_LEFT - 5, y), f"{mark:g}", fill=_INK, anchor="rm", font=font)
    middle = (_LEFT + width / 2, _TOP + height + 21)
    draw.text(middle, x_label, fill=_INK, anchor="ma", font=font)
    grid = image_module.new("RGB", (width, height))
    grid.paste(canvas.crop((_LEFT, _TOP, _LEFT + width, _TOP + height)))
    pen = draw_module.Draw(grid)
    for (name, (xs, ys)), colour in zip(named.items(), COLOURS, strict=False):
        points = [
            (across(float(x)) - _LEFT, down(float(y)) - _TOP) if np.isfinite((x, y)).all() else None
            for x, y in zip(xs, ys, strict=True)
        ]
        for a, b in itertools.pairwise(points):
            if a is not None and b is not None:
                pen.line((*_near(a, height), *_near(b, height)), fill=colour, width=2)
        y = _TOP + 8 + 17 * list(named).index(name)
        draw.line((_LEFT + width + 6, y, _LEFT + width + 20, y), fill=colour, width=2)
        draw.text((_LEFT + width + 25, y), name, fill=_INK, anchor="lm", font=font)
    canvas.paste(grid, (_LEFT, _TOP))
    draw.text((_LEFT, _TOP - 18), y_label, fill=_INK, font=font)
    return canvas


def responses(
    filters: Mapping[str, ClutterFilter | NDArray[Any]],
    n_pulses: int,
    *,
    slow_time: SlowTime | None = None,
    floor_db: float = -80.0,
    width: int = 480,
    height: int = 300,
) -> Image.Image:
    """Return the frequency responses of clutter filters on a packet, as an RGB Pillow image.

    Parameters
    ----------
    filters : mapping of str to ClutterFilter or matrix
        By the name that is written beside the curve, at most `MAX_CURVES`.
    n_pulses : int
        Packet size.
    slow_time : SlowTime, optional
        Label the Doppler shifts as velocities, cm/s, up to the Nyquist velocity; absent, as
        shares of the PRF.
    floor_db : float
        Power gain at the lower edge, dB, below 0.
    width, height : int
        As for `curves`.

    Raises
    ------
    ArgumentError
        If a filter adapts to its data, so that it has no response, or the packet is too short.
    """
    if not (math.isfinite(floor_db) and floor_db < 0):
        raise ArgumentError(f"floor_db must be finite and below 0, got {floor_db}")
    shifts = np.linspace(0, 0.5, _N_RESPONSE)
    edge = 0.5 if slow_time is None else 100 * slow_time.nyquist_m_s
    least = 10 ** (floor_db / 10 - 2)
    named = {
        name: (
            shifts / 0.5 * edge,
            10 * np.log10(np.maximum(frequency_response(clutter, n_pulses, shifts), least)),
        )
        for name, clutter in filters.items()
    }
    return curves(
        named,
        x_range=(0.0, edge),
        y_range=(floor_db, 5.0),
        x_label="Doppler shift / PRF" if slow_time is None else "velocity along the beam, cm/s",
        y_label=f"power gain, dB, {n_pulses} pulses",
        width=width,
        height=height,
    )


def _near(point: tuple[float, float], height: int) -> tuple[float, float]:
    """Keep a point that lies far outside within what a line can be drawn to."""
    x, y = point
    return x, min(max(y, -float(height)), 2.0 * height)


def _marks(low: float, high: float) -> list[float]:
    """Return about six round numbers within a range."""
    power = 10.0 ** math.floor(math.log10((high - low) / 6))
    step = next(s * power for s in (1, 2, 5, 10) if (high - low) / (s * power) <= 8 or s == 10)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [n * step for n in range(first, last + 1)]


def _pillow() -> tuple[Any, Any, Any]:
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError as error:
        raise MissingExtraError.for_extra("view", "Plotting") from error
    return Image, ImageDraw, ImageFont
