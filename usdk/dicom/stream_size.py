"""What a compressed stream says of its own size, in its first bytes.

A decoder takes as much memory as the stream asks for, whatever the image's attributes say: a few
bytes can claim any size. So the two are compared before anything is decoded.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

from usdk.dicom.fragments import walk_fragments
from usdk.dicom.image_size import image_size
from usdk.dicom.pydicom_extra import UID, Dataset
from usdk.errors import DataDamagedError

__all__ = ["HEAD_BYTES", "Size", "require_stream_sizes", "stream_size"]

_RLE = "1.2.840.10008.1.2.5"
_JPEG_2000 = tuple(f"1.2.840.10008.1.2.4.{n}" for n in (90, 91, 201, 202, 203))
_JPEG = tuple(f"1.2.840.10008.1.2.4.{n}" for n in (50, 51, 57, 70, 80, 81))
HEAD_BYTES = 4096
"""A stream says its size within so many bytes, or is not asked."""

_LONGEST_HEAD_BYTES = 1 << 18
"""Before it is decoded, a stream must have said its size within so many bytes."""

_START_OF_FRAME = frozenset([*range(0xC0, 0xD0), 0xF7]) - {0xC4, 0xC8, 0xCC}

Size = tuple[int | None, int | None, int | None, bool | None]
"""Rows, columns, samples, and whether colours are transformed; None for what is not told."""


def require_stream_sizes(dataset: Dataset, value: BinaryIO) -> None:
    """Raise `DataDamagedError` if a stream of Pixel Data is not of the image's size.

    Parameters
    ----------
    dataset : pydicom.Dataset
        The image's attributes, and its file meta information.
    value : binary file
        Encapsulated Pixel Data, from its offset table on.
    """
    n_rows, n_columns, n_frames = image_size(dataset)
    syntax = dataset.file_meta.TransferSyntaxUID
    try:
        places = walk_fragments(value).places
    except ValueError as error:
        raise DataDamagedError(f"Pixel Data {error}: fetch the file again") from error
    is_each_a_frame = len(places) == n_frames
    for number in range(len(places)):
        try:
            size = stream_size(_head(value, places[number:], HEAD_BYTES), syntax)
            if size is None and syntax in _JPEG:
                size = stream_size(_head(value, places[number:], _LONGEST_HEAD_BYTES), syntax)
        except (ValueError, struct.error, IndexError):
            if is_each_a_frame or number == 0:
                raise DataDamagedError(f"frame {number + 1} is no {syntax.name} stream") from None
            continue  # A frame may be of several fragments, all but the first without a head.
        if syntax == _RLE or (size is None and syntax not in _JPEG):
            return  # The image's attributes alone say the size, or this stream is not known.
        if size is None or size[:2] != (n_rows, n_columns):
            raise DataDamagedError(
                f"the stream in fragment {number + 1} is not of the image's size: fetch the file "
                "again"
            )


def _head(value: BinaryIO, places: tuple[tuple[int, int, int], ...], n_bytes: int) -> bytes:
    """Return the first bytes of a stream, which may go on in the next fragments."""
    head = b""
    for _, begin, length in places:
        value.seek(begin)
        head += value.read(min(length, n_bytes - len(head)))
        if len(head) >= n_bytes:
            break
    return head


def stream_size(head: bytes, syntax: UID) -> Size | None:
    """Return rows, columns, samples, and of JPEG 2000 whether colours are transformed.

    Parameters
    ----------
    head : bytes
        The first bytes of a stream.
    syntax : pydicom.uid.UID
        Its transfer syntax.

    Returns
    -------
    tuple or None
        None for what the head does not tell, as a whole where it ends before, or where streams of
        this transfer syntax are not known.

    Raises
    ------
    ValueError, struct.error, IndexError
        It is no such stream.
    """
    if syntax == _RLE:
        (n_segments,) = struct.unpack_from("<I", head)
        if not 1 <= n_segments <= 15:
            raise ValueError("not RLE")
        return None, None, None, None
    if syntax in _JPEG_2000:
        return _jpeg_2000_size(head)
    return _jpeg_size(head) if syntax in _JPEG else None


def _jpeg_size(head: bytes) -> Size | None:
    if head[:2] != b"\xff\xd8":
        raise ValueError("no start of image")
    place = 2
    while place + 9 < len(head):
        if head[place] != 0xFF:
            raise ValueError("no marker")
        marker, length = head[place + 1], struct.unpack_from(">H", head, place + 2)[0]
        if marker in _START_OF_FRAME:
            rows, columns, samples = struct.unpack_from(">HHB", head, place + 5)
            return rows, columns, samples, None
        place += 2 + length
    return None


def _jpeg_2000_size(head: bytes) -> Size | None:
    if head[:12] == b"\0\0\0\x0cjP  \r\n\x87\n":
        raise ValueError("a JP2 file around the stream")
    if head[:4] != b"\xff\x4f\xff\x51":
        raise ValueError("no codestream")
    right, lower, left, upper = struct.unpack_from(">4I", head, 8)
    samples = struct.unpack_from(">H", head, 40)[0]
    transformed = None
    place = 4 + struct.unpack_from(">H", head, 4)[0]
    while place + 10 < len(head) and head[place] == 0xFF and head[place + 1] != 0x90:
        if head[place + 1] == 0x52:
            transformed = head[place + 8] == 1
        place += 2 + struct.unpack_from(">H", head, place + 2)[0]
    return lower - upper, right - left, samples, transformed
