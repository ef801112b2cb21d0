"""Ultrasound Image Storage: one frame (PS3.3 A.6)."""

from __future__ import annotations

from usdk.dicom.codecs import Codec
from usdk.dicom.equipment import Equipment
from usdk.dicom.image import add_pixels, build_image
from usdk.dicom.pydicom_extra import Dataset
from usdk.dicom.study import Study
from usdk.frame import Frame

__all__ = ["US_IMAGE_STORAGE", "us_image"]

US_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.6.1"


def us_image(
    frame: Frame,
    *,
    study: Study,
    equipment: Equipment | None = None,
    codec: Codec = "native",
    instance_number: int | None = None,
) -> Dataset:
    """Return an Ultrasound Image, its pixels decoded and compared.

    Parameters
    ----------
    equipment : Equipment, optional
        What `Provenance.device` says, when absent.
    instance_number : int, optional
        The device's count of the frame, from 1, when absent.

    Raises
    ------
    ArgumentError
        A value cannot be written.
    MissingExtraError
        The codec is not installed.
    """
    dataset = build_image(
        [frame],
        sop_class_uid=US_IMAGE_STORAGE,
        study=study,
        equipment=equipment,
        instance_number=instance_number,
    )
    add_pixels(dataset, [frame], codec)
    return dataset
