"""Codecs: pixels as they lie in the file, each frame decoded and compared at once."""

from __future__ import annotations

from usdk.dicom.codecs.catalogue import CODECS, Codec, find_codec
from usdk.dicom.codecs.codec import PixelCodec, Samples
from usdk.dicom.codecs.encoded_frame import EncodedFrame, encode_frame
from usdk.dicom.codecs.pixel_data import compare_pixels, set_pixel_data

__all__ = [
    "CODECS",
    "Codec",
    "EncodedFrame",
    "PixelCodec",
    "Samples",
    "compare_pixels",
    "encode_frame",
    "find_codec",
    "set_pixel_data",
]
