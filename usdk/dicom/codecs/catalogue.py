"""The codecs by their names."""

from __future__ import annotations

from typing import Literal

from usdk.dicom.codecs.codec import PixelCodec
from usdk.dicom.codecs.htj2k import Htj2kCodec
from usdk.dicom.codecs.jpeg_2000 import Jpeg2000Codec
from usdk.dicom.codecs.jpeg_ls import JpegLsCodec
from usdk.dicom.codecs.native import NativeCodec
from usdk.dicom.codecs.rle import RleCodec
from usdk.errors import ArgumentError

__all__ = ["CODECS", "Codec", "find_codec"]

Codec = Literal["native", "jpeg-ls", "jpeg-2000", "rle", "htj2k"]

CODECS: dict[str, PixelCodec] = {
    codec.name: codec
    for codec in (NativeCodec(), JpegLsCodec(), Jpeg2000Codec(), RleCodec(), Htj2kCodec())
}


def find_codec(name: str) -> PixelCodec:
    """Return a codec; `ArgumentError` if there is none of this name."""
    codec = CODECS.get(name) if isinstance(name, str) else None
    if codec is None:
        raise ArgumentError(f"codec must be one of {', '.join(CODECS)}")
    return codec
