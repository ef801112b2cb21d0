"""What the outbox reads of a DICOM file: which object it is, and nothing of whom."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

from usdk.errors import DataDamagedError, MissingExtraError, UsdkError

try:
    from pydicom.dataset import Dataset
    from pydicom.filereader import data_element_generator, read_partial, read_preamble
    from pydicom.uid import UID
except ImportError as error:
    raise MissingExtraError.for_extra("dicom", "The outbox") from error

__all__ = ["Identity", "identify"]

_UID = re.compile(r"[0-9.]{1,64}")
_LAST_TAG = 0x0020000E
_WANTED = [0x00080016, 0x00080018, 0x0020000D, _LAST_TAG]
_TRANSFER_SYNTAX_UID = 0x00020010
_MEDIA_STORAGE_SOP_INSTANCE_UID = 0x00020003
_META = [_TRANSFER_SYNTAX_UID, _MEDIA_STORAGE_SOP_INSTANCE_UID]


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
        *uids, named = _read_explicit(file) or _read_any(file)
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


def _read_explicit(file: BinaryIO) -> list[str] | None:
    """Read a file of explicit little-endian elements that are as they should be; None of others.

    Without pydicom's data sets, which take three times as long.
    """
    try:
        read_preamble(file, force=False)
        meta = _elements(file, _META, _is_behind_meta)
        syntax = UID(meta.get(_TRANSFER_SYNTAX_UID, ""))
        if syntax.is_implicit_VR or not syntax.is_little_endian or syntax.is_deflated:
            return None
        found = _elements(file, _WANTED, _is_past)
    except (OSError, MemoryError):
        raise
    except Exception:  # pydicom's reader of anything tells what is wrong
        return None
    uids = [found.get(tag, "") for tag in _WANTED]
    if not all(_UID.fullmatch(uid) for uid in uids):
        return None
    return [*uids, str(syntax), meta.get(_MEDIA_STORAGE_SOP_INSTANCE_UID, "")]


def _elements(
    file: BinaryIO, tags: list[int], stop_when: Callable[[Any, str | None, int], bool]
) -> dict[int, str]:
    elements = data_element_generator(
        file, is_implicit_VR=False, is_little_endian=True, stop_when=stop_when,
        specific_tags=list(tags),
    )  # fmt: skip
    return {int(element.tag): _text(element.value) for element in elements}


def _read_any(file: BinaryIO) -> list[str]:
    file.seek(0)
    dataset = read_partial(file, stop_when=_is_past, specific_tags=list(_WANTED))
    uids = [_uid(dataset, tag) for tag in _WANTED]
    return uids + [_uid(dataset.file_meta, tag) for tag in _META]


def _uid(dataset: Dataset, tag: int) -> str:
    # As it lies in the file: pydicom would warn of a wrong one, and quote it.
    return _text(dataset.get_item(tag).value if tag in dataset else None)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("ascii", "replace").rstrip("\0 ")
    return "" if value is None else str(value)


def _is_past(tag: Any, _vr: str | None, _length: int) -> bool:
    return bool(tag > _LAST_TAG)


def _is_behind_meta(tag: Any, _vr: str | None, _length: int) -> bool:
    return bool(tag >> 16 != 2)
