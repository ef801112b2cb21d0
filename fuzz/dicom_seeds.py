"""Ultrasound objects of every kind that the SDK writes, small, as files."""

from __future__ import annotations

import io
from functools import cache

from pydicom import Dataset
from pydicom.uid import JPEGLSLossless, RLELossless

from usdk.dicom import (
    ENHANCED_US_VOLUME_STORAGE,
    US_IMAGE_STORAGE,
    US_MULTIFRAME_IMAGE_STORAGE,
)
from usdk.export.specimens import specimens

__all__ = ["dicom_files", "written"]


def written(dataset: Dataset) -> bytes:
    """Return a data set as a file."""
    content = io.BytesIO()
    dataset.save_as(content, enforce_file_format=True)
    return content.getvalue()


@cache
def dicom_files() -> tuple[bytes, ...]:
    """Return stills, cines and volumes, native and compressed."""
    found = []
    for sop_class in (US_IMAGE_STORAGE, US_MULTIFRAME_IMAGE_STORAGE, ENHANCED_US_VOLUME_STORAGE):
        for dataset in (*(made := specimens(sop_class)).least, *made.most):
            found.append(written(dataset))
    for syntax in (RLELossless, JPEGLSLossless):
        dataset = specimens(US_MULTIFRAME_IMAGE_STORAGE).least[0]
        dataset.compress(syntax, generate_instance_uid=False)
        found.append(written(dataset))
    return tuple(found)
