"""Ultrasound Multi-frame Image Storage: a cine of one raster (PS3.3 A.7)."""

from __future__ import annotations

from collections.abc import Sequence

from usdk.dicom.cine import add_cine
from usdk.dicom.codecs import Codec
from usdk.dicom.equipment import Equipment
from usdk.dicom.image import add_pixels, build_image
from usdk.dicom.pydicom_extra import Dataset
from usdk.dicom.study import Study
from usdk.errors import ArgumentError
from usdk.frame import Frame

__all__ = ["US_MULTIFRAME_IMAGE_STORAGE", "us_multiframe"]

US_MULTIFRAME_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.3.1"


def us_multiframe(
    frames: Sequence[Frame],
    *,
    study: Study,
    equipment: Equipment | None = None,
    codec: Codec = "native",
    instance_number: int | None = None,
    frame_interval_s: float | None = None,
) -> Dataset:
    """Return an Ultrasound Multi-frame Image, each frame decoded and compared.

    Parameters
    ----------
    frames : sequence of Frame
        Two or more of one raster and one device, in the order of time.
    equipment : Equipment, optional
        What `Provenance.device` says, when absent.
    instance_number : int, optional
        The device's count of the first frame, from 1, when absent.
    frame_interval_s : float, optional
        Time between frames, s; needed when frames have no device timestamp.

    Raises
    ------
    ArgumentError
        Frames do not belong together, or a value cannot be written.
    MissingExtraError
        The codec is not installed.
    """
    first = frames[0]
    for number, frame in enumerate(frames, start=1):
        if frame.raster != first.raster:
            raise ArgumentError(
                f"frame {number} has another raster than frame 1: export it on its own"
            )
        if frame.provenance.device != first.provenance.device:
            raise ArgumentError(f"frame {number} is of another device: export it on its own")
    dataset = build_image(
        frames,
        sop_class_uid=US_MULTIFRAME_IMAGE_STORAGE,
        study=study,
        equipment=equipment,
        instance_number=instance_number,
    )
    timestamps_s = [frame.device_timestamp_s for frame in frames]
    add_cine(dataset, timestamps_s, frame_interval_s=frame_interval_s)
    add_pixels(dataset, frames, codec)
    return dataset
