"""The decoded pixels of each frame as bytes: what the frame digests of an object are over."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from usdk.dicom.image_size import image_size
from usdk.dicom.palette_colours import colours_of
from usdk.dicom.pictures import decoder_name
from usdk.dicom.pydicom_extra import DeflatedExplicitVRLittleEndian, dcmread, iter_pixels
from usdk.dicom.stream_size import require_stream_sizes
from usdk.errors import DataDamagedError, UsdkError

__all__ = ["decoded_frames"]

_HEAD_BYTES = 12
_META_BYTES = 1 << 20
"""Within so many bytes a file says its transfer syntax."""


def decoded_frames(file: BinaryIO) -> Iterator[bytes]:
    """Yield each frame of a DICOM file: rows from the top, samples by pixel, RGB for colour.

    Parameters
    ----------
    file : binary file, open for reading
        One frame is held at a time, and the pixel data as they lie in the file.

    Raises
    ------
    DataDamagedError
        The frames cannot be decoded, or claim more memory than they may.
    MissingExtraError
        The decoder of their codec is not installed.
    """
    try:
        if DeflatedExplicitVRLittleEndian.encode() in file.read(_META_BYTES):
            # A few deflated bytes may stand for more than memory holds.
            raise DataDamagedError("the DICOM file is deflated: inflate it first (dcmconv +te)")
        file.seek(0)
        header = dcmread(file, stop_before_pixels=True)
        plugin = decoder_name(header)
        image_size(header)
        if plugin:
            # The parser stopped at the head of Pixel Data: tag, VR, two reserved bytes, length.
            file.seek(_HEAD_BYTES, os.SEEK_CUR)
            require_stream_sizes(header, file)
        has_palette = header.get("PhotometricInterpretation") == "PALETTE COLOR"
        file.seek(0)
        for decoded in iter_pixels(file, raw=False, decoding_plugin=plugin):
            pixels: NDArray[Any] = decoded
            if has_palette:
                # Our entries are 16 bits wide, with both bytes alike.
                pixels = colours_of(pixels, header)
            yield np.ascontiguousarray(pixels).tobytes()
    except UsdkError:
        raise
    except Exception as error:
        # Decoders and their plug-ins raise what they like for damaged bytes.
        raise DataDamagedError("the pixels cannot be decoded: fetch the file again") from error
