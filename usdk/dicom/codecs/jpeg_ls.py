"""JPEG-LS Lossless (PS3.5 A.4.3), the default of what compresses: fast, and read by every tool.

imagecodecs encodes it where it is installed, as it lets other threads work meanwhile; pyjpegls,
which comes with DICOM, does elsewhere. Both are CharLS.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from usdk.dicom.codecs.codec import PixelCodec, Samples
from usdk.dicom.codecs.imagecodecs_extra import decoded_by, encoded_by, has_imagecodecs
from usdk.errors import ArgumentError, DataDamagedError, MissingExtraError

__all__ = ["JpegLsCodec"]

_BY_PIXEL = 2  # The third of the interleave modes of ITU-T T.87: samples of a pixel together.


class JpegLsCodec(PixelCodec):
    """JPEG-LS with no error, colours by pixel."""

    name = "jpeg-ls"
    transfer_syntax_uid = "1.2.840.10008.1.2.4.80"

    def encode(self, frame: Samples) -> bytes:
        """Return the frame as one JPEG-LS stream."""
        if has_imagecodecs():
            return encoded_by("jpegls_encode", "JPEG-LS", frame)
        try:
            from jpeg_ls import encode_array
        except ImportError as error:
            raise MissingExtraError.for_extra("dicom", "JPEG-LS compression") from error
        mode = {"interleave_mode": _BY_PIXEL} if frame.ndim == 3 else {}
        try:
            return bytes(encode_array(np.ascontiguousarray(frame), **mode))
        except (RuntimeError, ValueError) as error:
            n_rows, n_columns = frame.shape[:2]
            raise ArgumentError(
                f"JPEG-LS cannot encode a frame of {n_rows} × {n_columns} pixels: "
                "use codec 'native'"
            ) from error

    def decode(
        self, data: bytes | memoryview, shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> Samples:
        """Return the frame of one JPEG-LS stream."""
        if has_imagecodecs():
            return decoded_by("jpegls_decode", "JPEG-LS", data, shape, dtype)
        try:
            import jpeg_ls
        except ImportError as error:
            raise MissingExtraError.for_extra("dicom", "JPEG-LS compression") from error
        try:
            frame: Samples = np.asarray(jpeg_ls.decode(np.frombuffer(data, np.uint8)))
        except (RuntimeError, ValueError) as error:
            raise DataDamagedError("a fragment does not decode as JPEG-LS") from error
        if frame.shape != shape or frame.dtype != dtype:
            raise DataDamagedError("a JPEG-LS fragment decodes to a frame of another size")
        return frame
