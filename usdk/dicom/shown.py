"""Shown: a picture of any kind, as an image object needs it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from usdk.dicom.colour_region import colour_item, is_power
from usdk.dicom.composed import ComposedFrame
from usdk.dicom.pydicom_extra import Dataset
from usdk.dicom.region_codes import ModeBits, SpatialFormat
from usdk.dicom.regions import CM_PER_M, FLAGS_LOW_PRIORITY, Region, frequency_code
from usdk.dicom.strip_regions import m_mode_region, spectral_region
from usdk.doppler.spectral import SampleVolume, SpectralFrame
from usdk.errors import ArgumentError
from usdk.flow_overlay import FlowOverlay
from usdk.frame import Frame, Provenance
from usdk.m_mode import MModeFrame
from usdk.scan import LineScan

__all__ = ["Displayed", "Shown", "shown_of"]

Displayed: TypeAlias = Frame | MModeFrame | SpectralFrame | ComposedFrame


@dataclass(frozen=True, eq=False, kw_only=True)
class Shown:
    """What an image object says of one picture.

    Parameters
    ----------
    pixels : ndarray of uint8, (n_rows, n_columns) or (n_rows, n_columns, 3)
        Grey, or RGB.
    regions : tuple of Dataset
        Items of the Sequence of Ultrasound Regions.
    overlays : tuple of FlowOverlay
        What the colours mean.
    mode : ModeBits
        Modes shown.
    depth_m : float
        Depth of the deepest row, m; NaN where there is none.
    provenance, dynamic_range_db, sequence_number, device_timestamp_s, host_timestamp_s
        As of `Frame`.
    """

    pixels: NDArray[np.uint8]
    regions: tuple[Dataset, ...]
    overlays: tuple[FlowOverlay, ...]
    mode: ModeBits
    depth_m: float
    provenance: Provenance
    dynamic_range_db: float
    sequence_number: int = 0
    device_timestamp_s: float = math.nan
    host_timestamp_s: float = math.nan

    @property
    def is_colour(self) -> bool:
        """Whether the pixels are red, green and blue."""
        return self.pixels.ndim == 3

    @property
    def shape(self) -> tuple[int, int]:
        """(n_rows, n_columns)."""
        return (self.pixels.shape[0], self.pixels.shape[1])


def shown_of(frame: Displayed | Shown) -> Shown:
    """Return what an image object says of a picture.

    Raises
    ------
    ArgumentError
        If it is no picture, or has no calibration that a region can hold.
    """
    if isinstance(frame, Shown):
        return frame
    if isinstance(frame, Frame):
        return _two_dimensional(frame)
    if isinstance(frame, MModeFrame):
        return _m_mode(frame)
    if isinstance(frame, SpectralFrame):
        return _spectral(frame)
    if isinstance(frame, ComposedFrame):
        return _composed(frame)
    raise ArgumentError(
        "a DICOM image shows a Frame, MModeFrame, SpectralFrame or ComposedFrame, not "
        f"{type(frame).__name__}"
    )


def _two_dimensional(frame: Frame) -> Shown:
    overlay, raster = frame.overlay, frame.raster
    mode = ModeBits.TWO_DIMENSIONAL
    picture = Region.of_raster(
        raster,
        transmit_frequency_hz=frame.provenance.transmit_frequency_hz,
        prf_hz=frame.provenance.prf_hz,
    )
    regions = []
    if overlay is not None:
        # The colours overwrite the tissue below them, whose greys are not calibrated there.
        picture = replace(picture, flags=picture.flags | FLAGS_LOW_PRIORITY)
        whole = Region.of_raster(
            raster, transmit_frequency_hz=overlay.frequency_hz, prf_hz=overlay.prf_hz
        )
        regions.append(colour_item(whole, overlay))
        mode |= ModeBits.COLOUR_POWER if is_power(overlay) else ModeBits.COLOUR_DOPPLER
    return Shown(
        pixels=frame.pixels,
        regions=(picture.to_item(), *regions),
        overlays=() if overlay is None else (overlay,),
        mode=mode,
        depth_m=raster.z_m + (raster.n_rows - 1) * raster.pixel_size_m,
        provenance=frame.provenance,
        dynamic_range_db=frame.dynamic_range_db,
        sequence_number=frame.sequence_number,
        device_timestamp_s=frame.device_timestamp_s,
        host_timestamp_s=frame.host_timestamp_s,
    )


def _m_mode(frame: MModeFrame) -> Shown:
    overlay, picture = frame.overlay, m_mode_region(frame)
    mode = ModeBits.M_MODE
    regions = []
    if overlay is not None:
        whole = replace(
            picture,
            transducer_frequency_khz=frequency_code(overlay.frequency_hz, 1e-3),
            pulse_repetition_frequency_hz=frequency_code(overlay.prf_hz, 1.0),
        )
        picture = replace(picture, flags=picture.flags | FLAGS_LOW_PRIORITY)
        regions.append(colour_item(whole, overlay))
        mode |= ModeBits.COLOUR_M_MODE
    return Shown(
        pixels=frame.pixels,
        regions=(picture.to_item(), *regions),
        overlays=() if overlay is None else (overlay,),
        mode=mode,
        depth_m=frame.depth_m(frame.pixels.shape[0] - 1),
        provenance=frame.provenance,
        dynamic_range_db=frame.dynamic_range_db,
        device_timestamp_s=frame.start_s,
    )


def _spectral(frame: SpectralFrame) -> Shown:
    provenance = frame.provenance or Provenance(
        probe="",
        sequence="",
        transmit_frequency_hz=frame.slow_time.frequency_hz,
        sound_speed_m_s=frame.slow_time.sound_speed_m_s,
        prf_hz=frame.slow_time.prf_hz,
    )
    return Shown(
        pixels=frame.pixels,
        regions=(spectral_region(frame).to_item(),),
        overlays=(),
        mode=ModeBits.PW_DOPPLER,
        depth_m=math.nan,
        provenance=provenance,
        dynamic_range_db=frame.dynamic_range_db,
        device_timestamp_s=frame.start_s,
    )


def _composed(frame: ComposedFrame) -> Shown:
    shown = [shown_of(part.frame) for part in frame.parts]
    lines = [part.frame.line for part in frame.parts if isinstance(part.frame, MModeFrame)]
    items, mode = [], ModeBits(0)
    for part, one in zip(frame.parts, shown, strict=True):
        mode |= one.mode
        for item in one.regions:
            _move(item, part.column, part.row)
            if item.RegionSpatialFormat == SpatialFormat.TWO_DIMENSIONAL:
                _add_places(item, frame.sample_volume, lines[0] if lines else None)
            items.append(item)
    # The two-dimensional picture comes with the device's count and the times; a strip has none.
    first = next((s for s in shown if s.mode & ModeBits.TWO_DIMENSIONAL), shown[0])
    settings = [s.provenance.processing for s in shown if s is not first]
    extra = tuple(("part", f"{name}={value}") for each in settings for name, value in each)
    depths_m = [s.depth_m for s in shown if math.isfinite(s.depth_m)]
    return replace(
        first,
        pixels=frame.pixels,
        regions=tuple(items),
        overlays=tuple(overlay for s in shown for overlay in s.overlays),
        mode=mode,
        depth_m=max(depths_m, default=math.nan),
        provenance=replace(first.provenance, processing=first.provenance.processing + extra),
    )


def _move(item: Dataset, columns: int, rows: int) -> None:
    # Reference pixels count from the region's own corner, and stay.
    item.RegionLocationMinX0 += columns
    item.RegionLocationMaxX1 += columns
    item.RegionLocationMinY0 += rows
    item.RegionLocationMaxY1 += rows


def _add_places(item: Dataset, gate: SampleVolume | None, line: LineScan | None) -> None:
    """Tell where gate and line lie, pixels from the reference pixel (PS3.3 C.8.5.5.1.10)."""

    def place(x_m: float, z_m: float) -> tuple[int, int]:
        column = (x_m * CM_PER_M - item.ReferencePixelPhysicalValueX) / item.PhysicalDeltaX
        row = (z_m * CM_PER_M - item.ReferencePixelPhysicalValueY) / item.PhysicalDeltaY
        return round(column), round(row)

    if gate is not None:
        x, y = place(gate.centre_m[0], gate.centre_m[-1])
        item.DopplerSampleVolumeXPosition, item.DopplerSampleVolumeYPosition = x, y
    if line is not None:
        item.TMLinePositionX0, item.TMLinePositionY0 = place(line.start_m[0], line.start_m[2])
        item.TMLinePositionX1, item.TMLinePositionY1 = place(line.end_m[0], line.end_m[2])
