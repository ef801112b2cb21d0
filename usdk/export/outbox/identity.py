"""What the outbox reads of a DICOM file: which object it is, and nothing of whom."""

from __future__ import annotations

import io
import re
import zlib
from dataclasses import dataclass
from typing import BinaryIO

from usdk.errors import DataDamagedError
from usdk.export.outbox.element_walk import Encoding, ForeignBytesError, find_values

__all__ = ["Identity", "identify"]

MAX_INFLATED_BYTES = 1 << 20
"""How far a deflated file is inflated; its UIDs lie in the first hundreds of bytes."""

_UID = re.compile(r"[0-9.]{1,64}")
_MEDIA_STORAGE_SOP_INSTANCE_UID, _TRANSFER_SYNTAX_UID = _META = (0x00020003, 0x00020010)
_GROUP_OF_META = range(0x00020000, 0x00030000)
_SOP_CLASS_UID, _SOP_INSTANCE_UID = 0x00080016, 0x00080018
_STUDY_INSTANCE_UID, _SERIES_INSTANCE_UID = 0x0020000D, 0x0020000E
_WANTED = (_SOP_CLASS_UID, _SOP_INSTANCE_UID, _STUDY_INSTANCE_UID, _SERIES_INSTANCE_UID)
_UP_TO_SERIES = range(_SERIES_INSTANCE_UID + 1)

_EXPLICIT = Encoding(is_explicit=True, order="<")
_DEFLATED = "1.2.840.10008.1.2.1.99"
# PS3.5 annex A: all others are Explicit VR Little Endian.
_ENCODINGS = {
    "1.2.840.10008.1.2": Encoding(is_explicit=False, order="<"),
    "1.2.840.10008.1.2.2": Encoding(is_explicit=True, order=">"),
}


@dataclass(frozen=True)
class Identity:
    """The UIDs of an object."""

    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str
    transfer_syntax_uid: str


def identify(file: BinaryIO) -> Identity:
    """Read the UIDs of a DICOM file (PS3.10) from its beginning, no further than they lie.

    Raises
    ------
    DataDamagedError
        It is no DICOM file, or lacks a UID.
    """
    try:
        if file.read(132)[128:] != b"DICM":
            raise ForeignBytesError
        meta = find_values(file, _META, _GROUP_OF_META, _EXPLICIT)
        syntax = _uid(meta, _TRANSFER_SYNTAX_UID)
        named = _uid(meta, _MEDIA_STORAGE_SOP_INSTANCE_UID, is_required=False)
        encoding = _ENCODINGS.get(syntax, _EXPLICIT)
        if syntax == _DEFLATED:
            file = _inflated(file)
        values = find_values(file, _WANTED, _UP_TO_SERIES, encoding)
    except ForeignBytesError as error:
        raise DataDamagedError(
            "not a DICOM file: queue a part-10 file of a DICOM object"
        ) from error
    sop_class, sop_instance, study, series = (_uid(values, tag) for tag in _WANTED)
    if named not in ("", sop_instance):
        raise DataDamagedError("the file meta information names another object: export it again")
    return Identity(sop_class, sop_instance, study, series, syntax)


def _uid(values: dict[int, bytes], tag: int, *, is_required: bool = True) -> str:
    uid = values.get(tag, b"").rstrip(b"\0 ").decode("ascii", "replace")
    if not _UID.fullmatch(uid) and (uid or is_required):
        raise DataDamagedError(
            "the DICOM file lacks a UID of its class, instance, study, series or transfer syntax:"
            " export it again"
        )
    return uid


def _inflated(file: BinaryIO) -> BinaryIO:
    """Return the beginning of a deflated data set (PS3.5 annex A.5)."""
    try:
        inflated = zlib.decompressobj(-zlib.MAX_WBITS).decompress(
            file.read(MAX_INFLATED_BYTES), MAX_INFLATED_BYTES
        )
    except zlib.error as error:
        raise ForeignBytesError from error
    return io.BytesIO(inflated)
