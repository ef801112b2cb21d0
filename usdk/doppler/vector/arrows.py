"""Arrows: velocity vectors drawn into a frame, where they are and the way they go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import positive
from usdk.doppler.vector.vector_map import VectorMap
from usdk.errors import ArgumentError
from usdk.frame import Frame

__all__ = ["draw_arrows"]

_COLOUR = (255, 224, 64)
_HALF_WIDTH = 0.8  # of a stroke, pixels
_RIM = 1.0  # of black about it, pixels
_HEAD = 0.35  # of the arrow's length
_HEAD_ANGLE = np.pi / 7
_LEAST_PIXELS = 3.0


def draw_arrows(
    frame: Frame,
    vectors: VectorMap,
    *,
    s_per_picture: float,
    spacing_m: float = 1e-3,
    is_flow: NDArray[Any] | None = None,
    least_confidence: float = 0.95,
    colour: tuple[int, int, int] = _COLOUR,
) -> Frame:
    """Return a frame in colour with an arrow for every so many vectors.

    An arrow starts at its point and ends where a particle would be after ``s_per_picture`` at the
    velocity of the point: arrows are distances in the picture, in its own scale. Rows run away from
    the probe and columns along it, as v_z and v_x do. Arrows shorter than three pixels are left
    out.

    Parameters
    ----------
    frame : Frame
        What to draw on; grey or colour, not changed.
    vectors : VectorMap
        What to draw.
    s_per_picture : float
        Time that an arrow covers, s: 0.01 makes 2 mm of 0.2 m/s.
    spacing_m : float
        Least distance of two arrows along x and z, m.
    is_flow : array_like of bool, (n_lines, n_samples), optional
        Where arrows may start; everywhere when absent.
    least_confidence : float
        Least `VectorMap.confidence` of an arrow.
    colour : (int, int, int)
        Red, green and blue of the arrows, 0 to 255; each has a black rim.
    """
    seconds = positive(s_per_picture, "s_per_picture")
    spacing_m = positive(spacing_m, "spacing_m")
    grey = frame.pixels if frame.is_colour else np.repeat(frame.pixels[..., np.newaxis], 3, axis=2)
    pixels = grey.astype(np.float64)
    shown = vectors.confidence >= least_confidence
    if is_flow is not None:
        if np.shape(is_flow) != vectors.scan.shape:
            raise ArgumentError(f"is_flow must have the scan's shape {vectors.scan.shape}")
        shown &= np.asarray(is_flow, bool)
    raster = frame.raster
    origin_m = np.array([raster.x_m, raster.z_m])
    points_m = vectors.scan.points_m()[..., ::2]
    for line, sample in _spaced(points_m, shown, spacing_m):
        start = (points_m[line, sample] - origin_m) / raster.pixel_size_m
        way = vectors.velocity_m_s[line, sample].astype(np.float64) * seconds / raster.pixel_size_m
        if np.hypot(*way) >= _LEAST_PIXELS:
            _draw(pixels, _strokes(start, way), np.array(colour, np.float64))
    drawn = np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
    return replace(frame, pixels=drawn)


def _spaced(
    points_m: NDArray[np.float64], shown: NDArray[np.bool_], spacing_m: float
) -> Iterator[tuple[int, int]]:
    """Yield the first point that is shown of every cell of a grid."""
    cells = np.floor(points_m / spacing_m + 0.5).astype(np.int64)
    middle = np.abs(points_m / spacing_m - cells).sum(axis=-1)
    places = np.argwhere(shown)
    order = np.argsort(middle[shown], kind="stable")
    taken: set[tuple[int, int]] = set()
    for line, sample in places[order].tolist():
        cell = (int(cells[line, sample, 0]), int(cells[line, sample, 1]))
        if cell not in taken:
            taken.add(cell)
            yield line, sample


def _strokes(
    start: NDArray[np.float64], way: NDArray[np.float64]
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    tip = start + way
    strokes = [(start, tip)]
    for angle in (_HEAD_ANGLE, -_HEAD_ANGLE):
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        strokes.append((tip, tip - _HEAD * (turn @ way)))
    return strokes


def _draw(
    pixels: NDArray[np.float64],
    strokes: list[tuple[NDArray[np.float64], NDArray[np.float64]]],
    colour: NDArray[np.float64],
) -> None:
    """Blend strokes into pixels by each pixel's distance from the nearest of them."""
    ends = np.array(strokes).reshape(-1, 2)
    reach = _HALF_WIDTH + _RIM + 1
    limit = np.array(pixels.shape[1::-1])
    lower = np.clip(np.floor(ends.min(axis=0) - reach), 0, limit).astype(int)
    upper = np.clip(np.ceil(ends.max(axis=0) + reach) + 1, 0, limit).astype(int)
    if np.any(upper <= lower):
        return
    x, z = np.meshgrid(np.arange(lower[0], upper[0]), np.arange(lower[1], upper[1]))
    place = np.stack((x, z), axis=-1).astype(np.float64)
    distance = np.full(place.shape[:2], np.inf)
    for first, last in strokes:
        along = last - first
        share = np.clip(((place - first) @ along) / (along @ along), 0, 1)
        gap = np.linalg.norm(place - first - share[..., np.newaxis] * along, axis=-1)
        distance = np.minimum(distance, gap)
    part = pixels[lower[1] : upper[1], lower[0] : upper[0]]
    for half, ink in ((_HALF_WIDTH + _RIM, np.zeros(3)), (_HALF_WIDTH, colour)):
        cover = np.clip(half + 0.5 - distance, 0, 1)[..., np.newaxis]
        part += cover * (ink - part)
