"""Check the Sequence of Ultrasound Regions (PS3.3 C.8.5.5): a wrong one gives wrong distances."""

from __future__ import annotations

import math
from collections.abc import Iterator

from usdk.dicom.findings import Finding, whole
from usdk.dicom.pydicom_extra import Dataset, Sequence
from usdk.dicom.regions import SPATIAL_FORMAT_2D, UNITS_CM, Region
from usdk.errors import DataDamagedError

__all__ = ["MAX_DELTA_CM", "MIN_DELTA_CM", "check_regions"]

MIN_DELTA_CM = 1e-5
"""Least plausible step of a pixel, cm: a hundredth of the wavelength at 150 MHz."""
MAX_DELTA_CM = 1.0
"""Greatest plausible step of a pixel, cm: coarser than any resolution."""

_MAX_SPATIAL_FORMAT = 0x5
_MAX_DATA_TYPE = 0x12
_MAX_UNITS = 0xC
_NO_UNITS = 0
_SEQUENCE = "SequenceOfUltrasoundRegions"


def check_regions(dataset: Dataset) -> Iterator[Finding]:
    """Yield what is wrong with the regions; nothing if there are none."""
    if _SEQUENCE not in dataset:
        return
    try:
        items = dataset[_SEQUENCE].value
    # The sequence is parsed here, and may be anything.
    except Exception:
        items = None
    if not isinstance(items, Sequence):
        yield Finding("error", _SEQUENCE, "cannot be read")
        return
    if not items:
        yield Finding("error", _SEQUENCE, "is empty: leave it out or describe a region")
    try:
        n_columns, n_rows = whole(dataset, "Columns"), whole(dataset, "Rows")
    except ValueError:
        n_columns = n_rows = None  # Reported with the pixels.
    for index, item in enumerate(items):
        place = f"{_SEQUENCE}[{index}]"
        try:
            region = Region.from_item(item)
        except DataDamagedError as error:
            yield Finding("error", place, f"cannot be read: {error}")
            continue
        yield from _check_bounds(region, place, n_columns, n_rows)
        yield from _check_codes(region, place)
        yield from _check_scale(region, place)


def _check_bounds(
    region: Region, place: str, n_columns: int | None, n_rows: int | None
) -> Iterator[Finding]:
    for axis, low, high, n_pixels in (
        ("X", region.min_x0, region.max_x1, n_columns),
        ("Y", region.min_y0, region.max_y1, n_rows),
    ):
        attribute = f"{place}.RegionLocationMax{axis}1"
        if high < low:
            yield Finding("error", attribute, f"is less than RegionLocationMin{axis}0")
        if n_pixels is not None and high >= n_pixels:
            yield Finding(
                "error", attribute, f"is {high}, outside an image whose last is {n_pixels - 1}"
            )


def _check_codes(region: Region, place: str) -> Iterator[Finding]:
    for keyword, value, most in (
        ("RegionSpatialFormat", region.spatial_format, _MAX_SPATIAL_FORMAT),
        ("RegionDataType", region.data_type, _MAX_DATA_TYPE),
        ("PhysicalUnitsXDirection", region.units_x, _MAX_UNITS),
        ("PhysicalUnitsYDirection", region.units_y, _MAX_UNITS),
    ):
        if not 0 <= value <= most:
            yield Finding("error", f"{place}.{keyword}", f"is {value}, not one of 0 to {most}")


def _check_scale(region: Region, place: str) -> Iterator[Finding]:
    for axis, units, delta, reference in (
        ("X", region.units_x, region.delta_x, region.reference_value_x),
        ("Y", region.units_y, region.delta_y, region.reference_value_y),
    ):
        attribute = f"{place}.PhysicalDelta{axis}"
        if not math.isfinite(delta):
            yield Finding("error", attribute, "is not finite")
        elif delta == 0 and units != _NO_UNITS:
            yield Finding("error", attribute, "is zero, though the axis has a unit")
        elif units == UNITS_CM and region.spatial_format == SPATIAL_FORMAT_2D:
            # A velocity axis may run against the rows; a picture of tissue does not.
            if delta < 0:
                yield Finding("error", attribute, "is negative in a two-dimensional region")
            elif not MIN_DELTA_CM <= delta <= MAX_DELTA_CM:
                yield Finding("error", attribute, f"of {delta:.3g} cm per pixel is absurd")
        if reference is not None and not math.isfinite(reference):
            yield Finding("error", f"{place}.ReferencePixelPhysicalValue{axis}", "is not finite")
