"""Size of an image, once it is known to be sane: a few bytes can claim any number."""

from __future__ import annotations

from usdk.dicom.findings import whole
from usdk.dicom.pydicom_extra import Dataset
from usdk.dicom.regions import MAX_SIDE
from usdk.errors import DataDamagedError

__all__ = ["MAX_FRAME_SAMPLES", "MAX_PIXELS", "image_size"]

MAX_PIXELS = 2**32
"""Most samples, of all frames, that a file may claim."""

MAX_FRAME_SAMPLES = 2**28
"""Most samples of one frame: so much memory its decoder may take at once."""


def image_size(dataset: Dataset) -> tuple[int, int, int]:
    """Return rows, columns and frames; `DataDamagedError` if they cannot be."""
    try:
        n_rows, n_columns = whole(dataset, "Rows") or 0, whole(dataset, "Columns") or 0
        n_frames = whole(dataset, "NumberOfFrames") or 1
        n_samples = whole(dataset, "SamplesPerPixel") or 1
    except ValueError as error:
        raise DataDamagedError("the size of the image is not given in numbers") from error
    if not (1 <= n_rows <= MAX_SIDE and 1 <= n_columns <= MAX_SIDE and n_frames >= 1):
        raise DataDamagedError("the image has no size that can be")
    if n_rows * n_columns * max(n_samples, 1) > MAX_FRAME_SAMPLES:
        raise DataDamagedError(f"the file claims more than {MAX_FRAME_SAMPLES} samples in a frame")
    if n_rows * n_columns * n_frames * max(n_samples, 1) > MAX_PIXELS:
        raise DataDamagedError(f"the file claims more than {MAX_PIXELS} pixels")
    return n_rows, n_columns, n_frames
