"""Encode a frame and see at once that it decodes to itself."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from usdk.dicom.codecs.codec import PixelCodec, Samples
from usdk.errors import DataDamagedError

__all__ = ["EncodedFrame", "encode_frame"]


@dataclass(frozen=True)
class EncodedFrame:
    """The bytes of one frame, the SHA-256 of its samples, and that of the bytes."""

    data: bytes | memoryview
    pixels_sha256: bytes
    data_sha256: bytes


def encode_frame(codec: PixelCodec, frame: Samples, number: int) -> EncodedFrame:
    """Encode a frame, decode it and compare, whatever the codec promises.

    Parameters
    ----------
    number : int
        The frame's, from 1, for messages.

    Raises
    ------
    ArgumentError
        The codec cannot encode such a frame.
    DataDamagedError
        The frame does not decode to what was encoded.
    """
    data = codec.encode(frame)
    pixels_sha256 = hashlib.sha256(np.ascontiguousarray(frame).data).digest()
    if not codec.is_encapsulated:
        # The bytes are the samples: what lies in the file is compared when it does.
        return EncodedFrame(data, pixels_sha256, pixels_sha256)
    try:
        decoded = codec.decode(data, frame.shape, frame.dtype)
    except DataDamagedError as error:
        raise DataDamagedError(
            f"frame {number} that was just encoded cannot be decoded: write it with another codec"
        ) from error
    if not np.array_equal(decoded, frame):
        raise DataDamagedError(
            f"frame {number} does not decode to what was encoded: "
            "do not use this object; write it again with another codec"
        )
    return EncodedFrame(data, pixels_sha256, hashlib.sha256(data).digest())
