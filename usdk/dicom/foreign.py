"""What a file of another maker tells about its frames, and what must be assumed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from usdk.acquisition import DeviceInfo
from usdk.dicom.findings import number, shown_text
from usdk.dicom.provenance import FrameRecord
from usdk.dicom.pydicom_extra import Dataset
from usdk.dicom.regions import Region
from usdk.frame import Provenance

__all__ = ["ASSUMED_DYNAMIC_RANGE_DB", "foreign_provenance", "foreign_records"]

ASSUMED_DYNAMIC_RANGE_DB = 60.0
"""Dynamic range of frames whose file does not tell it, dB."""


def foreign_records(
    dataset: Dataset,
    region: Region,
    n_frames: int,
    *,
    is_origin_assumed: bool,
    is_scale_given: bool = False,
    coloured_fraction: float,
) -> list[FrameRecord]:
    """Return one record per frame; what the file does not tell is said in the processing."""
    assumed = [("dynamic_range_db", f"unknown, {ASSUMED_DYNAMIC_RANGE_DB:g} assumed")]
    if is_origin_assumed:
        assumed.append(("origin", "unknown, middle of the first row assumed"))
    if is_scale_given:
        assumed.append(("scale", "unknown to the file, given by the caller"))
    if coloured_fraction > 0:
        assumed.append(("colour", f"{coloured_fraction:.2%} of pixels coloured, luminance taken"))
    provenance = foreign_provenance(dataset, assumed, region)
    times_s = _times_s(dataset, n_frames)
    return [
        FrameRecord(
            provenance=provenance,
            dynamic_range_db=ASSUMED_DYNAMIC_RANGE_DB,
            sequence_number=index,
            device_timestamp_s=times_s[index],
            host_timestamp_s=math.nan,
        )
        for index in range(n_frames)
    ]


def foreign_provenance(
    dataset: Dataset, assumed: Sequence[tuple[str, str]], region: Region | None = None
) -> Provenance:
    """Return what a file tells of device and transmits, and what had to be assumed."""
    frequency_khz = None if region is None else region.transducer_frequency_khz
    return Provenance(
        probe=shown_text(dataset, "TransducerData"),
        sequence="",
        transmit_frequency_hz=(frequency_khz or math.nan) * 1e3,
        sound_speed_m_s=math.nan,
        prf_hz=None if region is None else region.pulse_repetition_frequency_hz,
        device=DeviceInfo(
            manufacturer=shown_text(dataset, "Manufacturer"),
            model=shown_text(dataset, "ManufacturerModelName"),
            serial_number=shown_text(dataset, "DeviceSerialNumber"),
            firmware_version=shown_text(dataset, "SoftwareVersions"),
        ),
        processing=(("source", "DICOM of another maker"), *assumed),
    )


def _times_s(dataset: Dataset, n_frames: int) -> list[float]:
    """Return the frames' times from the first, s; NaN where the file does not tell."""
    vector: Any = dataset.get("FrameTimeVector")
    try:
        if vector is not None and n_frames > 1 and len(vector) == n_frames:
            return [float(time_s) for time_s in np.cumsum([float(v) for v in vector]) / 1e3]
        frame_time_ms = number(dataset, "FrameTime")
    except (TypeError, ValueError):
        frame_time_ms = None
    if frame_time_ms is None or not (math.isfinite(frame_time_ms) and frame_time_ms > 0):
        return [math.nan] * n_frames
    return [index * frame_time_ms / 1e3 for index in range(n_frames)]
