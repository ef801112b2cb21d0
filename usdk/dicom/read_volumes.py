"""Read the volumes of an Enhanced US Volume, ours or another maker's."""

from __future__ import annotations

import hashlib
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.dicom.enhanced_us_volume import ENHANCED_US_VOLUME_STORAGE
from usdk.dicom.foreign import ASSUMED_DYNAMIC_RANGE_DB, foreign_provenance
from usdk.dicom.fragments import open_value
from usdk.dicom.image_size import image_size
from usdk.dicom.open import open_dicom, parser_border
from usdk.dicom.pictures import decoder_name
from usdk.dicom.provenance import FrameRecord, read_frame_digests, read_provenance
from usdk.dicom.pydicom_extra import Dataset, iter_pixels
from usdk.dicom.stream_size import require_stream_sizes
from usdk.dicom.volume_frame import VolumeFrame
from usdk.dicom.volume_groups import IN_PLANE, MM_PER_M, TISSUE_INTENSITY
from usdk.errors import DataDamagedError
from usdk.scan import VolumeRaster

__all__ = ["read_volumes"]

_TOLERANCE = 1e-3  # Share of a voxel by which a plane may be off.


def read_volumes(path: str | os.PathLike[str]) -> list[VolumeFrame]:
    """Return the volumes of an Enhanced US Volume file, in the order of time.

    A file of ours gives back voxels, calibration, time and provenance; each plane's SHA-256 is
    compared with the one written. Of others', planes of tissue intensity are taken, 8 bits deep;
    what their file does not tell is assumed and said in `Provenance.processing`.

    Raises
    ------
    StorageError
        The file cannot be read.
    DataDamagedError
        It is damaged, no Enhanced US Volume, or its planes are no grid of cubic voxels.
    MissingExtraError
        No decoder for its transfer syntax is installed.
    """
    dataset = open_dicom(Path(path))
    with parser_border("cannot read the volumes"):
        if dataset.get("SOPClassUID") != ENHANCED_US_VOLUME_STORAGE:
            raise DataDamagedError("the file is no Enhanced US Volume: read_frames reads pictures")
        n_rows, n_columns, n_frames = image_size(dataset)
        planes = _planes(dataset, n_frames)
        records = read_provenance(dataset)
        if records is not None and len(records) != n_frames:
            raise DataDamagedError("the private provenance is of another number of planes")
        stacks = _stacks(planes)
        raster = _raster(dataset, stacks, n_rows, n_columns)
        pixels = _pixels(dataset, Path(path), n_frames, check_digests=records is not None)
        return [
            _volume(dataset, raster, stack, pixels, records, time_s)
            for time_s, stack in stacks.items()
        ]


@dataclass(frozen=True)
class _Plane:
    """Where and when a plane is, by the functional groups."""

    index: int
    position_mm: tuple[float, float, float]
    time_s: float
    duration_s: float


def _planes(dataset: Dataset, n_frames: int) -> list[_Plane]:
    shared = _first(dataset, "SharedFunctionalGroupsSequence")
    orientation = _numbers(shared, ("PlaneOrientationVolumeSequence", "ImageOrientationVolume"), 6)
    if not np.allclose(orientation, IN_PLANE, atol=_TOLERANCE):
        raise DataDamagedError("the planes do not lie along the volume's x and y (PS3.3 A.59.4.1)")
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or ()
    if len(per_frame) != n_frames:
        raise DataDamagedError(f"{len(per_frame)} functional groups are of {n_frames} frames")
    planes = []
    for index, group in enumerate(per_frame):
        kind = _value(group, shared, ("ImageDataTypeSequence", "DataType"))
        if kind not in (None, TISSUE_INTENSITY):
            continue
        x, y, z = _numbers(group, ("PlanePositionVolumeSequence", "ImagePositionVolume"), 3)
        time_s = _value(group, shared, ("TemporalPositionSequence", "TemporalPositionTimeOffset"))
        duration_ms = _value(group, shared, ("FrameContentSequence", "FrameAcquisitionDuration"))
        planes.append(
            _Plane(index, (x, y, z), _finite(time_s, 0.0), _finite(duration_ms, math.nan) / 1e3)
        )
    if not planes:
        raise DataDamagedError("the volume has no planes of tissue intensity")
    return planes


def _stacks(planes: list[_Plane]) -> dict[float, list[_Plane]]:
    """Return the planes of each time, from the greatest z of the volume to the least."""
    stacks: dict[float, list[_Plane]] = {}
    for plane in sorted(planes, key=lambda plane: (plane.time_s, -plane.position_mm[2])):
        stacks.setdefault(plane.time_s, []).append(plane)
    first = next(iter(stacks.values()))
    places = np.array([plane.position_mm for plane in first])
    for stack in stacks.values():
        if len(stack) != len(first) or not np.allclose(
            [plane.position_mm for plane in stack], places, atol=1e-6
        ):
            raise DataDamagedError("the volumes of the cine do not have the same planes")
    return stacks


