"""Perceptual colour: CIELAB in cylinder coordinates, as sRGB."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["from_linear_light", "greatest_chroma", "lab", "linear_light", "srgb"]

# IEC 61966-2-1: CIE 1931 XYZ of the three primaries, columns, relative to the white D65.
_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
_WHITE = _XYZ.sum(axis=1)
_LINEAR = np.linalg.inv(_XYZ)
_KNEE = 6 / 29
_MAX_CHROMA = 150.0
_HALVINGS = 24


def linear_light(colours: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return red, green and blue light, 0 to 1, of sRGB colours, (..., 3) (IEC 61966-2-1)."""
    share = np.asarray(colours, np.float64) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def lab(colours: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return CIELAB L*, a* and b* under D65 of sRGB colours, (..., 3) (ISO/CIE 11664-4)."""
    ratio = linear_light(colours) @ _XYZ.T / _WHITE
    curve = np.where(ratio > _KNEE**3, np.cbrt(ratio), ratio / (3 * _KNEE**2) + 4 / 29)
    x, y, z = np.moveaxis(curve, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def greatest_chroma(lightness: NDArray[Any], hue_rad: NDArray[Any]) -> NDArray[np.float64]:
    """Return the greatest chroma C*ab of a lightness and a hue that a screen shows (sRGB)."""
    lightness, hue_rad = np.broadcast_arrays(lightness, hue_rad)
    low = np.zeros(lightness.shape)
    high = np.full(lightness.shape, _MAX_CHROMA)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        light = _light(lightness, middle, hue_rad)
        is_shown = np.all((light >= 0) & (light <= 1), axis=-1)
        low, high = np.where(is_shown, middle, low), np.where(is_shown, high, middle)
    return low


def srgb(lightness: NDArray[Any], chroma: NDArray[Any], hue_rad: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the sRGB colours, (..., 3), of L*, C*ab and hue angle; cut off at what is shown."""
    return from_linear_light(_light(lightness, chroma, hue_rad))


def from_linear_light(light: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return the sRGB colours, (..., 3), of linear red, green and blue; cut off at 0 and 1."""
    light = np.clip(light, 0.0, 1.0)
    share = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(255 * share), np.uint8)


def _light(
    lightness: NDArray[Any], chroma: NDArray[Any], hue_rad: NDArray[Any]
) -> NDArray[np.float64]:
    lightness, chroma, hue_rad = np.broadcast_arrays(lightness, chroma, hue_rad)
    y = (lightness + 16) / 116
    curve = np.stack(
        [y + chroma * np.cos(hue_rad) / 500, y, y - chroma * np.sin(hue_rad) / 200], axis=-1
    )
    ratio = np.where(curve > _KNEE, curve**3, 3 * _KNEE**2 * (curve - 4 / 29))
    return np.asarray(ratio * _WHITE @ _LINEAR.T)
