"""Check the Sequence of Ultrasound Regions (PS3.3 C.8.5.5): a wrong one gives wrong distances."""

from __future__ import annotations

import math
from collections.abc import Iterator

from usdk.dicom.check_overlap import check_overlap
from usdk.dicom.check_palette import n_palette_entries
from usdk.dicom.findings import Finding, readable, whole
from usdk.dicom.pydicom_extra import Dataset, MultiValue, Sequence
from usdk.dicom.region_codes import RegionDataType, SpatialFormat, Unit
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
_MAX_ANGLE_DEG = 90.0
_MAX_FREQUENCY_KHZ = 200_000
_MAX_PRF_HZ = 1_000_000
_TABLE_LOOK_UP = 2
_MAX_PIXEL_CODE = 0xFFFFFF
_LIMITS: dict[int, tuple[float, str]] = {
    Unit.SECONDS: (10.0, "s"),
    Unit.CM_PER_S: (1e3, "cm/s"),
    Unit.HERTZ: (1e6, "Hz"),
}
"""Steps of a pixel that no picture has."""

_AXES: dict[int, tuple[str, tuple[Unit, ...], tuple[Unit, ...]]] = {
    SpatialFormat.TWO_DIMENSIONAL: ("two-dimensional", (Unit.CM,), (Unit.CM,)),
    SpatialFormat.M_MODE: ("M-mode", (Unit.SECONDS,), (Unit.CM,)),
    SpatialFormat.SPECTRAL: ("spectral", (Unit.SECONDS,), (Unit.CM_PER_S, Unit.HERTZ)),
    SpatialFormat.WAVEFORM: ("waveform", (Unit.SECONDS,), tuple(Unit)),
}
"""Name, and units of columns and rows, by the format of a region."""

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
    n_entries = n_palette_entries(dataset)
    regions: list[tuple[str, Region]] = []
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
        yield from _check_axes(region, place)
        yield from _check_doppler(region, place)
        yield from _check_marks(region, place)
        yield from _check_table(item, place, n_entries)
        regions.append((place, region))
    yield from check_overlap(regions)


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
        if n_pixels is not None and high == n_pixels:
            yield Finding(
                "error",
                attribute,
                f"is {high}, one past the edge: it names the last pixel inside, {n_pixels - 1}",
            )
        elif n_pixels is not None and high >= n_pixels:
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
        elif units == UNITS_CM and region.spatial_format in (
            SpatialFormat.TWO_DIMENSIONAL,
            SpatialFormat.M_MODE,
        ):
            # A velocity axis may run against the rows; a picture of tissue does not.
            kind = "two-dimensional" if region.spatial_format == SPATIAL_FORMAT_2D else "M-mode"
            if delta < 0:
                yield Finding("error", attribute, f"is negative in a {kind} region")
            elif not MIN_DELTA_CM <= delta <= MAX_DELTA_CM:
                yield Finding("error", attribute, f"of {delta:.3g} cm per pixel is absurd")
        elif units in _LIMITS and abs(delta) > _LIMITS[units][0]:
            unit = _LIMITS[units][1]
            yield Finding("error", attribute, f"of {delta:.3g} {unit} per pixel is absurd")
        elif units == Unit.SECONDS and axis == "X" and delta < 0:
            yield Finding("error", attribute, "is negative: time runs from left to right")
        if reference is not None and not math.isfinite(reference):
            yield Finding("error", f"{place}.ReferencePixelPhysicalValue{axis}", "is not finite")


