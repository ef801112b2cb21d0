"""Pixel Data of an object in memory: each frame encoded, decoded and compared at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from usdk.dicom.codecs.catalogue import Codec, find_codec
from usdk.dicom.codecs.codec import PixelCodec, Samples
from usdk.dicom.codecs.encoded_frame import encode_frame
from usdk.dicom.codecs.offset_table import (
    MAX_VALUE_BYTES,
    add_offset_table,
    fragment_header,
)
from usdk.dicom.pydicom_extra import UID, Dataset, dcmread, iter_pixels
from usdk.errors import ArgumentError, DataDamagedError

__all__ = ["compare_pixels", "describe_coding", "require_room", "set_pixel_data"]


def set_pixel_data(dataset: Dataset, frames: Sequence[Samples], codec: Codec) -> None:
    """Write the pixels and the transfer syntax into an object that has its Image Pixel module.

    Photometric Interpretation, which is that of the frames, becomes what the codec wants.

    Parameters
    ----------
    frames : sequence of ndarray of uint8 or uint16, (n_rows, n_columns[, 3])
        At least one, all of one shape: grey or indices of a palette, or red, green and blue by
        pixel.

    Raises
    ------
    ArgumentError
        An unknown codec, or more bytes than Pixel Data can hold.
    MissingExtraError
        The codec is not installed.
    DataDamagedError
        A frame does not decode to what was encoded.
    """
    coder = find_codec(codec)
    if not coder.is_encapsulated:
        require_room(sum(frame.nbytes for frame in frames))
        padding = b"\0" * (sum(frame.nbytes for frame in frames) % 2)
        samples = b"".join([*map(coder.encode, frames), padding])
        dataset.add_new("PixelData", "OW", samples)
        describe_coding(dataset, coder)
        compare_pixels(dataset, frames)
        return
    encoded = [encode_frame(coder, frame, n).data for n, frame in enumerate(frames, start=1)]
    pieces: list[bytes | memoryview] = [add_offset_table(dataset, [len(d) for d in encoded])]
    for data in encoded:
        padding = b"\0" * (len(data) % 2)
        pieces += [fragment_header(len(data) + len(padding)), data, padding]
    # An element of undefined length in memory ends with its last fragment; the writer delimits.
    dataset.add_new("PixelData", "OB", b"".join(pieces))
    dataset["PixelData"].is_undefined_length = True
    describe_coding(dataset, coder)


def describe_coding(dataset: Dataset, codec: PixelCodec) -> None:
    """Write transfer syntax and Photometric Interpretation; colours are by pixel in all codecs."""
    dataset.file_meta.TransferSyntaxUID = UID(codec.transfer_syntax_uid)
    photometric = str(dataset.PhotometricInterpretation)
    dataset.PhotometricInterpretation = codec.photometric_interpretation(photometric)


def require_room(n_bytes: int) -> None:
    """Raise `ArgumentError` if so many bytes of samples do not fit one value."""
    if n_bytes > MAX_VALUE_BYTES:
        raise ArgumentError(
            f"{n_bytes} bytes of pixels exceed the {MAX_VALUE_BYTES} that one object holds: "
            "export fewer frames at a time, or use a codec that compresses"
        )


def compare_pixels(source: Dataset | str, frames: Sequence[Samples]) -> None:
    """Decode each frame of an object or a file and compare it with what it must be.

    Raises
    ------
    DataDamagedError
        Another number of frames, or a frame with other pixels.
    MissingExtraError
        No decoder for the transfer syntax is installed.
    """
    # Imported here, as what chooses a decoder knows this package.
    from usdk.dicom.pictures import decoder_name

    n_decoded = 0
    try:
        header = source if isinstance(source, Dataset) else dcmread(source, stop_before_pixels=True)
        plugin = decoder_name(header)
        for decoded in iter_pixels(source, raw=True, decoding_plugin=plugin):
            if n_decoded >= len(frames) or not np.array_equal(decoded, frames[n_decoded]):
                raise DataDamagedError(
                    f"frame {n_decoded + 1} does not decode to what was encoded: "
                    "do not use this object; write it again with another codec"
                )
            n_decoded += 1
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError) as error:
        raise DataDamagedError("the pixels that were just encoded cannot be decoded") from error
    if n_decoded != len(frames):
        raise DataDamagedError(f"{n_decoded} of {len(frames)} frames can be decoded")
