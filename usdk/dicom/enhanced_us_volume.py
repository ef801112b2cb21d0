"""Enhanced US Volume Storage: volumes, one or a cine of them (PS3.3 A.59)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from usdk.choice import choice
from usdk.dicom.codecs import Codec, set_pixel_data
from usdk.dicom.equipment import Equipment
from usdk.dicom.examination_settings import ExaminationSettings
from usdk.dicom.image import file_meta
from usdk.dicom.provenance import add_provenance, loss_comment
from usdk.dicom.pydicom_extra import Dataset, generate_uid
from usdk.dicom.regions import MAX_SIDE
from usdk.dicom.series import MAX_INTEGER_STRING, whole_number
from usdk.dicom.study import Study
from usdk.dicom.text import fit_text
from usdk.dicom.times import da, dt, from_unix, tm
from usdk.dicom.transducer_codes import APPLICATIONS, GEOMETRIES, STEERINGS, VOLUME_PATTERN
from usdk.dicom.volume_frame import VolumeFrame
from usdk.dicom.volume_groups import MM_PER_M, add_groups, planes
from usdk.errors import ArgumentError
from usdk.frame import Provenance
from usdk.probe import ArrayKind

__all__ = ["ENHANCED_US_VOLUME_STORAGE", "NO_APEX", "Steering", "enhanced_us_volume"]

ENHANCED_US_VOLUME_STORAGE = "1.2.840.10008.5.1.4.1.1.6.2"
NO_APEX = "PARALLEL"
"""Ultrasound Acquisition Geometry of lines that have no common origin.

