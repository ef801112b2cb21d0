"""Ultrasound objects of every kind that the SDK writes, small, as files."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from contextlib import suppress
from functools import cache

import numpy as np
from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGLSLossless, RLELossless

from usdk.dicom import (
    ENHANCED_US_VOLUME_STORAGE,
    US_IMAGE_STORAGE,
    US_MULTIFRAME_IMAGE_STORAGE,
)
from usdk.dicom.codecs import find_codec
from usdk.errors import MissingExtraError
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
    return (*found, *_compressed_by_extras())


def _compressed_by_extras() -> Iterator[bytes]:
    """Yield a cine in each codec of the extra that is installed."""
    for name in ("jpeg-2000", "htj2k"):
        codec = find_codec(name)
        dataset = specimens(US_MULTIFRAME_IMAGE_STORAGE).least[0]
        shape = (int(dataset.NumberOfFrames), int(dataset.Rows), int(dataset.Columns))
        frames = np.frombuffer(dataset.PixelData, np.uint8)[: math.prod(shape)].reshape(shape)
        with suppress(MissingExtraError):
            dataset.PixelData = encapsulate([bytes(codec.encode(frame)) for frame in frames])
            dataset["PixelData"].VR = "OB"
            dataset["PixelData"].is_undefined_length = True
            dataset.file_meta.TransferSyntaxUID = codec.transfer_syntax_uid
            yield written(dataset)
