"""RLE Lossless (PS3.5 annex G): the oldest of them, in every tool; colours by plane.

Each frame is up to 15 segments of packed bytes, one for each byte of each sample, the most
significant byte first. imagecodecs packs them where it is installed; pydicom, in plain Python and
fifty times slower, does elsewhere.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.dicom.codecs.codec import PixelCodec, Samples
from usdk.dicom.codecs.imagecodecs_extra import has_imagecodecs, pack_rows, unpack_rows
from usdk.dicom.pydicom_extra import RLELossless, get_decoder, get_encoder
from usdk.errors import ArgumentError, DataDamagedError

__all__ = ["RleCodec"]

_HEADER = struct.Struct("<16I")


class RleCodec(PixelCodec):
    """One segment of packed bytes for each byte of each sample of a pixel."""

    name = "rle"
    transfer_syntax_uid = str(RLELossless)

    def encode(self, frame: Samples) -> bytes:
        """Return the frame's segments and their header."""
        if has_imagecodecs():
            segments = [pack_rows(plane) for plane in _planes(frame)]
            segments = [segment + b"\0" * (len(segment) % 2) for segment in segments]
            begins = [_HEADER.size]
            for segment in segments[:-1]:
                begins.append(begins[-1] + len(segment))
            header = _HEADER.pack(len(segments), *begins, *[0] * (15 - len(segments)))
            return b"".join([header, *segments])
        try:
            encoded: bytes = get_encoder(RLELossless).encode(
                np.ascontiguousarray(frame),
                encoding_plugin="pydicom",
                **_description(frame.shape, frame.dtype),
            )
        except (RuntimeError, ValueError) as error:
            raise ArgumentError("RLE cannot encode the frame: use codec 'native'") from error
        return encoded

    def decode(
        self, data: bytes | memoryview, shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> Samples:
        """Return the frame of these segments."""
        if has_imagecodecs():
            return _unpacked(bytes(data), shape, dtype)
        try:
            frame, _ = next(
                get_decoder(RLELossless).iter_array(
                    _one_fragment(bytes(data)),
                    raw=True,
                    decoding_plugin="pydicom",
                    transfer_syntax_uid=RLELossless,
                    pixel_keyword="PixelData",
                    **_description(shape, dtype),
                )
            )
        except (RuntimeError, ValueError, LookupError, StopIteration) as error:
            raise DataDamagedError("a fragment does not decode as RLE") from error
        return np.asarray(frame, dtype).reshape(shape)


def _planes(frame: Samples) -> list[NDArray[np.uint8]]:
    """Return each byte of each sample as a picture of its own."""
    big_endian = np.ascontiguousarray(frame, frame.dtype.newbyteorder(">"))
    n_rows, n_columns = frame.shape[:2]
    planes = big_endian.view(np.uint8).reshape(n_rows, n_columns, -1)
    return [planes[..., index].copy() for index in range(planes.shape[-1])]


def _unpacked(data: bytes, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Samples:
    n_rows, n_columns, *n_samples = shape
    n_segments = dtype.itemsize * (n_samples[0] if n_samples else 1)
    if len(data) < _HEADER.size:
        raise DataDamagedError("an RLE fragment is shorter than its header")
    n_given, *begins = _HEADER.unpack_from(data)
    ends = [*begins[1:n_segments], len(data)]
    if n_given != n_segments or any(
        not _HEADER.size <= begin <= end <= len(data)
        for begin, end in zip(begins, ends, strict=False)
    ):
        raise DataDamagedError("the header of an RLE fragment is not that of such a frame")
    planes = np.empty((n_rows, n_columns, n_segments), np.uint8)
    for index, end in enumerate(ends):
        planes[..., index] = unpack_rows(data[begins[index] : end], (n_rows, n_columns))
    frame: Samples = planes.view(dtype.newbyteorder(">")).astype(dtype).reshape(shape)
    return frame


def _one_fragment(data: bytes) -> bytes:
    """Return the value of Pixel Data that holds these bytes alone: empty offset table, fragment."""
    return b"".join(
        (
            b"\xfe\xff\x00\xe0\0\0\0\0\xfe\xff\x00\xe0",
            len(data).to_bytes(4, "little"),
            data,
            b"\xfe\xff\xdd\xe0\0\0\0\0",
        )
    )


def _description(shape: tuple[int, ...], dtype: np.dtype[Any]) -> dict[str, object]:
    is_colour = len(shape) == 3
    described: dict[str, object] = {
        "rows": shape[0],
        "columns": shape[1],
        "samples_per_pixel": 3 if is_colour else 1,
        "number_of_frames": 1,
        "bits_allocated": 8 * dtype.itemsize,
        "bits_stored": 8 * dtype.itemsize,
        "pixel_representation": 0,
        "photometric_interpretation": "RGB" if is_colour else "MONOCHROME2",
    }
    return described | ({"planar_configuration": 0} if is_colour else {})
