"""Measurements between pixels of an image, by its regions (PS3.3 C.8.5.5).

A pixel is (column, row) of the image, fractions between pixel centres. All pixels of a measurement
must lie in one region: a distance from one picture into another means nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from usdk.arguments import finite
from usdk.dicom.region_codes import SpatialFormat, Unit
from usdk.dicom.regions import Region
from usdk.errors import ArgumentError

__all__ = [
    "MAX_OUTLINE",
    "Pixel",
    "acceleration_cm_s2",
    "area_mm2",
    "depth_mm",
    "distance_mm",
    "time_s",
    "velocity_cm_s",
]

Pixel: TypeAlias = tuple[float, float]
MAX_OUTLINE = 100_000
"""Most points of an outline."""

_MM_PER_CM = 10.0


def distance_mm(regions: Sequence[Region], start: Pixel, end: Pixel) -> float:
    """Return the distance between two pixels of a two-dimensional picture, mm.

    Raises
    ------
    ArgumentError
        No region that is measured in cm both ways holds both pixels.
    """
    region = _region(regions, (start, end), _is_plane, "a two-dimensional region in cm")
    (x0, y0), (x1, y1) = start, end
    return _MM_PER_CM * math.hypot((x1 - x0) * region.delta_x, (y1 - y0) * region.delta_y)


def area_mm2(regions: Sequence[Region], outline: Sequence[Pixel]) -> float:
    """Return the area inside a closed outline in a two-dimensional picture, mm².

    Parameters
    ----------
    outline : sequence of (column, row)
        At least three corners, in either turn; the last is joined to the first.

    Raises
    ------
    ArgumentError
        Fewer corners, or no region that is measured in cm both ways holds all.
    """
    points = list(outline)
    if not 3 <= len(points) <= MAX_OUTLINE:
        raise ArgumentError(f"an outline has 3 to {MAX_OUTLINE} corners, got {len(points)}")
    region = _region(regions, points, _is_plane, "a two-dimensional region in cm")
    x, y = np.array(points, np.float64).T
    # Gauss's area formula, from the first corner so that nothing large cancels.
    x, y = x - x[0], y - y[0]
    twice = float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))
    return abs(twice) / 2 * abs(region.delta_x * region.delta_y) * _MM_PER_CM**2


def depth_mm(regions: Sequence[Region], pixel: Pixel) -> float:
    """Return the depth of a pixel of a two-dimensional or M-mode picture, mm.

    Raises
    ------
    ArgumentError
        No region with depths in cm and a reference pixel holds it.
    """
    region = _region(regions, (pixel,), _has_depths, "a region with depths from a reference pixel")
    return _MM_PER_CM * region.value_y(pixel[1])


def time_s(regions: Sequence[Region], start: Pixel, end: Pixel) -> float:
    """Return the time from one pixel of a picture over time to another, s; negative backwards.

    Raises
    ------
    ArgumentError
        No region whose columns are measured in s holds both pixels.
    """
    region = _region(regions, (start, end), _has_times, "a region over time")
    return (end[0] - start[0]) * region.delta_x


def velocity_cm_s(regions: Sequence[Region], pixel: Pixel) -> float:
    """Return the velocity of a pixel of a spectral picture, cm/s; towards the probe is positive.

    Raises
    ------
    ArgumentError
        No region whose rows are measured in cm/s from a baseline holds it.
    """
    region = _region(
        regions, (pixel,), _has_velocities, "a spectral region in cm/s with a reference pixel"
    )
    return region.value_y(pixel[1])


def acceleration_cm_s2(regions: Sequence[Region], start: Pixel, end: Pixel) -> float:
    """Return the mean acceleration between two pixels of a spectral picture, cm/s².

    Raises
    ------
    ArgumentError
        No region in s and cm/s holds both pixels, or they lie at one time.
    """
    region = _region(
        regions,
        (start, end),
        lambda region: _has_times(region) and _is_in_velocities(region),
        "a spectral region in s and cm/s",
    )
    elapsed_s = (end[0] - start[0]) * region.delta_x
    if elapsed_s == 0:
        raise ArgumentError("both pixels lie at one time: an acceleration needs two")
    return (end[1] - start[1]) * region.delta_y / elapsed_s


def _is_plane(region: Region) -> bool:
    return (
        region.spatial_format == SpatialFormat.TWO_DIMENSIONAL
        and region.units_x == region.units_y == Unit.CM
        and _is_step(region.delta_x)
        and _is_step(region.delta_y)
    )


def _has_depths(region: Region) -> bool:
    return (
        region.spatial_format in (SpatialFormat.TWO_DIMENSIONAL, SpatialFormat.M_MODE)
        and region.units_y == Unit.CM
        and region.reference_y0 is not None
        and _is_step(region.delta_y)
    )


def _has_times(region: Region) -> bool:
    return region.units_x == Unit.SECONDS and _is_step(region.delta_x)


def _has_velocities(region: Region) -> bool:
    return _is_in_velocities(region) and region.reference_y0 is not None


def _is_in_velocities(region: Region) -> bool:
    return region.units_y == Unit.CM_PER_S and _is_step(region.delta_y)


def _is_step(delta: float) -> bool:
    return math.isfinite(delta) and delta != 0


def _region(
    regions: Sequence[Region],
    pixels: Sequence[Pixel],
    is_right: Callable[[Region], bool],
    what: str,
) -> Region:
    """Return the region of the right kind that holds all pixels, the one of higher priority."""
    for pixel in pixels:
        try:
            x, y = pixel
        except (TypeError, ValueError):
            raise ArgumentError("a pixel is (column, row)") from None
        finite(x, "the column of a pixel")
        finite(y, "the row of a pixel")
    right = [region for region in regions if is_right(region)]
    holding = [region for region in right if all(region.contains(*pixel) for pixel in pixels)]
    if holding:
        return min(holding, key=lambda region: region.is_low_priority)
    if len(pixels) > 1 and all(any(r.contains(*pixel) for r in right) for pixel in pixels):
        raise ArgumentError("the pixels lie in different regions: measure within one picture")
    raise ArgumentError(f"not every pixel lies in {what}: there is no such scale there")
