"""Regions: where in the image the echoes stand, and how many cm a pixel is (PS3.3 C.8.5.5)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace

from usdk.dicom.findings import number, whole
from usdk.dicom.pydicom_extra import Dataset, Sequence
from usdk.dicom.region_codes import RegionDataType, SpatialFormat, Unit
from usdk.errors import ArgumentError, DataDamagedError
from usdk.scan import Raster

__all__ = ["CM_PER_M", "MAX_SIDE", "Region", "frequency_code", "read_regions"]

CM_PER_M = 100.0
MAX_SIDE = 65535
"""Greatest number of rows or columns: both are US."""

SPATIAL_FORMAT_2D = SpatialFormat.TWO_DIMENSIONAL.value
DATA_TYPE_TISSUE = RegionDataType.TISSUE.value
UNITS_CM = Unit.CM.value
# Bit 0 clear: pixels of high priority. Bit 1 set: scaling is protected (PS3.3 C.8.5.5.1.3).
FLAGS_LOW_PRIORITY = 1
FLAGS_PROTECTED = 2
_INT32_MAX = 2**31 - 1
_UINT32_MAX = 2**32 - 1
_MAX_REGIONS = 1000


@dataclass(frozen=True, kw_only=True)
class Region:
    """One item of the Sequence of Ultrasound Regions.

    Parameters
    ----------
    spatial_format, data_type, flags : int
        What the region shows: 1 and 1 are a two-dimensional picture of tissue.
    min_x0, min_y0, max_x1, max_y1 : int
        First and last column and row of the region, both inside it.
    units_x, units_y : int
        Unit of the deltas and of the reference values; 3 is cm.
    delta_x, delta_y : float
        Physical step from a pixel to the next column or row.
    reference_x0, reference_y0 : int, optional
        Reference pixel, counted from the first column and row of the region (it may lie
        outside).
    reference_value_x, reference_value_y : float, optional
        Physical coordinates of the reference pixel's centre; 0 when absent.
    transducer_frequency_khz, pulse_repetition_frequency_hz : int, optional
        As far as known.
    doppler_correction_angle_deg, steering_angle_deg : float, optional
        Angle between beam and flow, and of the beam from the normal of the probe's face, degrees.
    doppler_sample_volume_x, doppler_sample_volume_y : int, optional
        In a two-dimensional region, where the sample volume of the spectral region lies, pixels
        from the reference pixel.
    tm_line_x0, tm_line_y0, tm_line_x1, tm_line_y1 : int, optional
        In a two-dimensional region, ends of the line that M-mode or continuous-wave Doppler
        follows, pixels from the reference pixel.
    """

    spatial_format: int
    data_type: int
    flags: int
    min_x0: int
    min_y0: int
    max_x1: int
    max_y1: int
    units_x: int
    units_y: int
    delta_x: float
    delta_y: float
    reference_x0: int | None = None
    reference_y0: int | None = None
    reference_value_x: float | None = None
    reference_value_y: float | None = None
    transducer_frequency_khz: int | None = None
    pulse_repetition_frequency_hz: int | None = None
    doppler_correction_angle_deg: float | None = None
    steering_angle_deg: float | None = None
    doppler_sample_volume_x: int | None = None
    doppler_sample_volume_y: int | None = None
    tm_line_x0: int | None = None
    tm_line_y0: int | None = None
    tm_line_x1: int | None = None
    tm_line_y1: int | None = None

    @classmethod
    def of_raster(
        cls, raster: Raster, *, transmit_frequency_hz: float, prf_hz: float | None = None
    ) -> Region:
        """Return the region of a picture that fills the image.

        The reference pixel is the one nearest to the array's origin, so that a reader that
        knows no reference values still finds depth zero to half a pixel; the reference values
        hold the rest, so that one that knows them finds it exactly.
        """
        step = raster.pixel_size_m
        if not (math.isfinite(step) and step > 0):
            raise ArgumentError("raster.pixel_size_m must be positive and finite")
        if not (math.isfinite(raster.x_m) and math.isfinite(raster.z_m)):
            raise ArgumentError("raster.x_m and raster.z_m must be finite")
        if not (1 <= raster.n_rows <= MAX_SIDE and 1 <= raster.n_columns <= MAX_SIDE):
            raise ArgumentError(f"a DICOM image has 1 to {MAX_SIDE} rows and columns")
        column, row = -raster.x_m / step, -raster.z_m / step
        if not (abs(column) < _INT32_MAX and abs(row) < _INT32_MAX):
            raise ArgumentError("the raster lies too far from the array for its pixel size")
        x0, y0 = round(column), round(row)
        return cls(
            spatial_format=SPATIAL_FORMAT_2D,
            data_type=DATA_TYPE_TISSUE,
            flags=FLAGS_PROTECTED,
            min_x0=0,
            min_y0=0,
            max_x1=raster.n_columns - 1,
            max_y1=raster.n_rows - 1,
            units_x=UNITS_CM,
            units_y=UNITS_CM,
            delta_x=step * CM_PER_M,
            delta_y=step * CM_PER_M,
            reference_x0=x0,
            reference_y0=y0,
            reference_value_x=(raster.x_m + x0 * step) * CM_PER_M,
            reference_value_y=(raster.z_m + y0 * step) * CM_PER_M,
            transducer_frequency_khz=frequency_code(transmit_frequency_hz, 1e-3),
            pulse_repetition_frequency_hz=frequency_code(prf_hz, 1.0),
        )

    @property
    def is_low_priority(self) -> bool:
        """Whether regions of high priority overwrite this one where they overlap."""
        return bool(self.flags & FLAGS_LOW_PRIORITY)

    def contains(self, x: float, y: float) -> bool:
        """Whether a pixel of the image, column x and row y, lies in the region."""
        return self.min_x0 <= x <= self.max_x1 and self.min_y0 <= y <= self.max_y1

    def value_x(self, x: float) -> float:
        """Return the physical value of a column of the image, in the unit of ``units_x``.

        Without a reference pixel, values count from the region's first column.
        """
        reference = self.min_x0 + (self.reference_x0 or 0)
        return (self.reference_value_x or 0.0) + (x - reference) * self.delta_x

    def value_y(self, y: float) -> float:
        """Return the physical value of a row of the image, in the unit of ``units_y``."""
        reference = self.min_y0 + (self.reference_y0 or 0)
        return (self.reference_value_y or 0.0) + (y - reference) * self.delta_y

    def moved(self, columns: int, rows: int) -> Region:
        """Return the region of the same picture at another place in the image."""
        return replace(
            self,
            min_x0=self.min_x0 + columns,
            max_x1=self.max_x1 + columns,
            min_y0=self.min_y0 + rows,
            max_y1=self.max_y1 + rows,
        )

    @property
    def is_plane_in_cm(self) -> bool:
        """Whether it is a two-dimensional picture, of tissue or colour flow, measured in cm."""
        return (
            self.spatial_format == SPATIAL_FORMAT_2D
            and self.data_type in (DATA_TYPE_TISSUE, RegionDataType.COLOUR_FLOW)
            and self.units_x == self.units_y == UNITS_CM
        )

    @property
    def is_tissue_in_cm(self) -> bool:
        """Whether it is a two-dimensional picture of tissue, measured in cm."""
        return self.is_plane_in_cm and self.data_type == DATA_TYPE_TISSUE

    def to_item(self) -> Dataset:
        """Return the item of the sequence."""
        item = Dataset()
        for name, (keyword, _) in _ATTRIBUTES.items():
            value = getattr(self, name)
            if value is not None:
                setattr(item, keyword, value)
        return item

    @classmethod
    def from_item(cls, item: Dataset) -> Region:
        """Read an item; `DataDamagedError` if a needed attribute is absent or no number."""
        values: dict[str, int | float | None] = {}
        for name, (keyword, read) in _ATTRIBUTES.items():
            try:
                values[name] = read(item, keyword)
            except ValueError as error:
                raise DataDamagedError(f"{keyword} of a region {error}") from None
            if values[name] is None and name not in _OPTIONAL:
                raise DataDamagedError(f"a region has no {keyword}")
        return cls(**values)  # type: ignore[arg-type]


_ATTRIBUTES: dict[str, tuple[str, Callable[[Dataset, str], int | float | None]]] = {
    "spatial_format": ("RegionSpatialFormat", whole),
    "data_type": ("RegionDataType", whole),
    "flags": ("RegionFlags", whole),
    "min_x0": ("RegionLocationMinX0", whole),
    "min_y0": ("RegionLocationMinY0", whole),
    "max_x1": ("RegionLocationMaxX1", whole),
    "max_y1": ("RegionLocationMaxY1", whole),
    "units_x": ("PhysicalUnitsXDirection", whole),
    "units_y": ("PhysicalUnitsYDirection", whole),
    "delta_x": ("PhysicalDeltaX", number),
    "delta_y": ("PhysicalDeltaY", number),
    "reference_x0": ("ReferencePixelX0", whole),
    "reference_y0": ("ReferencePixelY0", whole),
    "reference_value_x": ("ReferencePixelPhysicalValueX", number),
    "reference_value_y": ("ReferencePixelPhysicalValueY", number),
    "transducer_frequency_khz": ("TransducerFrequency", whole),
    "pulse_repetition_frequency_hz": ("PulseRepetitionFrequency", whole),
    "doppler_correction_angle_deg": ("DopplerCorrectionAngle", number),
    "steering_angle_deg": ("SteeringAngle", number),
    "doppler_sample_volume_x": ("DopplerSampleVolumeXPosition", whole),
    "doppler_sample_volume_y": ("DopplerSampleVolumeYPosition", whole),
    "tm_line_x0": ("TMLinePositionX0", whole),
    "tm_line_y0": ("TMLinePositionY0", whole),
    "tm_line_x1": ("TMLinePositionX1", whole),
    "tm_line_y1": ("TMLinePositionY1", whole),
}
_OPTIONAL = {field.name for field in fields(Region) if field.default is None}


def read_regions(dataset: Dataset) -> list[Region]:
    """Return the regions of an image, in their order; `DataDamagedError` if one is unreadable."""
    items = dataset.get("SequenceOfUltrasoundRegions")
    if not isinstance(items, Sequence):
        return []
    if len(items) > _MAX_REGIONS:
        raise DataDamagedError(f"the image has more than {_MAX_REGIONS} regions")
    return [Region.from_item(item) for item in items]


def frequency_code(frequency_hz: float | None, factor: float) -> int | None:
    """Return a frequency as a UL, or None where it would say nothing."""
    if frequency_hz is None or not math.isfinite(frequency_hz):
        return None
    count = round(frequency_hz * factor)
    return count if 0 < count <= _UINT32_MAX else None
