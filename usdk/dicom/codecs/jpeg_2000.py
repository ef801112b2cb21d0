"""JPEG 2000 reversible (PS3.5 A.4.4): smaller and slower; colours by the reversible transform.

With the multiple component transform of the codestream the Photometric Interpretation is YBR_RCT
(PS3.5 8.2.4); a decoder gives back RGB.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from usdk.dicom.codecs.codec import PixelCodec, Samples
from usdk.dicom.codecs.imagecodecs_extra import decoded_by, encoded_by

__all__ = ["Jpeg2000Codec"]


class Jpeg2000Codec(PixelCodec):
    """JPEG 2000 by the 5-3 wavelet, a bare codestream without a file format around it."""

    name = "jpeg-2000"
    transfer_syntax_uid = "1.2.840.10008.1.2.4.90"

    def photometric_interpretation(self, of_pixels: str) -> str:
        """Return YBR_RCT for RGB."""
        return "YBR_RCT" if of_pixels == "RGB" else of_pixels

    def encode(self, frame: Samples) -> bytes:
        """Return the frame as one codestream."""
        return encoded_by(
            "jpeg2k_encode",
            "JPEG 2000",
            frame,
            level=0,
            codecformat="j2k",
            reversible=True,
            mct=frame.ndim == 3,
            numthreads=1,
        )

    def decode(
        self, data: bytes | memoryview, shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> Samples:
        """Return the frame of one codestream."""
        return decoded_by("jpeg2k_decode", "JPEG 2000", data, shape, dtype)
