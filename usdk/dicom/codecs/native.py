"""Native: Explicit VR Little Endian, Pixel Data as OW.

As OB the value would not survive a round trip through Implicit VR with its signature (PS3.5 A.1
makes it OW there).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from usdk.dicom.codecs.codec import PixelCodec, Samples
from usdk.errors import DataDamagedError

__all__ = ["NativeCodec"]


class NativeCodec(PixelCodec):
    """Every sample as it is."""

    name = "native"
    transfer_syntax_uid = "1.2.840.10008.1.2.1"
    is_encapsulated = False

    def encode(self, frame: Samples) -> memoryview:
        """Return the samples, colour by pixel."""
        samples = np.ascontiguousarray(frame, frame.dtype.newbyteorder("<"))
        return samples.reshape(-1).view(np.uint8).data

    def decode(
        self, data: bytes | memoryview, shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> Samples:
        """Return a view of the bytes."""
        if len(data) != math.prod(shape) * dtype.itemsize:
            raise DataDamagedError("the samples are of another number than the frame's")
        samples: Samples = np.frombuffer(data, dtype.newbyteorder("<"))
        return samples.reshape(shape)
