"""Write an object that is in memory already, checked and signed, whole or not at all."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from usdk.dicom.pydicom_extra import Dataset, generate_fragments
from usdk.errors import ArgumentError, StorageError
from usdk.export.finish import finish_object, require_same_pixels, write_header
from usdk.files import atomic_file
from usdk.trust import Signer

__all__ = ["write_object"]


def write_object(
    path: str | os.PathLike[str],
    dataset: Dataset,
    *,
    signer: Signer | None,
    sign_frames: bool = False,
) -> Path:
    """Write an object that one of the makers in `usdk.dicom` returned.

    Its pixels were decoded and compared when it was made. It is checked, signed and its signature
    verified before it takes its name, as by `write_dicom`.

    Parameters
    ----------
    path : path-like
        Where the file goes; one that exists is replaced.
    dataset : pydicom.Dataset
        The object, with its file meta information.
    signer : Signer or None
        Whose signature the object gets; None writes it unsigned.
    sign_frames : bool
        Add a second signature, that outlasts transcoding; see `write_dicom`.

    Returns
    -------
    Path
        ``path``.

    Raises
    ------
    ArgumentError
        It is no such object, or would mislead its readers.
    NotTrustedError
        The signer's certificate may not sign, or the signature does not hold.
    StorageError
        The disk is full, or the folder is missing or not writable.
    """
    path = Path(path)
    if not isinstance(dataset, Dataset) or "PixelData" not in dataset:
        raise ArgumentError("dataset must be an image object, such as us_image returns")
    if path.is_dir():
        raise StorageError("the path is a folder: name the file that shall be written")
    with atomic_file(path) as (file, temporary):
        write_header(dataset, file)
        finish_object(temporary, signer, sign_frames=sign_frames)
        value = dataset.PixelData
        if dataset.file_meta.TransferSyntaxUID.is_compressed:
            _, *pieces = generate_fragments(value)
        else:
            pieces = [value]
        digests = [hashlib.sha256(piece).digest() for piece in pieces]
        require_same_pixels(temporary, digests, [len(piece) for piece in pieces])
    return path
