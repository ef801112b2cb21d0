"""Open a DICOM file that anybody may have written: it is read, or a typed error says why not."""

from __future__ import annotations

import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from usdk.dicom.pydicom_extra import (
    Dataset,
    DeflatedExplicitVRLittleEndian,
    InvalidDicomError,
    dcmread,
    dictionary_has_tag,
    dictionary_VR,
    read_file_meta_info,
)
from usdk.errors import DataDamagedError, StorageError, UsdkError
from usdk.files import storage_advice

__all__ = ["open_dicom", "parser_border"]

_DEFER_BYTES = 2**16
_UNDEFINED_LENGTH = 0xFFFFFFFF

MAX_LIST_BYTES = 2**20
"""Longest value that may be several: each of them becomes an object of its own."""

_NO_LISTS = frozenset(["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "UN", "UT", "LT", "ST", "UR"]) | {
    "OB or OW"
}
"""VRs of one value, however long, and of items."""


@contextmanager
def parser_border(what: str) -> Iterator[None]:
    """Silence the parser's warnings about foreign habits, and give its errors a type.

    Raises
    ------
    StorageError
        The operating system refused.
    DataDamagedError
        Anything else: a parser that is fed arbitrary bytes fails in arbitrary ways.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except UsdkError:
        raise
    except InvalidDicomError as error:
        raise DataDamagedError("not a DICOM file: it has no DICM prefix") from error
    except EOFError as error:
        raise DataDamagedError(f"{what}: the file is truncated; fetch it again") from error
    except OSError as error:
        if error.errno is None and not isinstance(error.__cause__, OSError):
            # The parser's own word for bytes that lead nowhere.
            raise DataDamagedError(f"{what}: not valid DICOM") from None
        raise StorageError(f"{what}: {storage_advice(error)}") from error
    except Exception as error:
        # Not chained: the parser's message may quote a value, and the value be a patient's.
        raise DataDamagedError(f"{what}: not valid DICOM ({type(error).__name__})") from None


def open_dicom(path: str | os.PathLike[str]) -> Dataset:
    """Return the data set of a file; long values, pixels above all, stay there until needed.

    Raises
    ------
    StorageError
        The file is absent, not a regular file, or cannot be read.
    DataDamagedError
        It is no DICOM file, is truncated, or is deflated.
    """
    with parser_border("cannot read the DICOM file"):
        status = Path(path).stat()
        if not stat.S_ISREG(status.st_mode):
            raise StorageError("not a regular file: name the DICOM file itself")
        syntax = read_file_meta_info(os.fspath(path)).get("TransferSyntaxUID")
        if syntax == DeflatedExplicitVRLittleEndian:
            # A few deflated bytes may stand for more than memory holds.
            raise DataDamagedError("the DICOM file is deflated: inflate it first (dcmconv +te)")
        dataset = dcmread(os.fspath(path), defer_size=_DEFER_BYTES)
        _require_complete(dataset, status.st_size)
        return dataset


def _require_complete(dataset: Dataset, file_size: int) -> None:
    # The parser hands on values that end with the file, however long they should be.
    for tag in list(dataset.keys()):
        raw = dataset.get_item(tag, keep_deferred=True)
        length = getattr(raw, "length", _UNDEFINED_LENGTH)
        start = getattr(raw, "value_tell", None)
        if start is not None and length != _UNDEFINED_LENGTH and start + length > file_size:
            raise DataDamagedError("the DICOM file is truncated: fetch it again")
        vr = getattr(raw, "VR", None) or (dictionary_VR(tag) if dictionary_has_tag(tag) else "UN")
        if length != _UNDEFINED_LENGTH and length > MAX_LIST_BYTES and vr not in _NO_LISTS:
            raise DataDamagedError(
                f"({tag.group:04X},{tag.element:04X}) is a list of more than "
                f"{MAX_LIST_BYTES} bytes: fetch the file again"
            )
