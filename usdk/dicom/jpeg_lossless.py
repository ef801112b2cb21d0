"""JPEG Lossless, which some makers write, as a decoder of the parser's: by imagecodecs.

The parser itself decodes it with a library that ends the process on a hostile size, or with one
under a licence that this package cannot bring along. imagecodecs has libjpeg-turbo's.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from usdk.dicom.codecs.imagecodecs_extra import has_imagecodecs
from usdk.dicom.pydicom_extra import get_decoder
from usdk.errors import DataDamagedError

__all__ = ["JPEG_LOSSLESS", "PLUGIN", "offer_jpeg_lossless"]

JPEG_LOSSLESS = ("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70")
PLUGIN = "usdk"
"""Under which name the parser knows this decoder."""

DECODER_DEPENDENCIES = dict.fromkeys(JPEG_LOSSLESS, ("imagecodecs",))
"""As the parser asks of a plug-in."""

_START_OF_FRAME_3 = 0xC3  # Lossless and sequential, with Huffman's codes (ITU-T T.81 table B.1).
_END = b"\xff\xd9"


def offer_jpeg_lossless(syntax: str) -> None:
    """Tell the parser of this decoder, once, if the syntax is one that it decodes."""
    if syntax in JPEG_LOSSLESS:
        decoder = get_decoder(syntax)
        known = {*decoder.available_plugins, *_names(decoder.missing_dependencies)}
        if PLUGIN not in known:
            decoder.add_plugin(PLUGIN, (__name__, decode_frame.__name__))


def is_available(uid: str) -> bool:
    """Return whether the decoder can be used, as the parser asks of a plug-in."""
    return uid in JPEG_LOSSLESS and has_imagecodecs()


def decode_frame(source: bytes, runner: Any) -> bytes:
    """Return the samples of one stream, colour by pixel.

    Parameters
    ----------
    source : bytes
        The stream; its size must be that of the image, so that nobody makes us allocate more.
    runner : pydicom.pixels.decoders.base.DecodeRunner
        What the image's attributes say.

    Raises
    ------
    DataDamagedError
        It is no such stream.
    """
    import imagecodecs

    n_bits, n_rows, n_columns, n_samples = _size(source)
    stated = (runner.rows, runner.columns, runner.samples_per_pixel)
    if (n_rows, n_columns, n_samples) != stated:
        raise DataDamagedError("a JPEG Lossless stream has another size than the image")
    if not source.rstrip(b"\0").endswith(_END):
        raise DataDamagedError("a JPEG Lossless stream ends too early")
    # Whatever the colours are, the image says: they are not to be converted here.
    colours: dict[str, Any] = (
        {"colorspace": "rgb", "outcolorspace": "rgb"} if n_samples == 3 else {}
    )
    pixels = np.asarray(imagecodecs.jpeg8_decode(source, **colours))
    if pixels.shape[:2] != (n_rows, n_columns):
        raise DataDamagedError("a JPEG Lossless stream decodes to another size")
    runner.set_option("bits_allocated", 8 if n_bits <= 8 else 16)
    if n_samples > 1:
        runner.set_option("planar_configuration", 0)
    return pixels.tobytes()


def _size(source: bytes) -> tuple[int, int, int, int]:
    """Return bits of a sample, rows, columns and samples of a pixel."""
    place = 2
    try:
        while source[place] == 0xFF:
            marker, length = source[place + 1], struct.unpack_from(">H", source, place + 2)[0]
            if marker == _START_OF_FRAME_3:
                n_bits, n_rows, n_columns, n_samples = struct.unpack_from(
                    ">BHHB", source, place + 4
                )
                return n_bits, n_rows, n_columns, n_samples
            place += 2 + length
    except (IndexError, struct.error):
        pass
    raise DataDamagedError("a fragment is no JPEG Lossless stream")


def _names(missing: list[str]) -> set[str]:
    return {line.partition(" ")[0] for line in missing}
