"""What every ultrasound object of ours has: SOP Common, General Image, Image Pixel, US Image."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, get_args

from numpy.typing import NDArray

from usdk.dicom.codecs import Codec, set_pixel_data
from usdk.dicom.colour_region import mean_the_same
from usdk.dicom.equipment import Equipment
from usdk.dicom.examination_settings import ExaminationSettings
from usdk.dicom.frame_spool import SpooledFrame
from usdk.dicom.palette import Palette, add_palette
from usdk.dicom.palette_spool import PaletteSpool
from usdk.dicom.provenance import add_provenance, loss_comment
from usdk.dicom.pydicom_extra import UID, Dataset, FileMetaDataset, generate_uid
from usdk.dicom.series import MAX_INTEGER_STRING, whole_number
from usdk.dicom.shown import Displayed, Shown, shown_of
from usdk.dicom.study import Study
from usdk.dicom.text import fit_text
from usdk.dicom.times import da, dt, from_unix, tm
from usdk.distribution import sdk_version
from usdk.errors import ArgumentError
from usdk.frame import Frame

__all__ = [
    "IMPLEMENTATION_CLASS_UID",
    "ColourEncoding",
    "add_pixels",
    "build_image",
    "file_meta",
    "require_alike",
]

ColourEncoding = Literal["rgb", "palette"]
"""How colours lie in the file: red, green and blue of each pixel, or its place in a table."""

IMPLEMENTATION_CLASS_UID = UID("2.25.124557736432933221373501345552769839325")


def build_image(
    frames: Sequence[Frame | Shown],
    first: Shown,
    *,
    sop_class_uid: str,
    study: Study,
    equipment: Equipment | None,
    instance_number: int | None,
    settings: ExaminationSettings | None,
) -> Dataset:
    """Return an object with everything but its pixels and its own module.

    Parameters
    ----------
    frames : sequence of Frame or Shown
        At least one, all with the same regions.
    first : Shown
        What the first of them shows.
    instance_number : int, optional
        The device's count of the first frame, from 1, when absent.

    Raises
    ------
    ArgumentError
        A value cannot be written.
    """
    dataset = Dataset()
    dataset.file_meta = file_meta(sop_class_uid)
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = sop_class_uid
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID
    now = datetime.now(study.study_datetime.tzinfo)
    dataset.InstanceCreationDate, dataset.InstanceCreationTime = da(now), tm(now)
    study.add_to(dataset)
    (equipment or Equipment.from_device(first.provenance.device)).add_to(dataset)
    _add_general_image(dataset, frames, study, instance_number)
    dataset.ImageType = ["ORIGINAL", "PRIMARY", study.series.examination, f"{first.mode:04X}"]
    # Pixel Spacing is left out on purpose: in ultrasound images the regions calibrate, and two
    # answers may differ. Where they can be, the pixels are square: no Pixel Aspect Ratio either.
    dataset.SequenceOfUltrasoundRegions = list(first.regions)
    _add_us_image(dataset, first)
    (settings or ExaminationSettings()).add_to(dataset)
    add_provenance(dataset, frames)
    return dataset


def require_alike(frames: Sequence[Displayed]) -> list[Frame | Shown]:
    """Return the frames of one image, plain or as shown.

    Raises
    ------
    ArgumentError
        If they differ in kind, place, scale or colours, so that one calibration is not of all.
    """
    kept = [frame if isinstance(frame, Frame) else shown_of(frame) for frame in frames]
    first = kept[0]
    for number, frame in enumerate(kept, start=1):
        if type(frames[number - 1]) is not type(frames[0]):
            raise ArgumentError(f"frame {number} is of another kind than frame 1: export it apart")
        if isinstance(frame, Frame) and isinstance(first, Frame):
            if frame.raster != first.raster:
                raise ArgumentError(
                    f"frame {number} has another raster than frame 1: export it on its own"
                )
            overlays = [[] if f.overlay is None else [f.overlay] for f in (frame, first)]
        elif isinstance(frame, Shown) and isinstance(first, Shown):
            overlays = [list(frame.overlays), list(first.overlays)]
        if frame.is_colour != first.is_colour:
            raise ArgumentError(f"frame {number} is grey or frame 1 is: export them apart")
        if not mean_the_same(*overlays):
            raise ArgumentError(
                f"the colours of frame {number} have another scale, box or PRF than those of "
                "frame 1: export it on its own"
            )
        if isinstance(frame, Shown) and isinstance(first, Shown) and not _lie_alike(frame, first):
            raise ArgumentError(
                f"frame {number} has other regions than frame 1: export it on its own"
            )
        if frame.provenance.device != first.provenance.device:
            raise ArgumentError(f"frame {number} is of another device: export it on its own")
    return kept


def _lie_alike(one: Shown, other: Shown) -> bool:
    return one.shape == other.shape and one.regions == other.regions


def add_pixels(
    dataset: Dataset,
    frames: Sequence[Frame | Shown],
    codec: Codec,
    *,
    colour: ColourEncoding = "rgb",
) -> None:
    """Write the Image Pixel module and the pixels, decoded and compared.

    Raises
    ------
    ArgumentError
        If ``colour`` is neither, or the frames have more colours than a palette can hold.
    """
    if colour not in get_args(ColourEncoding):
        raise ArgumentError(f"colour must be one of {', '.join(get_args(ColourEncoding))}")
    is_colour, n_bits = frames[0].is_colour, 8
    dataset.SamplesPerPixel = 3 if is_colour and colour == "rgb" else 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    if is_colour and colour == "rgb":
        dataset.PhotometricInterpretation = "RGB"
        dataset.PlanarConfiguration = 0
    waiting = frames[0].spool if isinstance(frames[0], SpooledFrame) else None
    pixels: list[NDArray[Any]] = [] if waiting else [frame.pixels for frame in frames]
    if is_colour and colour == "palette":
        dataset.PhotometricInterpretation = "PALETTE COLOR"
        palette = waiting.palette if isinstance(waiting, PaletteSpool) else None
        if waiting and palette is None:
            raise ArgumentError("these frames wait without a palette: let a PaletteSpool hold them")
        if palette is None:
            palette = Palette.of(pixels, dataset.get("SequenceOfUltrasoundRegions", ()))
        add_palette(dataset, palette)
        pixels, n_bits = [palette.indices(picture) for picture in pixels], palette.n_bits
    dataset.Rows, dataset.Columns = frames[0].shape
    dataset.BitsAllocated = n_bits
    dataset.BitsStored = n_bits
    dataset.HighBit = n_bits - 1
    dataset.PixelRepresentation = 0
    if waiting:
        waiting.describe(dataset)  # They follow the header, when both are written.
    else:
        set_pixel_data(dataset, pixels, codec)


def file_meta(sop_class_uid: str) -> FileMetaDataset:
    """Return the file meta information of a new object, but its transfer syntax."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(sop_class_uid)
    meta.MediaStorageSOPInstanceUID = generate_uid(prefix=None)
    meta.ImplementationClassUID = IMPLEMENTATION_CLASS_UID
    meta.ImplementationVersionName = f"USDK_{sdk_version()}"[:16]
    return meta


def _add_general_image(
    dataset: Dataset, frames: Sequence[Frame | Shown], study: Study, instance_number: int | None
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


def _add_us_image(dataset: Dataset, frame: Shown) -> None:
    dataset.UltrasoundColorDataPresent = int(frame.is_colour)
    probe = fit_text(frame.provenance.probe, "LO")
    if probe:
        dataset.TransducerData = [probe]
    if 0 < frame.depth_m * 1e3 + 0.5 <= MAX_INTEGER_STRING:  # False of NaN.
        dataset.DepthOfScanField = round(frame.depth_m * 1e3)
    settings = "; ".join(f"{name}={value}" for name, value in frame.provenance.processing)
    if settings:
        # One LO: its beginning for people, the whole of it in the private provenance.
        dataset.ProcessingFunction = fit_text(settings, "LO")
