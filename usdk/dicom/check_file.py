"""Check a file that anybody may have written."""

from __future__ import annotations

import os

from usdk.dicom.check import check_dicom
from usdk.dicom.findings import Finding
from usdk.dicom.open import open_dicom, parser_border

__all__ = ["check_file"]


def check_file(path: str | os.PathLike[str], *, decode: bool = True) -> list[Finding]:
    """Return what is wrong with an ultrasound object in a file.

    Memory holds one frame at a time, and the pixel data as they lie in the file where they are
    compressed.

    Parameters
    ----------
    decode : bool
        Decode every frame, and compare it with the digest in objects of ours.

    Raises
    ------
    StorageError
        The file cannot be read.
    DataDamagedError
        It is no DICOM file, is truncated, or is deflated.
    """
    dataset = open_dicom(path)
    with parser_border("cannot check the DICOM file"):
        return check_dicom(dataset, decode=decode)
