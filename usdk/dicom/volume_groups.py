"""Functional groups and dimensions of an Enhanced US Volume (PS3.3 A.59.4, C.8.24.3.3).

The volume's frame of reference is the transducer's (C.8.24.2.1): x to the right, y down into the
body, z by the right hand. Of ours that is (x, z, −y), so that planes follow each other from the
greatest y to the least.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from usdk.dicom.pydicom_extra import Dataset, format_number_as_ds, generate_uid
from usdk.dicom.times import dt
from usdk.dicom.volume_frame import VolumeFrame

__all__ = ["DIMENSIONS", "IN_PLANE", "MM_PER_M", "TISSUE_INTENSITY", "add_groups", "planes"]

MM_PER_M = 1e3
IN_PLANE = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
"""Image Orientation (Volume): columns along x, rows along y."""
TISSUE_INTENSITY = "TISSUE_INTENSITY"
# Attribute, and the functional group that holds it, in the order of PS3.3 table C.8.24.3.3-1.
DIMENSIONS = (
    (0x0020930D, 0x00209310, "Temporal position"),
    (0x00209301, 0x0020930E, "Position of the plane"),
    (0x00189808, 0x00189807, "Data type"),
)


def planes(volume: VolumeFrame) -> list[NDArray[np.uint8]]:
    """Return the planes, (n_z, n_x) each, from the greatest y to the least."""
    return [np.ascontiguousarray(volume.pixels[:, y, :].T) for y in range(volume.raster.n_y)][::-1]


def add_groups(
    dataset: Dataset, volumes: Sequence[VolumeFrame], times_s: Sequence[float], start: datetime
) -> None:
    """Write dimensions, shared and per-frame functional groups.

    Parameters
    ----------
    volumes : sequence of VolumeFrame
        In the order of time, all with one raster.
    times_s : sequence of float
        Start of each volume from that of the first, s.
    start : datetime
        Start of the first.
    """
    _add_dimensions(dataset, is_cine=len(volumes) > 1)
    dataset.SharedFunctionalGroupsSequence = [_shared(volumes[0].raster.voxel_size_m)]
    frames = []
    for index, (volume, time_s) in enumerate(zip(volumes, times_s, strict=True), start=1):
        content = {
            "FrameAcquisitionDateTime": dt(start + timedelta(seconds=time_s)),
            "FrameReferenceDateTime": dt(start + timedelta(seconds=time_s + volume.duration_s / 2)),
            "FrameAcquisitionDuration": volume.duration_s * 1e3,
        }
        raster = volume.raster
        y_m = raster.axes_m()[1][::-1]
        for place in range(raster.n_y):
            position_m = (raster.x_m, raster.z_m, -float(y_m[place]))
            frame = Dataset()
            frame.FrameContentSequence = [
                _item(**content, DimensionIndexValues=[index, place + 1, 1])
            ]
            frame.PlanePositionVolumeSequence = [
                _item(ImagePositionVolume=[value * MM_PER_M for value in position_m])
            ]
            frame.TemporalPositionSequence = [_item(TemporalPositionTimeOffset=float(time_s))]
            frames.append(frame)
    dataset.PerFrameFunctionalGroupsSequence = frames
    dataset.NumberOfFrames = len(frames)


def _shared(voxel_size_m: float) -> Dataset:
    size_mm = format_number_as_ds(voxel_size_m * MM_PER_M)
    shared = Dataset()
    shared.PixelMeasuresSequence = [
        _item(PixelSpacing=[size_mm, size_mm], SliceThickness=size_mm, SpacingBetweenSlices=size_mm)
    ]
    shared.PlaneOrientationVolumeSequence = [_item(ImageOrientationVolume=list(IN_PLANE))]
    # The window that leaves every grey as it is (C.11.2.1.2).
    shared.FrameVOILUTSequence = [_item(WindowCenter="128", WindowWidth="256")]
    shared.ImageDataTypeSequence = [_item(DataType=TISSUE_INTENSITY, AliasedDataType="NO")]
    shared.USImageDescriptionSequence = [
        _item(
            FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"],
            VolumetricProperties="VOLUME",
            VolumeBasedCalculationTechnique="NONE",
        )
    ]
    return shared


def _add_dimensions(dataset: Dataset, *, is_cine: bool) -> None:
    uid = generate_uid(prefix=None)
    dataset.DimensionOrganizationType = "3D_TEMPORAL" if is_cine else "3D"
    dataset.DimensionOrganizationSequence = [_item(DimensionOrganizationUID=uid)]
    dataset.DimensionIndexSequence = [
        _item(
            DimensionOrganizationUID=uid,
            DimensionIndexPointer=attribute,
            FunctionalGroupPointer=group,
            DimensionDescriptionLabel=label,
        )
        for attribute, group, label in DIMENSIONS
    ]


def _item(**values: object) -> Dataset:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item
