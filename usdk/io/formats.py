"""Which format a recording has, told by its first bytes, and the loader that reads it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from usdk.acquisition import Acquisition
from usdk.errors import DataDamagedError
from usdk.files import open_regular, storage_errors
from usdk.io import channel_npz, pybf_hdf5, pymust_mat, recording_reader
from usdk.io.description import RecordingDescription
from usdk.io.recording_chunks import MAGIC

__all__ = ["FORMATS", "Format", "describe_recording", "is_own_recording", "load_recording"]

_HEAD_BYTES = 128
_HDF5 = b"\x89HDF\r\n\x1a\n"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_MATLAB_73 = b"MATLAB 7.3 MAT-file"


@dataclass(frozen=True, kw_only=True)
class Format:
    """A format: its name, how its first bytes look, and its two readers."""

    name: str
    matches: Callable[[bytes], bool]
    load: Callable[[Path], Acquisition]
    describe: Callable[[Path], RecordingDescription]


FORMATS = (
    Format(
        name=recording_reader.FORMAT,
        matches=lambda head: head.startswith(MAGIC),
        load=recording_reader.load_own,
        describe=recording_reader.describe_own,
    ),
    Format(
        name=pybf_hdf5.FORMAT,
        matches=lambda head: head.startswith(_HDF5),
        load=pybf_hdf5.load_pybf,
        describe=pybf_hdf5.describe_pybf,
    ),
    Format(
        name=f"{pymust_mat.FORMAT} (version 5 to 7)",
        matches=lambda head: head[124:128] in (b"\x00\x01IM", b"\x01\x00MI"),
        load=pymust_mat.load_pymust,
        describe=pymust_mat.describe_pymust,
    ),
    Format(
        name=channel_npz.FORMAT,
        matches=lambda head: head.startswith(_ZIP),
        load=channel_npz.load_npz,
        describe=channel_npz.describe_npz,
    ),
)


def load_recording(path: str | os.PathLike[str]) -> Acquisition:
    """Load channel data from a file of any known format.

    The format is told by the file's content, never by its name.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    Acquisition
        Every whole frame of the file; ``gaps`` says what is missing.

    Raises
    ------
    DataDamagedError
        If the format is unknown, or the file is damaged.
    StorageError
        If the file cannot be opened.
    MissingExtraError
        If the format needs a package that is not installed.
    """
    path = Path(path)
    file_format = _detect(path)
    with storage_errors(f"read {path}"):
        return file_format.load(path)


def describe_recording(path: str | os.PathLike[str]) -> RecordingDescription:
    """Describe a recording without reading its samples; raises as `load_recording`."""
    path = Path(path)
    file_format = _detect(path)
    with storage_errors(f"read {path}"):
        return file_format.describe(path)


def is_own_recording(path: str | os.PathLike[str]) -> bool:
    """Return whether a file is usdk's own recording, which `RecordingReader` reads in pieces.

    Raises
    ------
    DataDamagedError
        If the format is unknown.
    StorageError
        If the file cannot be opened.
    """
    return _detect(Path(path)).name == recording_reader.FORMAT


def _detect(path: Path) -> Format:
    with (
        storage_errors(f"read {path}"),
        os.fdopen(open_regular(path, str(path)), "rb") as file,
    ):
        head = file.read(_HEAD_BYTES)
    for candidate in FORMATS:
        if candidate.matches(head):
            return candidate
    if head.startswith(_MATLAB_73):
        raise DataDamagedError(f"{path} is a MAT file of version 7.3: save it again with -v7")
    known = ", ".join(candidate.name for candidate in FORMATS)
    raise DataDamagedError(
        f"{path} is {'empty' if not head else 'of an unknown format'}; known formats: {known}"
    )
