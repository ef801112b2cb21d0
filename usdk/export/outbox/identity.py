"""What the outbox reads of a DICOM file: which object it is, and nothing of whom."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, BinaryIO

from usdk.errors import DataDamagedError, MissingExtraError, UsdkError

try:
    from pydicom.filereader import read_partial
except ImportError as error:
    raise MissingExtraError.for_extra("dicom", "The outbox") from error

__all__ = ["Identity", "identify"]

_UID = re.compile(r"[0-9.]{1,64}")
_LAST_TAG = 0x0020000E
_WANTED = [0x00080016, 0x00080018, 0x0020000D, _LAST_TAG]


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
        dataset = read_partial(file, stop_when=_is_past, specific_tags=_WANTED)
        meta = dataset.file_meta
        found = (
            dataset.get("SOPClassUID"),
            dataset.get("SOPInstanceUID"),
            dataset.get("StudyInstanceUID"),
            dataset.get("SeriesInstanceUID"),
            meta.get("TransferSyntaxUID"),
        )
        same = meta.get("MediaStorageSOPInstanceUID") in (None, found[1])
    except (UsdkError, OSError, MemoryError):
        raise
    except Exception as error:
        # Bytes from anywhere: pydicom raises whatever its parts raise, with their text.
        raise DataDamagedError(
            "not a DICOM file: queue a part-10 file of a DICOM object"
        ) from error
    uids = [str(uid) if uid is not None else "" for uid in found]
    if not all(_UID.fullmatch(uid) for uid in uids):
        raise DataDamagedError(
            "the DICOM file lacks a UID of its class, instance, study, series or transfer syntax:"
            " export it again"
        )
    if not same:
        raise DataDamagedError("the file meta information names another object: export it again")
    return Identity(*uids)


def _is_past(tag: Any, _vr: str | None, _length: int) -> bool:
    return bool(tag > _LAST_TAG)
