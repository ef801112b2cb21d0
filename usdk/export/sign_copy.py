"""Sign a copy of an object that is in a file already: checked first, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from usdk.dicom import check_file
from usdk.errors import ArgumentError, NotTrustedError
from usdk.files import atomic_file
from usdk.trust.broken_signatures import broken_signatures
from usdk.trust.byte_source import FileSource

__all__ = ["sign_copy"]


def sign_copy(
    path_in: str | os.PathLike[str],
    path_out: str | os.PathLike[str],
    sign: Callable[[Path, Path], str],
    *,
    unchecked: bool = False,
) -> str:
    """Copy a DICOM file, check the copy, and sign it.

    What is checked is what is signed: another program that writes to the input meanwhile changes
    neither.

    Parameters
    ----------
    path_in, path_out : path-like
        The object, and where the signed copy goes; both may be the same.
    sign : callable
        Takes where the copy is and where the signed one goes, which is the same, and returns the
        signature's UID: `usdk.trust.sign_dicom` with a signer, for example.
    unchecked : bool
        Sign although the object would mislead its readers, or a signature in it does not hold.

    Returns
    -------
    str
        DigitalSignatureUID of the new signature.

    Raises
    ------
    ArgumentError
        `usdk.dicom.check_file` finds an error.
    NotTrustedError
        An earlier signature does not hold: what it was over is not what would be signed now.
    StorageError
        A file cannot be read or written, or the disk is full.
    """
    with atomic_file(path_out) as (copy, temporary):
        with FileSource(path_in) as source:
            for piece in source.chunks(0, source.size):
                copy.write(piece)
        copy.flush()
        if not unchecked:
            _require_sound_file(temporary)
        return sign(temporary, temporary)


def _require_sound_file(path: Path) -> None:
    broken = broken_signatures(path)
    if broken:
        raise NotTrustedError(
            f"the object {'; '.join(broken)}: ask its sender for the signed original, or sign it "
            "unchecked"
        )
    errors = [str(finding) for finding in check_file(path) if finding.severity == "error"]
    if errors:
        raise ArgumentError(
            f"the DICOM object would mislead its readers: {'; '.join(errors)}; mend it, or sign it "
            "unchecked"
        )