def _check_axes(region: Region, place: str) -> Iterator[Finding]:
    """Compare the units of the axes with what a region of such a format shows."""
    if region.spatial_format not in _AXES:
        return
    kind, units_x, units_y = _AXES[region.spatial_format]
    for axis, units, expected in (("X", region.units_x, units_x), ("Y", region.units_y, units_y)):
        if units not in expected:
            meant = " or ".join(Unit(code).name.lower() for code in expected)
            yield Finding(
                "warning",
                f"{place}.PhysicalUnits{axis}Direction",
                f"is {units}, where a {kind} region is measured in {meant} ({expected[0]})",
            )
    if region.data_type in (RegionDataType.PW_SPECTRAL, RegionDataType.CW_SPECTRAL):
        if region.spatial_format != SpatialFormat.SPECTRAL:
            yield Finding(
                "warning", f"{place}.RegionDataType", "is a spectrum, and the format is another"
            )
        elif region.reference_y0 is None:
            yield Finding(
                "warning", f"{place}.ReferencePixelY0", "is absent: nobody knows the baseline"
            )
    if (region.reference_x0 is None) != (region.reference_y0 is None):
        yield Finding("warning", f"{place}.ReferencePixelX0", "and Y0 are not both there")


def _check_doppler(region: Region, place: str) -> Iterator[Finding]:
    for keyword, angle_deg in (
        ("DopplerCorrectionAngle", region.doppler_correction_angle_deg),
        ("SteeringAngle", region.steering_angle_deg),
    ):
        if angle_deg is not None and not abs(angle_deg) <= _MAX_ANGLE_DEG:
            yield Finding("error", f"{place}.{keyword}", "is not between -90 and 90 degrees")
    for keyword, value, most in (
        ("TransducerFrequency", region.transducer_frequency_khz, _MAX_FREQUENCY_KHZ),
        ("PulseRepetitionFrequency", region.pulse_repetition_frequency_hz, _MAX_PRF_HZ),
    ):
        if value is not None and not 0 < value <= most:
            yield Finding("warning", f"{place}.{keyword}", f"of {value} is absurd")


def _check_marks(region: Region, place: str) -> Iterator[Finding]:
    """Check the places of gate and line, which lie in the picture that they are chosen in."""
    for what, keywords, values in (
        (
            "DopplerSampleVolume",
            ("XPosition", "YPosition"),
            (region.doppler_sample_volume_x, region.doppler_sample_volume_y),
        ),
        ("TMLine", ("PositionX0", "PositionY0"), (region.tm_line_x0, region.tm_line_y0)),
        ("TMLine", ("PositionX1", "PositionY1"), (region.tm_line_x1, region.tm_line_y1)),
    ):
        given = [value is not None for value in values]
        keyword = f"{place}.{what}{keywords[0]}"
        if any(given) and not all(given):
            yield Finding("warning", keyword, f"and {keywords[1]} are not both there")
        if any(given) and region.spatial_format != SpatialFormat.TWO_DIMENSIONAL:
            yield Finding("warning", keyword, "stands in a region that is not two-dimensional")


def _check_table(item: Dataset, place: str, n_palette: int | None) -> Iterator[Finding]:
    """Check the table from pixel values to physical ones (PS3.3 C.8.5.5.1)."""
    if readable(item, "PixelComponentOrganization") != _TABLE_LOOK_UP:
        return
    n_entries = readable(item, "NumberOfTableEntries")
    for keyword in ("TableOfPixelValues", "TableOfParameterValues"):
        value = readable(item, keyword)
        if value is None:
            yield Finding("error", f"{place}.{keyword}", "is absent, and the values are in a table")
            continue
        n_values = len(value) if isinstance(value, MultiValue | list) else 1
        if n_values != n_entries:
            yield Finding(
                "error",
                f"{place}.{keyword}",
                f"has {n_values} values, and NumberOfTableEntries differs",
            )
    codes = readable(item, "TableOfPixelValues")
    if isinstance(codes, MultiValue | list) and not all(
        isinstance(code, int) and 0 <= code <= _MAX_PIXEL_CODE for code in codes
    ):
        yield Finding("error", f"{place}.TableOfPixelValues", "holds what is no pixel value")
    elif isinstance(codes, MultiValue | list) and n_palette and max(codes) >= n_palette:
        yield Finding(
            "error",
            f"{place}.TableOfPixelValues",
            f"holds {max(codes)}, beyond the {n_palette} entries of the palette",
        )
