"""What the outbox reads of a DICOM file: which object it is, and nothing of whom."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, BinaryIO

from usdk.errors import DataDamagedError, MissingExtraError, UsdkError

try:
    from pydicom.dataset import Dataset
    from pydicom.filereader import read_partial
except ImportError as error:
    raise MissingExtraError.for_extra("dicom", "The outbox") from error

__all__ = ["Identity", "identify"]

_UID = re.compile(r"[0-9.]{1,64}")
_LAST_TAG = 0x0020000E
_WANTED = [0x00080016, 0x00080018, 0x0020000D, _LAST_TAG]
_TRANSFER_SYNTAX_UID = 0x00020010
_MEDIA_STORAGE_SOP_INSTANCE_UID = 0x00020003


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
        uids = [_uid(dataset, tag) for tag in _WANTED]
        uids.append(_uid(dataset.file_meta, _TRANSFER_SYNTAX_UID))
        named = _uid(dataset.file_meta, _MEDIA_STORAGE_SOP_INSTANCE_UID)
    except (UsdkError, OSError, MemoryError):
        raise
    except Exception as error:
        # Bytes from anywhere: pydicom raises whatever its parts raise, with their text.
        raise DataDamagedError(
            "not a DICOM file: queue a part-10 file of a DICOM object"
        ) from error
    if not all(_UID.fullmatch(uid) for uid in uids):
        raise DataDamagedError(
            "the DICOM file lacks a UID of its class, instance, study, series or transfer syntax:"
            " export it again"
        )
    if named not in ("", uids[1]):
        raise DataDamagedError("the file meta information names another object: export it again")
    return Identity(*uids)


def _uid(dataset: Dataset, tag: int) -> str:
    # As it lies in the file: pydicom would warn of a wrong one, and quote it.
    value = dataset.get_item(tag).value if tag in dataset else None
    if isinstance(value, bytes):
        return value.decode("ascii", "replace").rstrip("\0 ")
    return "" if value is None else str(value)


def _is_past(tag: Any, _vr: str | None, _length: int) -> bool:
    return bool(tag > _LAST_TAG)
