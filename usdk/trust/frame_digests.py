"""Digests of decoded frames: what proves the pixels after they were transcoded without loss.

The private block of creator ``USDK`` in group 5553 holds in element 02 the SHA-256 of each decoded
frame, 32 bytes after 32 bytes (OB): rows from the top, pixels from the left, samples by pixel, RGB
for colour. A signature over all but what transcoding changes thus still speaks of the pixels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import BinaryIO

from usdk.errors import NotTrustedError
from usdk.trust import dicom_tags as tags
from usdk.trust.byte_source import ByteSource
from usdk.trust.dicom_structure import DicomFile, Element, find_element

__all__ = [
    "PRIVATE_CREATOR",
    "PRIVATE_GROUP",
    "FrameDecoder",
    "changed_by_transcoding",
    "compare_frames",
    "find_frame_digests",
    "read_frame_digests",
]

PRIVATE_GROUP = 0x5553
PRIVATE_CREATOR = b"USDK"
MAX_DIGEST_BYTES = 1 << 24
"""Digests of half a million frames."""

FrameDecoder = Callable[[BinaryIO], Iterable[bytes | memoryview]]
"""Yields the decoded pixels of each frame of a DICOM file; raises `DataDamagedError` if it cannot.
"""

_FRAME_DIGESTS = 0x02
_CHANGED = {
    # dcmcjpeg writes there what it did, also where nothing was lost.
    tags.DERIVATION_DESCRIPTION: (b"ST",),
    tags.PLANAR_CONFIGURATION: (b"US",),
    tags.EXTENDED_OFFSET_TABLE: (b"OV",),
    tags.EXTENDED_OFFSET_TABLE_LENGTHS: (b"OV",),
    tags.ENCAPSULATED_PIXEL_DATA_VALUE_TOTAL_LENGTH: (b"UV",),
    tags.PIXEL_DATA: (b"OB", b"OW"),
}
"""What transcoding may write anew, and the VRs that it has."""

_JPEG_2000 = tuple(f"1.2.840.10008.1.2.4.{last}" for last in (90, 91, 92, 93, 201, 202, 203))


def changed_by_transcoding(file: DicomFile) -> frozenset[int]:
    """Return the top-level tags that transcoding without loss may write anew.

    PhotometricInterpretation is among them where it says that the decoded pixels are RGB: JPEG
    2000 without loss, and it alone, names its own transform of them.
    """
    wrong = {e.tag for e in file.elements if e.vr not in _CHANGED.get(e.tag, (e.vr,))}
    changed = _CHANGED.keys() - wrong
    element = find_element(file.elements, tags.PHOTOMETRIC_INTERPRETATION)
    if element is not None and element.vr == b"CS" and element.n_bytes <= 16:
        value = file.source.read(element.value_offset, element.n_bytes).rstrip(b" ")
        is_jpeg_2000 = file.transfer_syntax_uid in _JPEG_2000
        if value == b"RGB" or (value == b"YBR_RCT" and is_jpeg_2000):
            return frozenset(changed | {tags.PHOTOMETRIC_INTERPRETATION})
    return frozenset(changed)


def find_frame_digests(source: ByteSource, elements: Iterable[Element]) -> Element | None:
    """Return the element that holds the digests, or None."""
    group = [e for e in elements if e.tag >> 16 == PRIVATE_GROUP]
    for creator in group:
        block = creator.tag & 0xFFFF
        if not 0x10 <= block <= 0xFF or creator.vr != b"LO" or creator.n_bytes > 64:
            continue
        if source.read(creator.value_offset, creator.n_bytes).rstrip(b" ") == PRIVATE_CREATOR:
            element = find_element(group, PRIVATE_GROUP << 16 | block << 8 | _FRAME_DIGESTS)
            return element if element is not None and element.vr == b"OB" else None
    return None


def read_frame_digests(source: ByteSource, element: Element) -> list[bytes]:
    """Return the digests, or raise `NotTrustedError` where they are malformed."""
    size = hashlib.sha256().digest_size
    if not 0 < element.n_bytes <= MAX_DIGEST_BYTES or element.n_bytes % size:
        raise NotTrustedError("the frame digests are not 32 bytes for each frame")
    value = source.read(element.value_offset, element.n_bytes)
    return [value[start : start + size] for start in range(0, len(value), size)]


def compare_frames(digests: list[bytes], frames: Iterable[bytes | memoryview]) -> int:
    """Return how many frames there are, all with their digest, or raise `NotTrustedError`."""
    n_frames = 0
    for frame in frames:
        if n_frames >= len(digests) or hashlib.sha256(frame).digest() != digests[n_frames]:
            raise NotTrustedError(f"frame {n_frames + 1} has not the digest that was signed")
        n_frames += 1
    if n_frames != len(digests):
        raise NotTrustedError(f"{n_frames} frames are left of {len(digests)} that were signed")
    return n_frames
