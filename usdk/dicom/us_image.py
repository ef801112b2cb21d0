"""Ultrasound Image Storage: one frame (PS3.3 A.6)."""

from __future__ import annotations

from usdk.dicom.codecs import Codec
from usdk.dicom.equipment import Equipment
from usdk.dicom.examination_settings import ExaminationSettings
from usdk.dicom.image import ColourEncoding, add_pixels, build_image
from usdk.dicom.pydicom_extra import Dataset
from usdk.dicom.shown import Displayed, shown_of
from usdk.dicom.study import Study

__all__ = ["US_IMAGE_STORAGE", "us_image"]

US_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.6.1"


def us_image(
    frame: Displayed,
    *,
    study: Study,
    equipment: Equipment | None = None,
    codec: Codec = "native",
    instance_number: int | None = None,
    settings: ExaminationSettings | None = None,
    colour: ColourEncoding = "rgb",
) -> Dataset:
    """Return an Ultrasound Image, its pixels decoded and compared.

    Parameters
    ----------
    frame : Frame, MModeFrame, SpectralFrame or ComposedFrame
        What the image shows; each part of a composed one gets its own regions.
    equipment : Equipment, optional
        What `Provenance.device` says, when absent.
    instance_number : int, optional
        The device's count of the frame, from 1, when absent.
    settings : ExaminationSettings, optional
        Output, heart rate, gain and the rest that a sonographer expects.
    colour : {"rgb", "palette"}
        How colours lie in the file; grey pictures have none.

    Raises
    ------
    ArgumentError
        A value cannot be written.
    MissingExtraError
        The codec is not installed.
    """
    shown = shown_of(frame)
    dataset = build_image(
        [shown],
        shown,
        sop_class_uid=US_IMAGE_STORAGE,
        study=study,
        equipment=equipment,
        instance_number=instance_number,
        settings=settings,
    )
    add_pixels(dataset, [shown], codec, colour=colour)
    return dataset
