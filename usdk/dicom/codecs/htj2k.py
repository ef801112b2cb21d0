"""High-Throughput JPEG 2000, lossless (PS3.5 A.4.12): small and fast, and few readers know it yet.

DCMTK 3.6.7 and Orthanc 1.10.1 refuse it. It is for those who ask for it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from usdk.dicom.codecs.codec import PixelCodec, Samples
from usdk.dicom.codecs.imagecodecs_extra import decoded_by, encoded_by

__all__ = ["Htj2kCodec"]


class Htj2kCodec(PixelCodec):
    """HTJ2K by the 5-3 wavelet, a bare codestream; colours as in JPEG 2000."""

    name = "htj2k"
    transfer_syntax_uid = "1.2.840.10008.1.2.4.201"

    def photometric_interpretation(self, of_pixels: str) -> str:
        """Return YBR_RCT for RGB."""
        return "YBR_RCT" if of_pixels == "RGB" else of_pixels

    def encode(self, frame: Samples) -> bytes:
        """Return the frame as one codestream."""
        return encoded_by("htj2k_encode", "HTJ2K", frame, reversible=True)

    def decode(
        self, data: bytes | memoryview, shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> Samples:
        """Return the frame of one codestream."""
        return decoded_by("htj2k_decode", "HTJ2K", data, shape, dtype)
