"""Whether every reader finds the same frames in pixel data whose layout no signature covers.

After transcoding, where a frame begins is known by offset tables and fragments that are not
signed. Readers differ in which of these they believe (PS3.5 annex A.4): pixels that one takes for
the signed frames would be others to the next. One layout alone leaves no choice, and it is the
one that archives write: a fragment for each frame, in order, nothing between and nothing behind.
"""

from __future__ import annotations

import struct

from usdk.errors import NotTrustedError
from usdk.trust import dicom_tags as tags
from usdk.trust.dicom_structure import DicomFile, Element, find_element

__all__ = ["require_plain_layout"]

_ITEM_HEAD_BYTES = 8
_MAX_TABLE_BYTES = 1 << 24
_YBR_FULL_422 = b"YBR_FULL_422"


def require_plain_layout(file: DicomFile, n_frames: int) -> None:
    """Raise `NotTrustedError` unless pixel data hold ``n_frames`` frames, one behind the other."""
    pixels = find_element(file.elements, tags.PIXEL_DATA)
    if pixels is None:
        raise NotTrustedError("the object has no pixels")
    if pixels.fragments is None:
        _require_length(file, pixels, n_frames)
    else:
        _require_fragments(file, pixels.fragments, n_frames)


def _require_length(file: DicomFile, pixels: Element, n_frames: int) -> None:
    n_samples = float(_number(file, tags.SAMPLES_PER_PIXEL))
    photometric = find_element(file.elements, tags.PHOTOMETRIC_INTERPRETATION)
    if photometric is not None and photometric.n_bytes == len(_YBR_FULL_422):
        value = file.source.read(photometric.value_offset, photometric.n_bytes)
        # Two pixels share their colour (PS3.3 C.7.6.3.1.2).
        n_samples = 2.0 if value == _YBR_FULL_422 else n_samples
    area = _number(file, tags.ROWS) * _number(file, tags.COLUMNS)
    n_bits = int(n_frames * area * n_samples) * _number(file, tags.BITS_ALLOCATED)
    n_bytes = -(-n_bits // 8)
    if pixels.n_bytes != n_bytes + n_bytes % 2:
        raise NotTrustedError("the pixels are more or fewer than the frames that were signed")


def _require_fragments(
    file: DicomFile, fragments: tuple[tuple[int, int], ...], n_frames: int
) -> None:
    # A single frame is all of its fragments together, to every reader.
    if not fragments or (len(fragments) - 1 != n_frames and (n_frames > 1 or len(fragments) < 2)):
        raise NotTrustedError("the pixels are not one fragment for each frame that was signed")
    (start, end), *frames = fragments
    origin = end + _ITEM_HEAD_BYTES
    offsets = [begin - origin for begin, _ in frames[:n_frames]]
    if end - start > _MAX_TABLE_BYTES or not _is_table(
        file.source.read(start, end - start), f"<{n_frames}I", offsets
    ):
        raise NotTrustedError("the Basic Offset Table does not name the frames in their order")
    extended = find_element(file.elements, tags.EXTENDED_OFFSET_TABLE)
    lengths = find_element(file.elements, tags.EXTENDED_OFFSET_TABLE_LENGTHS)
    if extended is None and lengths is None:
        return
    sizes = [stop - begin for begin, stop in frames]
    if (
        extended is None
        or lengths is None
        or len(frames) != n_frames
        or not extended.n_bytes == lengths.n_bytes == 8 * n_frames
        or not _is_table(_value(file, extended), f"<{n_frames}Q", offsets)
        # A frame's length may be told without its padding.
        or any(
            not 0 <= size - told <= 1
            for size, told in zip(
                sizes, struct.unpack(f"<{n_frames}Q", _value(file, lengths)), strict=True
            )
        )
    ):
        raise NotTrustedError("the Extended Offset Table does not name the frames in their order")


def _is_table(value: bytes, form: str, offsets: list[int]) -> bool:
    """Return whether a table is empty, or holds just these offsets."""
    if not value:
        return True
    return len(value) == struct.calcsize(form) and list(struct.unpack(form, value)) == offsets


def _number(file: DicomFile, tag: int) -> int:
    element = find_element(file.elements, tag)
    if element is None or element.vr != b"US" or element.n_bytes != 2:
        raise NotTrustedError(f"{tags.name_tag(tag)} is not one number")
    return int.from_bytes(_value(file, element), "little")


def _value(file: DicomFile, element: Element) -> bytes:
    return file.source.read(element.value_offset, element.n_bytes)
