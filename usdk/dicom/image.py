"""What every ultrasound object of ours has: SOP Common, General Image, Image Pixel, US Image."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from usdk.dicom.codecs import Codec, set_pixel_data
from usdk.dicom.colour_region import add_colour_region, common_overlay
from usdk.dicom.equipment import Equipment
from usdk.dicom.provenance import add_provenance, loss_comment
from usdk.dicom.pydicom_extra import UID, Dataset, FileMetaDataset, generate_uid
from usdk.dicom.regions import add_regions
from usdk.dicom.series import MAX_INTEGER_STRING, whole_number
from usdk.dicom.study import Study
from usdk.dicom.text import fit_text
from usdk.dicom.times import da, dt, from_unix, tm
from usdk.distribution import sdk_version
from usdk.flow_overlay import FlowKind, FlowOverlay
from usdk.frame import Frame

__all__ = ["IMPLEMENTATION_CLASS_UID", "add_pixels", "build_image"]

IMPLEMENTATION_CLASS_UID = UID("2.25.124557736432933221373501345552769839325")
# Bits of value 4 of Image Type (PS3.3 C.8.5.6.1.1).
_TWO_DIMENSIONAL = 0x0001
_COLOUR_DOPPLER = 0x0010
_COLOUR_POWER = 0x0100


def build_image(
    frames: Sequence[Frame],
    *,
    sop_class_uid: str,
    study: Study,
    equipment: Equipment | None,
    instance_number: int | None,
) -> Dataset:
    """Return an object with everything but its pixels and its own module.

    Parameters
    ----------
    frames : sequence of Frame
        At least one, all with one raster.
    instance_number : int, optional
        The device's count of the first frame, from 1, when absent.

    Raises
    ------
    ArgumentError
        A value cannot be written.
    """
    first = frames[0]
    overlay = common_overlay(frames)
    dataset = Dataset()
    dataset.file_meta = _file_meta(sop_class_uid)
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = sop_class_uid
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID
    now = datetime.now(study.study_datetime.tzinfo)
    dataset.InstanceCreationDate, dataset.InstanceCreationTime = da(now), tm(now)
    study.add_to(dataset)
    (equipment or Equipment.from_device(first.provenance.device)).add_to(dataset)
    _add_general_image(dataset, frames, study, instance_number)
    examined = study.series.examination
    dataset.ImageType = ["ORIGINAL", "PRIMARY", examined, f"{_shown(overlay):04X}"]
    add_regions(
        dataset,
        first.raster,
        transmit_frequency_hz=first.provenance.transmit_frequency_hz,
        prf_hz=first.provenance.prf_hz,
    )
    add_colour_region(dataset, first)
    _add_us_image(dataset, first)
    add_provenance(dataset, frames)
    return dataset


def add_pixels(dataset: Dataset, frames: Sequence[Frame], codec: Codec) -> None:
    """Write the Image Pixel module and the pixels, decoded and compared."""
    is_colour = frames[0].is_colour
    dataset.SamplesPerPixel = 3 if is_colour else 1
    dataset.PhotometricInterpretation = "RGB" if is_colour else "MONOCHROME2"
    if is_colour:
        dataset.PlanarConfiguration = 0
    dataset.Rows, dataset.Columns = frames[0].shape
    dataset.BitsAllocated = 8
    dataset.BitsStored = 8
    dataset.HighBit = 7
    dataset.PixelRepresentation = 0
    set_pixel_data(dataset, [frame.pixels for frame in frames], codec)


def _shown(overlay: FlowOverlay | None) -> int:
    """Return what the picture shows, as bits of Image Type's value 4."""
    if overlay is None:
        return _TWO_DIMENSIONAL
    is_power = overlay.kind in (FlowKind.POWER, FlowKind.DIRECTIONAL_POWER)
    return _TWO_DIMENSIONAL | (_COLOUR_POWER if is_power else _COLOUR_DOPPLER)


def _file_meta(sop_class_uid: str) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(sop_class_uid)
    meta.MediaStorageSOPInstanceUID = generate_uid(prefix=None)
    meta.ImplementationClassUID = IMPLEMENTATION_CLASS_UID
    meta.ImplementationVersionName = f"USDK_{sdk_version()}"[:16]
    return meta


def _add_general_image(
    dataset: Dataset, frames: Sequence[Frame], study: Study, instance_number: int | None
) -> None:
    first = frames[0]
    if instance_number is None:
        instance_number = min(max(int(first.sequence_number) + 1, 1), MAX_INTEGER_STRING)
    dataset.InstanceNumber = whole_number(instance_number, "InstanceNumber")
    dataset.PatientOrientation = ""
    acquired = from_unix(first.host_timestamp_s, study.study_datetime)
    if acquired is not None:
        dataset.AcquisitionDateTime = dt(acquired)
        dataset.ContentDate, dataset.ContentTime = da(acquired), tm(acquired)
    dataset.BurnedInAnnotation = "NO"
    dataset.LossyImageCompression = "00"
    if not first.is_colour:
        dataset.PresentationLUTShape = "IDENTITY"
    comment = loss_comment(frames)
    if comment:
        dataset.ImageComments = fit_text(comment, "LT")


def _add_us_image(dataset: Dataset, frame: Frame) -> None:
    dataset.UltrasoundColorDataPresent = int(frame.is_colour)
    probe = fit_text(frame.provenance.probe, "LO")
    if probe:
        dataset.TransducerData = [probe]
    raster = frame.raster
    depth_mm = round((raster.z_m + (raster.n_rows - 1) * raster.pixel_size_m) * 1e3)
    if 0 < depth_mm <= MAX_INTEGER_STRING:
        dataset.DepthOfScanField = depth_mm
    settings = "; ".join(f"{name}={value}" for name, value in frame.provenance.processing)
    if settings:
        # One LO: its beginning for people, the whole of it in the private provenance.
        dataset.ProcessingFunction = fit_text(settings, "LO")
