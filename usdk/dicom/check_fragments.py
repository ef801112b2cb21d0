"""Check compressed pixels: their fragments and offset tables, and the heads of their streams."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import pairwise
from typing import BinaryIO

from usdk.dicom.findings import Finding, readable
from usdk.dicom.fragments import Fragments, open_value, walk_fragments
from usdk.dicom.pydicom_extra import UID, Dataset
from usdk.dicom.stream_size import HEAD_BYTES, stream_size

__all__ = ["check_fragments"]


def check_fragments(dataset: Dataset, syntax: UID, n_frames: int) -> Iterator[Finding]:
    """Yield what is wrong with the fragments of encapsulated Pixel Data."""
    try:
        with open_value(dataset) as stream:
            fragments = walk_fragments(stream)
            yield from _check_numbers(dataset, fragments, n_frames)
            yield from _check_heads(dataset, syntax, stream, fragments, n_frames)
    except ValueError as error:
        yield Finding("error", "PixelData", str(error))
    except OSError:
        yield Finding("error", "PixelData", "cannot be read any more")


def _check_numbers(dataset: Dataset, fragments: Fragments, n_frames: int) -> Iterator[Finding]:
    n_fragments = len(fragments.places)
    if n_fragments < n_frames:
        yield Finding("error", "PixelData", f"has {n_fragments} fragments for {n_frames} frames")
    if any(length % 2 for _, _, length in fragments.places):
        yield Finding("error", "PixelData", "has a fragment of an odd number of bytes")
    begins = {offset for offset, _, _ in fragments.places}
    if fragments.table:
        if len(fragments.table) != n_frames:
            yield Finding(
                "error",
                "PixelData",
                f"has an offset table of {len(fragments.table)} entries for {n_frames} frames",
            )
        if not begins.issuperset(fragments.table):
            yield Finding("error", "PixelData", "has an offset table that points beside fragments")
        elif any(one >= other for one, other in pairwise(fragments.table)):
            yield Finding("error", "PixelData", "has an offset table that does not increase")
    elif n_frames > 1 and n_fragments != n_frames and "ExtendedOffsetTable" not in dataset:
        yield Finding("error", "PixelData", "has several fragments for a frame and no offset table")
    yield from _check_extended(dataset, fragments, begins, n_frames)


def _check_extended(
    dataset: Dataset, fragments: Fragments, begins: set[int], n_frames: int
) -> Iterator[Finding]:
    attribute = "ExtendedOffsetTable"
    if attribute not in dataset:
        return
    value, lengths = readable(dataset, attribute), readable(dataset, f"{attribute}Lengths")
    if fragments.table:
        yield Finding("error", attribute, "is there besides a Basic Offset Table")
    if not isinstance(value, bytes) or len(value) != 8 * n_frames:
        yield Finding("error", attribute, f"is not of {n_frames} offsets")
    elif not begins.issuperset(struct.unpack(f"<{n_frames}Q", value)):
        yield Finding("error", attribute, "points beside fragments")
    if not isinstance(lengths, bytes) or len(lengths) != 8 * n_frames:
        yield Finding("error", f"{attribute}Lengths", f"is not of {n_frames} lengths")


def _check_heads(
    dataset: Dataset, syntax: UID, stream: BinaryIO, fragments: Fragments, n_frames: int
) -> Iterator[Finding]:
    """Compare what each stream says of itself with the Image Pixel module."""
    rows, columns, samples = (
        readable(dataset, keyword) for keyword in ("Rows", "Columns", "SamplesPerPixel")
    )
    if len(fragments.places) != n_frames:
        return  # Some frames begin in the middle of others, or are of several fragments.
    for number, (_, begin, length) in enumerate(fragments.places, start=1):
        stream.seek(begin)
        head = stream.read(min(length, HEAD_BYTES))
        try:
            size = stream_size(head, syntax)
        except (ValueError, struct.error, IndexError):
            yield Finding(
                "error",
                "PixelData",
                f"has no {syntax.name} stream in the fragment of frame {number}",
            )
            return
        if size is None:
            return
        given, stated = size[:3], (rows, columns, samples)
        if any(a is not None and a != b for a, b in zip(given, stated, strict=True)):
            shown = " × ".join(str(n) for n in given if n is not None)
            yield Finding(
                "error",
                "PixelData",
                f"holds a stream of {shown} (rows, columns, samples) in frame {number}, which "
                "the image's attributes contradict",
            )
            return
        if number == 1 and size[3] is not None:
            yield from _check_transform(dataset, syntax, size[3])


def _check_transform(dataset: Dataset, syntax: UID, is_transformed: bool) -> Iterator[Finding]:
    photometric = str(readable(dataset, "PhotometricInterpretation"))
    if is_transformed and photometric == "RGB":
        yield Finding(
            "error",
            "PhotometricInterpretation",
            f"is RGB, and the {syntax.name} stream has its colours transformed: YBR_RCT or YBR_ICT",
        )
    if not is_transformed and photometric in ("YBR_RCT", "YBR_ICT"):
        yield Finding(
            "error",
            "PhotometricInterpretation",
            f"is {photometric}, and the stream has no component transform",
        )
