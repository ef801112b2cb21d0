"""The decoded pixels of each frame as bytes: what the frame digests of an object are over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from usdk.dicom.pydicom_extra import iter_pixels
from usdk.errors import DataDamagedError, UsdkError

__all__ = ["decoded_frames"]


def decoded_frames(file: BinaryIO) -> Iterator[bytes]:
    """Yield each frame of a DICOM file: rows from the top, samples by pixel, RGB for colour.

    Parameters
    ----------
    file : binary file, open for reading
        One frame is held at a time, and the pixel data as they lie in the file.

    Raises
    ------
    DataDamagedError
        The frames cannot be decoded, or the decoder of their codec is not installed.
    """
    try:
        for pixels in iter_pixels(file, raw=False):
            yield np.ascontiguousarray(pixels).tobytes()
    except UsdkError:
        raise
    except Exception as error:
        # Decoders and their plug-ins raise what they like for damaged bytes.
        raise DataDamagedError(
            "the pixels cannot be decoded: fetch the file again, or install the codec's decoder "
            '(pip install "ultrasound-sdk[dicom]")'
        ) from error
