"""Codecs: pixels as they lie in the file, each frame decoded and compared at once.

``native`` is Explicit VR Little Endian with Pixel Data as OW, which survives a round trip
through Implicit VR, where OB would not. ``jpeg-ls`` is JPEG-LS Lossless (1.2.840.10008.1.2.4.80),
one fragment per frame, with a Basic Offset Table.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from usdk.dicom.pydicom_extra import (
    Dataset,
    ExplicitVRLittleEndian,
    JPEGLSLossless,
    encapsulate,
    get_encoder,
    iter_pixels,
)
from usdk.errors import ArgumentError, DataDamagedError, MissingExtraError

__all__ = ["Codec", "compare_pixels", "set_pixel_data"]

Codec = Literal["native", "jpeg-ls"]
MAX_PIXEL_DATA_BYTES = 2**32 - 2
"""Longest value with a length of its own, and longest reach of a Basic Offset Table (PS3.5)."""


def set_pixel_data(dataset: Dataset, frames: Sequence[NDArray[np.uint8]], codec: Codec) -> None:
    """Write the pixels and the transfer syntax into an object that has its Image Pixel module.

    Parameters
    ----------
    frames : sequence of ndarray of uint8, (n_rows, n_columns) or (n_rows, n_columns, 3)
        At least one, all of one shape: grey, or red, green and blue by pixel.

    Raises
    ------
    ArgumentError
        An unknown codec, or more bytes than Pixel Data can hold.
    MissingExtraError
        The JPEG-LS encoder is not installed.
    DataDamagedError
        A frame does not decode to what was encoded.
    """
    if codec not in get_args(Codec):
        raise ArgumentError(f"codec must be one of {', '.join(get_args(Codec))}")
    if codec == "native":
        _check_size(sum(frame.nbytes for frame in frames))
        padding = b"\0" * (sum(frame.nbytes for frame in frames) % 2)
        dataset.add_new("PixelData", "OW", b"".join([*map(_native, frames), padding]))
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    else:
        encoded = [_jpeg_ls(frame) for frame in frames]
        _check_size(sum(len(data) + 9 for data in encoded))
        dataset.add_new("PixelData", "OB", encapsulate(encoded, has_bot=True))
        dataset["PixelData"].is_undefined_length = True
        dataset.file_meta.TransferSyntaxUID = JPEGLSLossless
    compare_pixels(dataset, frames)


def compare_pixels(source: Dataset | str, frames: Sequence[NDArray[np.uint8]]) -> None:
    """Decode each frame of an object or a file and compare it with what it must be.

    Raises
    ------
    DataDamagedError
        Another number of frames, or a frame with other pixels.
    """
    n_decoded = 0
    try:
        for decoded in iter_pixels(source, raw=True):
            if n_decoded >= len(frames) or not np.array_equal(decoded, frames[n_decoded]):
                raise DataDamagedError(
                    f"frame {n_decoded + 1} does not decode to what was encoded: "
                    "do not use this object; write it again with the other codec"
                )
            n_decoded += 1
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError) as error:
        raise DataDamagedError("the pixels that were just encoded cannot be decoded") from error
    if n_decoded != len(frames):
        raise DataDamagedError(f"{n_decoded} of {len(frames)} frames can be decoded")


def _native(frame: NDArray[np.uint8]) -> memoryview:
    return np.ascontiguousarray(frame).data


def _jpeg_ls(frame: NDArray[np.uint8]) -> bytes:
    encoder = get_encoder(JPEGLSLossless)
    if not encoder.is_available:
        raise MissingExtraError.for_extra("dicom", "JPEG-LS compression")
    n_rows, n_columns = frame.shape[:2]
    is_colour = frame.ndim == 3
    colour = {"planar_configuration": 0} if is_colour else {}
    try:
        encoded: bytes = encoder.encode(
            frame,
            rows=n_rows,
            columns=n_columns,
            samples_per_pixel=3 if is_colour else 1,
            number_of_frames=1,
            bits_allocated=8,
            bits_stored=8,
            pixel_representation=0,
            photometric_interpretation="RGB" if is_colour else "MONOCHROME2",
            **colour,
        )
    except (RuntimeError, ValueError) as error:
        raise ArgumentError(
            f"JPEG-LS cannot encode a frame of {n_rows} × {n_columns} pixels: use codec 'native'"
        ) from error
    return encoded


def _check_size(n_bytes: int) -> None:
    if n_bytes > MAX_PIXEL_DATA_BYTES:
        raise ArgumentError(
            f"{n_bytes} bytes of pixels exceed the {MAX_PIXEL_DATA_BYTES} that one object holds: "
            "export fewer frames at a time"
        )