def _raster(
    dataset: Dataset, stacks: dict[float, list[_Plane]], n_rows: int, n_columns: int
) -> VolumeRaster:
    shared = _first(dataset, "SharedFunctionalGroupsSequence")
    rows_mm, columns_mm = _numbers(shared, ("PixelMeasuresSequence", "PixelSpacing"), 2)
    places = np.array([plane.position_mm for plane in next(iter(stacks.values()))])
    size_mm = columns_mm
    if not (math.isfinite(size_mm) and size_mm > 0):
        raise DataDamagedError("Pixel Spacing is not positive")
    steps = -np.diff(places[:, 2]) if len(places) > 1 else np.array([size_mm])
    drift = np.ptp(places[:, :2], axis=0).max()
    off = max(abs(rows_mm - size_mm), float(np.abs(steps - size_mm).max()), float(drift))
    if not off <= _TOLERANCE * size_mm:
        raise DataDamagedError(
            "the voxels are not cubes on one grid, and a VolumeRaster's are: resample the volume"
        )
    x_mm, depth_mm, z_mm = places[0]
    return VolumeRaster(
        x_m=x_mm / MM_PER_M,
        # The greatest z of the volume is the least y of ours.
        y_m=-z_mm / MM_PER_M,
        z_m=depth_mm / MM_PER_M,
        voxel_size_m=size_mm / MM_PER_M,
        n_x=n_columns,
        n_y=len(places),
        n_z=n_rows,
    )


def _pixels(
    dataset: Dataset, path: Path, n_frames: int, *, check_digests: bool
) -> list[NDArray[np.uint8]]:
    plugin = decoder_name(dataset)
    if plugin:
        with open_value(dataset) as value:
            require_stream_sizes(dataset, value)
    pixels = list(iter_pixels(os.fspath(path), decoding_plugin=plugin))
    if len(pixels) != n_frames:
        raise DataDamagedError(f"{len(pixels)} of {n_frames} planes are in the file")
    if any(plane.dtype != np.uint8 or plane.ndim != 2 for plane in pixels):
        raise DataDamagedError("the voxels are not 8 bits deep and grey")
    digests = read_frame_digests(dataset)
    if check_digests and (digests is None or len(digests) != n_frames):
        raise DataDamagedError("the private provenance is of another number of planes")
    for index, plane in enumerate(pixels):
        if digests and hashlib.sha256(plane.tobytes()).digest() != digests[index]:
            raise DataDamagedError(f"plane {index + 1} is not the one that was written")
    return pixels


def _volume(
    dataset: Dataset,
    raster: VolumeRaster,
    stack: list[_Plane],
    pixels: list[NDArray[np.uint8]],
    records: list[FrameRecord] | None,
    time_s: float,
) -> VolumeFrame:
    # Planes are (n_z, n_x), from the least y of ours to the greatest.
    voxels = np.stack([pixels[plane.index].T for plane in stack], axis=1)
    apex_m = None
    if dataset.get("UltrasoundAcquisitionGeometry") == "APEX":
        x, y, z = (float(value) / MM_PER_M for value in dataset.ApexPosition)
        apex_m = (x, -z, y)
    record = None if records is None else records[stack[0].index]
    duration_s = stack[0].duration_s
    return VolumeFrame(
        pixels=np.ascontiguousarray(voxels),
        raster=raster,
        apex_m=apex_m,
        duration_s=duration_s if duration_s > 0 else math.nan,
        dynamic_range_db=ASSUMED_DYNAMIC_RANGE_DB if record is None else record.dynamic_range_db,
        provenance=foreign_provenance(dataset, _assumed(dataset))
        if record is None
        else record.provenance,
        sequence_number=0 if record is None else record.sequence_number,
        device_timestamp_s=time_s if record is None else record.device_timestamp_s,
        host_timestamp_s=math.nan if record is None else record.host_timestamp_s,
    )


def _assumed(dataset: Dataset) -> list[tuple[str, str]]:
    assumed = [("dynamic_range_db", f"unknown, {ASSUMED_DYNAMIC_RANGE_DB:g} assumed")]
    matrix = np.asarray(dataset.get("VolumeToTransducerMappingMatrix") or np.eye(4).ravel(), float)
    if matrix.size != 16 or not np.allclose(matrix, np.eye(4).ravel()):
        assumed.append(("place", "as in the volume's own coordinates, not the transducer's"))
    return assumed


def _first(dataset: Dataset, keyword: str) -> Dataset:
    items = dataset.get(keyword)
    if not items:
        raise DataDamagedError(f"{keyword} is absent")
    item: Dataset = items[0]
    return item


def _value(group: Dataset, shared: Dataset, path: tuple[str, str]) -> Any:
    for place in (group, shared):
        items = place.get(path[0])
        if items:
            return items[0].get(path[1])
    return None


def _numbers(group: Dataset, path: tuple[str, str], n: int) -> list[float]:
    value = _first(group, path[0]).get(path[1])
    numbers = [] if value is None else [float(entry) for entry in value]
    if len(numbers) != n or not all(map(math.isfinite, numbers)):
        raise DataDamagedError(f"{path[1]} is not {n} finite numbers")
    return numbers


def _finite(value: Any, otherwise: float) -> float:
    return float(value) if value is not None and math.isfinite(float(value)) else otherwise
