"""Whether compressed pixels are of the kind that the file meta information says.

Neither the transfer syntax nor the MAC parameters are under a signature, and the signed bytes are
the same in every compressed one: the pixels' own first bytes say what they are.
"""

from __future__ import annotations

import struct

from usdk.trust import dicom_tags as tags
from usdk.trust.dicom_structure import DicomFile, find_element

__all__ = ["stream_kind", "transfer_syntax_problem"]

_HEAD_BYTES = 4096
"""A stream says its kind within so many bytes."""

_JPEG = {0xC0: "baseline", 0xC1: "extended", 0xC3: "lossless", 0xF7: "JPEG-LS"}
"""Processes by the start-of-frame marker's second byte (ISO/IEC 10918-1 table B.1, 14495-1)."""

_KINDS = {
    "1.2.840.10008.1.2.4.50": ("baseline",),
    "1.2.840.10008.1.2.4.51": ("baseline", "extended"),
    "1.2.840.10008.1.2.4.57": ("lossless",),
    "1.2.840.10008.1.2.4.70": ("lossless",),
    "1.2.840.10008.1.2.4.80": ("JPEG-LS",),
    "1.2.840.10008.1.2.4.81": ("JPEG-LS", "JPEG-LS near-lossless"),
    "1.2.840.10008.1.2.4.90": ("JPEG 2000",),
    "1.2.840.10008.1.2.4.91": ("JPEG 2000",),
    "1.2.840.10008.1.2.4.201": ("HTJ2K",),
    "1.2.840.10008.1.2.4.202": ("HTJ2K",),
    "1.2.840.10008.1.2.4.203": ("HTJ2K",),
    "1.2.840.10008.1.2.5": ("RLE",),
}
"""Kinds of stream by transfer syntax UID (PS3.5 section 8.2, annex A.4)."""

_JP2_SIGNATURE = b"\0\0\0\x0cjP  \r\n\x87\n"
_CODESTREAM = b"\xff\x4f\xff\x51"


def transfer_syntax_problem(file: DicomFile) -> str | None:
    """Return why the compressed pixels contradict the file's transfer syntax; None if they do not.

    Of transfer syntaxes that this package knows nothing of, only that the stream is of none that
    it knows.
    """
    pixels = find_element(file.elements, tags.PIXEL_DATA)
    if pixels is None or pixels.fragments is None or len(pixels.fragments) < 2:
        return None
    start, end = pixels.fragments[1]
    kind = stream_kind(file.source.read(start, min(end - start, _HEAD_BYTES)))
    expected = _KINDS.get(file.transfer_syntax_uid)
    if (kind is None) if expected is None else (kind in expected):
        return None
    return (
        f"{tags.name_tag(tags.TRANSFER_SYNTAX_UID)} is not that of the compressed pixels, which "
        f"are {kind or 'of another kind'}"
    )


def stream_kind(head: bytes) -> str | None:
    """Return what kind of compressed stream begins with ``head``; None where it is not known."""
    if head.startswith(b"\xff\xd8\xff"):
        return _jpeg_kind(head)
    if head.startswith(_JP2_SIGNATURE):
        at = head.find(_CODESTREAM)
        return "JPEG 2000" if at < 0 else _jpeg_2000_kind(head[at:])
    if head.startswith(_CODESTREAM):
        return _jpeg_2000_kind(head)
    if len(head) >= 64:
        n_segments, first = struct.unpack_from("<II", head)
        if 1 <= n_segments <= 15 and first == 64:
            return "RLE"
    return None


def _jpeg_kind(head: bytes) -> str | None:
    process = None
    place = 2
    while place + 4 <= len(head) and head[place] == 0xFF:
        marker = head[place + 1]
        if marker == 0xFF:  # A fill byte before a marker.
            place += 1
            continue
        (length,) = struct.unpack_from(">H", head, place + 2)
        process = process or _JPEG.get(marker)
        if process is not None and process != "JPEG-LS":
            return process
        if marker == 0xDA:
            # After the components, two bytes each, the greatest error that is allowed.
            near = place + 5 + 2 * head[place + 4] if place + 4 < len(head) else len(head)
            is_exact = near < len(head) and head[near] == 0
            return process if is_exact or process is None else f"{process} near-lossless"
        place += 2 + length
    return process


def _jpeg_2000_kind(head: bytes) -> str:
    place = 2
    while place + 4 <= len(head) and head[place] == 0xFF and head[place + 1] != 0x90:
        if head[place + 1] == 0x50:  # CAP: a capability of ISO/IEC 15444-15.
            return "HTJ2K"
        place += 2 + int(struct.unpack_from(">H", head, place + 2)[0])
    return "JPEG 2000"
