"""Ultrasound Multi-frame Image Storage: a cine of one raster (PS3.3 A.7)."""

from __future__ import annotations

from collections.abc import Sequence

from usdk.dicom.cine import add_cine
from usdk.dicom.codecs import Codec
from usdk.dicom.equipment import Equipment
from usdk.dicom.examination_settings import ExaminationSettings
from usdk.dicom.image import ColourEncoding, add_pixels, build_image, require_alike
from usdk.dicom.pydicom_extra import Dataset
from usdk.dicom.shown import Displayed, shown_of
from usdk.dicom.study import Study

__all__ = ["US_MULTIFRAME_IMAGE_STORAGE", "us_multiframe"]

US_MULTIFRAME_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.3.1"


def us_multiframe(
    frames: Sequence[Displayed],
    *,
    study: Study,
    equipment: Equipment | None = None,
    codec: Codec = "native",
    instance_number: int | None = None,
    frame_interval_s: float | None = None,
    settings: ExaminationSettings | None = None,
    colour: ColourEncoding = "rgb",
) -> Dataset:
    """Return an Ultrasound Multi-frame Image, each frame decoded and compared.

    Parameters
    ----------
    frames : sequence of Frame, MModeFrame, SpectralFrame or ComposedFrame
        Two or more of one kind, calibration and device, in the order of time.
    equipment : Equipment, optional
        What `Provenance.device` says, when absent.
    instance_number : int, optional
        The device's count of the first frame, from 1, when absent.
    frame_interval_s : float, optional
        Time between frames, s; needed when frames have no device timestamp.
    settings : ExaminationSettings, optional
        Output, heart rate, gain and the rest that a sonographer expects.
    colour : {"rgb", "palette"}
        How colours lie in the file; grey pictures have none.

    Raises
    ------
    ArgumentError
        Frames do not belong together, or a value cannot be written.
    MissingExtraError
        The codec is not installed.
    """
    kept = require_alike(frames)
    dataset = build_image(
        kept,
        shown_of(frames[0]),
        sop_class_uid=US_MULTIFRAME_IMAGE_STORAGE,
        study=study,
        equipment=equipment,
        instance_number=instance_number,
        settings=settings,
    )
    timestamps_s = [frame.device_timestamp_s for frame in kept]
    add_cine(dataset, timestamps_s, frame_interval_s=frame_interval_s)
    add_pixels(dataset, kept, codec, colour=colour)
    return dataset
