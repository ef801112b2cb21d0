from __future__ import annotations

import errno
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import usdk.io
from usdk.acquisition import Acquisition
from usdk.errors import DataDamagedError, StorageError
from usdk.io import describe_recording, load_recording, save_recording


@pytest.mark.parametrize(
    ("name", "described"),
    [
        ("pybf/rf_dataset.hdf5", "pybf HDF5"),
        ("pymust/PWI_disk.mat", "PyMUST MAT"),
        ("simus/p4_2v_diverging7.npz", "channel data NPZ"),
    ],
)
def test_the_format_is_told_by_content_whatever_the_name(
    name: str, described: str, data_file: Callable[[str], Path], tmp_path: Path
) -> None:
    path = tmp_path / "recording.txt"
    path.symlink_to(data_file(name))
    assert describe_recording(path).format == described
    assert load_recording(str(path)).n_frames >= 1


@pytest.mark.parametrize(
    "content",
    [b"", b"x", b"\x89HDF", b"hello, I am a text\n" * 99, random.Random(1).randbytes(999)],
)
def test_an_unknown_format_names_those_that_are_known(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "recording.hdf5"
    path.write_bytes(content)
    for read in (load_recording, describe_recording):
        with pytest.raises(
            DataDamagedError, match=r"usdk recording, pybf HDF5, PyMUST MAT .*, channel data NPZ"
        ):
            read(path)


def test_a_mat_file_of_version_7_3_says_how_to_save_it(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    path.write_bytes(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512) + b"\x89HDF\r\n\x1a\n")
    with pytest.raises(DataDamagedError, match="-v7"):
        load_recording(path)


def test_an_absent_file_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no such file or folder: check the path"):
        load_recording(tmp_path / "none")


def test_a_folder_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="give the path of a file"):
        load_recording(tmp_path)


def test_no_permission_is_a_storage_error(
    tmp_path: Path, make_acquisition: Callable[..., Acquisition], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_recording(tmp_path / "a", make_acquisition())

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    # Not by the file's mode, which does not bind the administrator.
    monkeypatch.setattr("usdk.files.os.open", refuse)
    with pytest.raises(StorageError, match="check who may read"):
        load_recording(path)


def test_what_the_table_of_contents_promises_is_there() -> None:
    assert all(hasattr(usdk.io, name) for name in usdk.io.__all__)
    assert set(usdk.io.__all__) >= {"load_recording", "save_recording", "RecordingWriter"}
