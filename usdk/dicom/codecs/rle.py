"""RLE Lossless (PS3.5 annex G): the oldest of them, in every tool; colours by plane."""

from __future__ import annotations

from typing import Any

import numpy as np

from usdk.dicom.codecs.codec import PixelCodec, Samples
from usdk.dicom.pydicom_extra import RLELossless, get_decoder, get_encoder
from usdk.errors import ArgumentError, DataDamagedError

__all__ = ["RleCodec"]


class RleCodec(PixelCodec):
    """One segment of packed bytes for each sample of a pixel."""

    name = "rle"
    transfer_syntax_uid = str(RLELossless)

    def encode(self, frame: Samples) -> bytes:
        """Return the frame's segments and their header."""
        try:
            encoded: bytes = get_encoder(RLELossless).encode(
                np.ascontiguousarray(frame),
                encoding_plugin="pydicom",
                **_description(frame.shape, frame.dtype),
            )
        except (RuntimeError, ValueError) as error:
            raise ArgumentError("RLE cannot encode the frame: use codec 'native'") from error
        return encoded

    def decode(
        self, data: bytes | memoryview, shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> Samples:
        """Return the frame of these segments."""
        try:
            frame, _ = next(
                get_decoder(RLELossless).iter_array(
                    _one_fragment(bytes(data)),
                    raw=True,
                    decoding_plugin="pydicom",
                    transfer_syntax_uid=RLELossless,
                    pixel_keyword="PixelData",
                    **_description(shape, dtype),
                )
            )
        except (RuntimeError, ValueError, LookupError, StopIteration) as error:
            raise DataDamagedError("a fragment does not decode as RLE") from error
        return np.asarray(frame, dtype).reshape(shape)


def _one_fragment(data: bytes) -> bytes:
    """Return the value of Pixel Data that holds these bytes alone: empty offset table, fragment."""
    return b"".join(
        (
            b"\xfe\xff\x00\xe0\0\0\0\0\xfe\xff\x00\xe0",
            len(data).to_bytes(4, "little"),
            data,
            b"\xfe\xff\xdd\xe0\0\0\0\0",
        )
    )


def _description(shape: tuple[int, ...], dtype: np.dtype[Any]) -> dict[str, object]:
    is_colour = len(shape) == 3
    described: dict[str, object] = {
        "rows": shape[0],
        "columns": shape[1],
        "samples_per_pixel": 3 if is_colour else 1,
        "number_of_frames": 1,
        "bits_allocated": 8 * dtype.itemsize,
        "bits_stored": 8 * dtype.itemsize,
        "pixel_representation": 0,
        "photometric_interpretation": "RGB" if is_colour else "MONOCHROME2",
    }
    return described | ({"planar_configuration": 0} if is_colour else {})
