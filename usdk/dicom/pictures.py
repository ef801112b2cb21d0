"""The picture inside a file of any maker: colours, palettes and what stands around it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.dicom.fragments import open_value
from usdk.dicom.jpeg_lossless import JPEG_LOSSLESS, offer_jpeg_lossless
from usdk.dicom.palette_colours import colours_of
from usdk.dicom.pydicom_extra import Dataset, get_decoder, iter_pixels
from usdk.dicom.regions import Region
from usdk.dicom.stream_size import require_stream_sizes
from usdk.errors import DataDamagedError, MissingExtraError

__all__ = [
    "EXTRA_OF_SYNTAX",
    "MAX_COLOURED_FRACTION",
    "decoder_name",
    "read_images",
    "read_pictures",
    "require_digest",
]

MAX_COLOURED_FRACTION = 0.01
"""Part of a grey picture's pixels that may be coloured marks; more of it is a colour picture."""

# It ends the process when a file claims more pixels than it holds.
_ABORTING = ("gdcm",)
EXTRA_OF_SYNTAX = {
    "1.2.840.10008.1.2.4.50": "view",
    "1.2.840.10008.1.2.4.51": "view",
    **dict.fromkeys(JPEG_LOSSLESS, "codecs"),
    "1.2.840.10008.1.2.4.80": "dicom",
    "1.2.840.10008.1.2.4.81": "dicom",
    **dict.fromkeys((f"1.2.840.10008.1.2.4.{n}" for n in (90, 91, 201, 202, 203)), "codecs"),
}
"""What brings the decoder of a compressed transfer syntax; all but RLE, which needs none."""

_COLOUR_TOLERANCE = 3  # Converting from YBR rounds.
_LUMINANCE = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601.


def read_pictures(
    dataset: Dataset,
    path: Path,
    region: Region,
    *,
    keep_colour: bool = False,
    digests: Sequence[bytes] | None = None,
) -> tuple[list[NDArray[np.uint8]], float]:
    """Decode all frames and return each one's region, and the greatest part that is coloured.

    All are grey, (n_rows, n_columns), or all RGB, (n_rows, n_columns, 3): frames of which no more
    than `MAX_COLOURED_FRACTION` is coloured are grey ones with marks, and luminance is taken.

    Parameters
    ----------
    keep_colour : bool
        Take no luminance: what has three samples stays in colour, even where all are equal.
    digests : sequence of bytes, optional
        SHA-256 that each whole frame must have.

    Raises
    ------
    DataDamagedError
        The pixels are not 8-bit, do not decode, or have another digest.
    MissingExtraError
        No decoder for the transfer syntax is installed.
    """
    rows = slice(region.min_y0, region.max_y1 + 1)
    columns = slice(region.min_x0, region.max_x1 + 1)
    pictures = []
    coloured = 0.0
    for index, whole in enumerate(read_images(dataset, path)):
        if digests is not None:
            require_digest(whole, digests, index)
        pixels = np.ascontiguousarray(whole[rows, columns])
        if pixels.ndim == 3:
            spread = pixels.max(axis=-1) - pixels.min(axis=-1)
            coloured = max(coloured, float(np.mean(spread > _COLOUR_TOLERANCE)))
        pictures.append(pixels)
    if not keep_colour and coloured <= MAX_COLOURED_FRACTION:
        pictures = [_luminance(pixels) if pixels.ndim == 3 else pixels for pixels in pictures]
    return pictures, coloured


def read_images(
    dataset: Dataset, path: Path, indices: Sequence[int] | None = None
) -> Iterator[NDArray[np.uint8]]:
    """Yield whole frames, grey or RGB, whatever the file's palette or colour space.

    Parameters
    ----------
    indices : sequence of int, optional
        Which frames, from 0; all when absent.
    """
    plugin = decoder_name(dataset)
    photometric = str(dataset.get("PhotometricInterpretation"))
    options: dict[str, Any] = {}
    if dataset.get("SamplesPerPixel") == 3 and dataset.get("PlanarConfiguration") is None:
        # Left out by some makers, who all mean colour by pixel.
        options["planar_configuration"] = 0
    if indices is not None:
        options["indices"] = list(indices)
    if plugin:
        with open_value(dataset) as value:
            require_stream_sizes(dataset, value)
    for decoded in iter_pixels(os.fspath(path), decoding_plugin=plugin, **options):
        pixels: NDArray[Any] = decoded
        if photometric == "PALETTE COLOR":
            pixels = colours_of(pixels, dataset)
        if pixels.dtype != np.uint8:
            raise DataDamagedError(f"the pixels are {pixels.dtype}, and a Frame's are uint8")
        if photometric == "MONOCHROME1":
            pixels = 255 - pixels
        yield np.array(pixels, dtype=np.uint8, order="C")


def require_digest(pixels: NDArray[np.uint8], digests: Sequence[bytes], index: int) -> None:
    """Raise `DataDamagedError` if a frame, grey or RGB, is not the one that was written."""
    if index >= len(digests) or hashlib.sha256(pixels.tobytes()).digest() != digests[index]:
        raise DataDamagedError(f"frame {index + 1} is not the one that was written")


def _luminance(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(np.rint(pixels @ _LUMINANCE), np.uint8)


def decoder_name(dataset: Dataset) -> str:
    """Return which of the parser's decoders to use; empty where the pixels are not compressed."""
    syntax = dataset.file_meta.TransferSyntaxUID
    if not syntax.is_compressed:
        return ""
    offer_jpeg_lossless(syntax)
    names = [str(name) for name in get_decoder(syntax).available_plugins]
    safe = [name for name in names if name not in _ABORTING]
    if not safe and syntax in EXTRA_OF_SYNTAX:
        raise MissingExtraError.for_extra(EXTRA_OF_SYNTAX[syntax], syntax.name)
    if not safe:
        raise MissingExtraError(
            f'{syntax.name} needs a decoder: pip install "pylibjpeg[all]", or convert the file '
            "with DCMTK's dcmdjpeg"
        )
    # Pillow knows no colours of 16 bits.
    return min(safe, key=lambda name: name == "pillow")
