"""Readings: what an image says at a pixel, and between two, by all of its regions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from usdk.arguments import finite
from usdk.dicom.measurement import Pixel, acceleration_cm_s2, distance_mm, time_s
from usdk.dicom.region_codes import RegionDataType, SpatialFormat, Unit
from usdk.dicom.region_picture import RegionPicture
from usdk.errors import ArgumentError

__all__ = ["Reading", "readings_at", "readings_between"]

_MM_PER_CM = 10.0
_BETWEEN = (
    ("distance", distance_mm, "mm"),
    ("time", time_s, "s"),
    ("acceleration", acceleration_cm_s2, "cm/s²"),
)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One value at a pixel.

    Attributes
    ----------
    region : int
        Which region of the image says so, from 0.
    quantity : str
        ``x``, ``depth``, ``time``, ``velocity``, ``frequency``, ``flow velocity`` or ``power``.
    value : float
    unit : str
        ``mm``, ``s``, ``cm/s``, ``Hz`` or ``dB``.
    """

    region: int
    quantity: str
    value: float
    unit: str


def readings_at(pictures: Sequence[RegionPicture], pixel: Pixel) -> list[Reading]:
    """Return what the regions of an image say at a pixel; nothing where none is calibrated.

    Parameters
    ----------
    pictures : sequence of RegionPicture
        As `read_region_pictures` returns them.
    pixel : (column, row)
        Of the image; fractions lie between pixel centres.
    """
    x, y = (finite(value, "a pixel's place") for value in pixel)
    found = []
    for index, picture in enumerate(pictures):
        region = picture.region
        if not region.contains(x, y):
            continue
        is_flow = region.data_type == RegionDataType.COLOUR_FLOW
        if not is_flow:
            # A colour box lies on tissue of the same scale, which has said it already.
            found += _axes(index, picture, x, y)
        if picture.colour_table is not None and picture.pixels.ndim == 3:
            row, column = round(y) - region.min_y0, round(x) - region.min_x0
            value = float(picture.colour_table.values_of(picture.pixels[row, column]))
            if math.isfinite(value):
                is_power = picture.colour_table.unit == Unit.DB
                quantity, unit = ("power", "dB") if is_power else ("flow velocity", "cm/s")
                found.append(Reading(region=index, quantity=quantity, value=value, unit=unit))
    return found


def readings_between(
    pictures: Sequence[RegionPicture], start: Pixel, end: Pixel
) -> dict[str, tuple[float, str]]:
    """Return distance, time and acceleration from one pixel to another, as far as they mean any.

    Returns
    -------
    dict
        Value and unit by quantity; empty where the two lie in different pictures.
    """
    regions = [picture.region for picture in pictures]
    found = {}
    for quantity, measure, unit in _BETWEEN:
        try:
            found[quantity] = measure(regions, start, end), unit
        except ArgumentError:
            continue  # No region of this kind holds both.
    return found


def _axes(index: int, picture: RegionPicture, x: float, y: float) -> list[Reading]:
    region = picture.region
    has_depth = region.spatial_format in (SpatialFormat.TWO_DIMENSIONAL, SpatialFormat.M_MODE)
    found = []
    for units, value, reference, name_in_cm in (
        (region.units_x, region.value_x(x), region.reference_x0, "x"),
        (region.units_y, region.value_y(y), region.reference_y0, "depth"),
    ):
        quantity, factor, unit = {
            Unit.CM: (name_in_cm if has_depth else "", _MM_PER_CM, "mm"),
            Unit.SECONDS: ("time", 1.0, "s"),
            Unit.CM_PER_S: ("velocity", 1.0, "cm/s"),
            Unit.HERTZ: ("frequency", 1.0, "Hz"),
        }.get(Unit(units) if units in list(Unit) else Unit.NONE, ("", 1.0, ""))
        # Without a reference pixel nobody knows where an axis begins.
        if quantity and reference is not None and np.isfinite(value):
            found.append(Reading(region=index, quantity=quantity, value=value * factor, unit=unit))
    return found
