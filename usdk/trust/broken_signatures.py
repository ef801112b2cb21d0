"""Signatures that do not hold, whoever made them: a check that asks for no trust."""

from __future__ import annotations

import os

from usdk.errors import DataDamagedError
from usdk.trust.byte_source import FileSource
from usdk.trust.dicom_elements import read_dicom
from usdk.trust.signature_check import check_signature, listed_signatures

__all__ = ["broken_signatures"]


def broken_signatures(path: str | os.PathLike[str]) -> list[str]:
    """Return what is wrong with each digital signature of a file that does not hold.

    That one holds says only that the object is as some holder of a key signed it; whether that is
    someone to trust, `verify_dicom` says. A file in a transfer syntax that cannot be signed is
    taken for one without signatures.

    Raises
    ------
    StorageError
        The file cannot be read.
    """
    with FileSource(path) as source:
        try:
            file = read_dicom(source)
        except DataDamagedError:
            return []
        pairs, too_many = listed_signatures(file)
        broken = [f"has {problem}" for problem in too_many]
        for number, (scope, item) in enumerate(pairs, start=1):
            problems = check_signature(file, scope, item).report.problems
            if problems:
                broken.append(f"has a signature {number} that does not hold: {'; '.join(problems)}")
    return broken