PS3.3 C.8.24.2 knows the terms APEX and PATIENT, neither of which is true of them, and lets others
be added, as these are defined terms."""

Steering = Literal["phased", "mechanical", "fixed"]
PositionDevice = Literal["RIGID", "FREEHAND"]


def enhanced_us_volume(
    volumes: VolumeFrame | Sequence[VolumeFrame],
    *,
    study: Study,
    settings: ExaminationSettings,
    equipment: Equipment | None = None,
    codec: Codec = "native",
    instance_number: int | None = None,
    volume_interval_s: float | None = None,
    array: ArrayKind | str = ArrayKind.MATRIX,
    steering: Sequence[Steering] = ("phased", "phased"),
    position_measuring_device: PositionDevice = "RIGID",
) -> Dataset:
    """Return an Enhanced US Volume, each plane decoded and compared.

    The standard asks more of it than of pictures, and nothing of that is made up: without the four
    indices of output, focus depths, view and use of the probe in ``settings``, the anatomic region
    in the series, names of the device, time and duration, there is no object.

    Parameters
    ----------
    volumes : VolumeFrame or sequence of VolumeFrame
        One, or a cine of one raster and device in the order of time.
    settings : ExaminationSettings
        Output, focus, view and use of the probe.
    equipment : Equipment, optional
        What `Provenance.device` says, when absent.
    instance_number : int, optional
        The device's count of the first volume, from 1, when absent.
    volume_interval_s : float, optional
        Time between volumes, s; needed when they have no device timestamps.
    array : ArrayKind or str
        Geometry of the array.
    steering : sequence of {"phased", "mechanical", "fixed"}
        How beams are steered within a plane, and from plane to plane.
    position_measuring_device : {"RIGID", "FREEHAND"}
        Whether the place of each line was known, as it is where the probe steers, or the probe was
        moved by hand.

    Raises
    ------
    ArgumentError
        Volumes do not belong together, something that must be told is unknown, or a value cannot be
        written.
    MissingExtraError
        The codec is not installed.
    """
    volumes = [volumes] if isinstance(volumes, VolumeFrame) else list(volumes)
    first = _require_alike(volumes)
    times_s = _times_s(volumes, volume_interval_s)
    equipment = equipment or Equipment.from_device(first.provenance.device)
    _require_told(volumes, settings, study, equipment)
    # Not NaN, as it was asked for; so that there is a time.
    started = from_unix(first.host_timestamp_s, study.study_datetime) or study.study_datetime
    slices = [_Slice.of(volume, pixels) for volume in volumes for pixels in planes(volume)]
    dataset = Dataset()
    dataset.file_meta = file_meta(ENHANCED_US_VOLUME_STORAGE)
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = ENHANCED_US_VOLUME_STORAGE
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID
    now = datetime.now(study.study_datetime.tzinfo)
    dataset.InstanceCreationDate, dataset.InstanceCreationTime = da(now), tm(now)
    study.add_to(dataset)
    equipment.add_to(dataset)
    if instance_number is None:
        instance_number = min(max(int(first.sequence_number) + 1, 1), MAX_INTEGER_STRING)
    dataset.InstanceNumber = whole_number(instance_number, "InstanceNumber")
    dataset.PatientOrientation = ""
    dataset.ContentDate, dataset.ContentTime = da(now), tm(now)
    dataset.AcquisitionDateTime = dt(started)
    dataset.AcquisitionDuration = times_s[-1] + volumes[-1].duration_s
    _add_frame_of_reference(dataset, first)
    _add_image(dataset, first, settings, position_measuring_device)
    _add_transducer(dataset, settings, array, steering)
    comment = loss_comment(volumes)
    if comment:
        dataset.ImageComments = fit_text(comment, "LT")
    add_groups(dataset, volumes, times_s, started)
    add_provenance(dataset, slices)
    set_pixel_data(dataset, [one.pixels for one in slices], codec)
    return dataset


@dataclass(frozen=True, eq=False)
class _Slice:
    """A plane, recorded as part of its volume."""

    pixels: NDArray[np.uint8]
    provenance: Provenance
    dynamic_range_db: float
    sequence_number: int
    device_timestamp_s: float
    host_timestamp_s: float

    @classmethod
    def of(cls, volume: VolumeFrame, pixels: NDArray[np.uint8]) -> _Slice:
        names = [field.name for field in fields(cls) if field.name != "pixels"]
        return cls(pixels, **{name: getattr(volume, name) for name in names})


def _require_alike(volumes: Sequence[VolumeFrame]) -> VolumeFrame:
    if not volumes or not all(isinstance(volume, VolumeFrame) for volume in volumes):
        raise ArgumentError("volumes must be a VolumeFrame, or a sequence of at least one")
    first = volumes[0]
    for number, volume in enumerate(volumes, start=1):
        if (volume.raster, volume.apex_m) != (first.raster, first.apex_m):
            raise ArgumentError(f"volume {number} has another raster or apex than volume 1")
        if volume.provenance.device != first.provenance.device:
            raise ArgumentError(f"volume {number} is of another device: export it on its own")
    if max(first.raster.n_z, first.raster.n_x) > MAX_SIDE:
        raise ArgumentError(f"a DICOM image has at most {MAX_SIDE} rows and columns")
    return first


def _times_s(volumes: Sequence[VolumeFrame], interval_s: float | None) -> list[float]:
    """Return the start of each volume from the first, s."""
    if len(volumes) == 1:
        return [0.0]
    times_s = [volume.device_timestamp_s - volumes[0].device_timestamp_s for volume in volumes]
    if interval_s is not None:
        if all(map(math.isfinite, times_s)):
            raise ArgumentError("the volumes have device timestamps: leave volume_interval_s out")
        if not (math.isfinite(interval_s) and interval_s > 0):
            raise ArgumentError("volume_interval_s must be positive and finite")
        return [index * interval_s for index in range(len(volumes))]
    if not all(map(math.isfinite, times_s)):
        raise ArgumentError("device_timestamp_s of a volume is unknown: give volume_interval_s")
    if not all(later > earlier for earlier, later in itertools.pairwise(times_s)):
        raise ArgumentError("device_timestamp_s must increase from volume to volume")
    return times_s


def _require_told(
    volumes: Sequence[VolumeFrame],
    settings: ExaminationSettings,
    study: Study,
    equipment: Equipment,
) -> None:
    """Raise `ArgumentError` with the names of all that an object must tell and nobody told."""
    missing = [
        name
        for name in (
            "mechanical_index",
            "bone_thermal_index",
            "cranial_thermal_index",
            "soft_tissue_thermal_index",
            "view",
        )
        if getattr(settings, name) is None
    ]
    missing += [
        name for name in ("focus_depths_m", "transducer_application") if not getattr(settings, name)
    ]
    missing = [f"settings.{name}" for name in missing]
    if study.series.anatomic_region is None:
        missing.append("study.series.anatomic_region")
    missing += [
        f"equipment.{name}"
        for name in ("manufacturer", "manufacturer_model_name", "device_serial_number")
        if not getattr(equipment, name)
    ]
    if math.isnan(volumes[0].host_timestamp_s):
        missing.append("host_timestamp_s of the first volume")
    if any(math.isnan(volume.duration_s) for volume in volumes):
        missing.append("duration_s of each volume")
    if missing:
        raise ArgumentError(f"an Enhanced US Volume must also tell: {', '.join(missing)}")


def _add_frame_of_reference(dataset: Dataset, volume: VolumeFrame) -> None:
    dataset.FrameOfReferenceUID = generate_uid(prefix=None)
    dataset.PositionReferenceIndicator = ""
    dataset.VolumeFrameOfReferenceUID = generate_uid(prefix=None)
    dataset.UltrasoundAcquisitionGeometry = NO_APEX
    if volume.apex_m is not None:
        x_m, y_m, z_m = volume.apex_m
        dataset.UltrasoundAcquisitionGeometry = "APEX"
        dataset.ApexPosition = [x_m * MM_PER_M, z_m * MM_PER_M, -y_m * MM_PER_M]
    # Volume and transducer count from the same origin, the middle of the probe's face.
    dataset.VolumeToTransducerMappingMatrix = np.eye(4).ravel().tolist()
    dataset.SynchronizationTrigger = "NO TRIGGER"
    dataset.AcquisitionTimeSynchronized = "N"
    dataset.SynchronizationFrameOfReferenceUID = generate_uid(prefix=None)


def _add_image(
    dataset: Dataset, volume: VolumeFrame, settings: ExaminationSettings, device: PositionDevice
) -> None:
    if device not in get_args(PositionDevice):
        raise ArgumentError("position_measuring_device must be RIGID or FREEHAND")
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    raster = volume.raster
    deepest_m = raster.z_m + (raster.n_z - 1) * raster.voxel_size_m
    dataset.DepthOfScanField = min(max(1, round(deepest_m * MM_PER_M)), MAX_INTEGER_STRING)
    processing = "; ".join(f"{name}={value}" for name, value in volume.provenance.processing)
    if processing:
        dataset.ProcessingFunction = fit_text(processing, "LO")
    settings.add_output_to(dataset)
    settings.add_focus_to(dataset)
    dataset.PositionMeasuringDeviceUsed = device
    dataset.AcquisitionContextSequence = []
    dataset.BurnedInAnnotation = "NO"
    dataset.LossyImageCompression = "00"
    dataset.PresentationLUTShape = "IDENTITY"
    dataset.RescaleIntercept, dataset.RescaleSlope = "0", "1"
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = raster.n_z, raster.n_x
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    probe = fit_text(volume.provenance.probe, "LO")
    if probe:
        dataset.TransducerData = [probe]


def _add_transducer(
    dataset: Dataset,
    settings: ExaminationSettings,
    array: ArrayKind | str,
    steering: Sequence[Steering],
) -> None:
    kind = choice(ArrayKind, array)
    if kind not in GEOMETRIES:
        raise ArgumentError(f"array must be one of {', '.join(GEOMETRIES)}")
    if not steering or not set(steering) <= set(STEERINGS):
        raise ArgumentError(f"steering must be one or more of {', '.join(STEERINGS)}")
    dataset.TransducerScanPatternCodeSequence = [VOLUME_PATTERN.to_dataset()]
    dataset.TransducerGeometryCodeSequence = [GEOMETRIES[kind].to_dataset()]
    dataset.TransducerBeamSteeringCodeSequence = [STEERINGS[s].to_dataset() for s in steering]
    application = APPLICATIONS[settings.transducer_application]
    dataset.TransducerApplicationCodeSequence = [application.to_dataset()]
