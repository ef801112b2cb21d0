from __future__ import annotations

import errno
from pathlib import Path

import pytest

from usdk.errors import StorageError
from usdk.io.storage import atomic_path, storage_errors


def test_an_error_of_the_system_says_what_to_do() -> None:
    with (
        pytest.raises(StorageError, match="cannot write /a/b: the disk is full") as caught,
        storage_errors(Path("/a/b"), "write"),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert isinstance(caught.value.__cause__, OSError)


def test_an_unknown_error_of_the_system_keeps_its_words() -> None:
    with (
        pytest.raises(StorageError, match="Connection reset by peer"),
        storage_errors(Path("/a"), "read"),
    ):
        raise OSError(errno.ECONNRESET, "Connection reset by peer")


def test_a_storage_error_is_told_once() -> None:
    with (
        pytest.raises(StorageError, match=r"^inner$"),
        storage_errors(Path("/a"), "read"),
    ):
        raise StorageError("inner")


def test_a_file_appears_only_when_whole(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with atomic_path(path, overwrite=False) as temporary:
        temporary.write_bytes(b"whole")
        assert not path.exists()
        assert temporary.parent == path.parent, "a rename across file systems is not atomic"
    assert path.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a"

    def write() -> None:
        with atomic_path(path, overwrite=False) as temporary:
            temporary.write_bytes(b"ours")
            path.write_bytes(b"theirs")

    with pytest.raises(StorageError, match="exists already"):
        write()
    assert path.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_in_the_block_leaves_nothing(tmp_path: Path) -> None:
    def write() -> None:
        with atomic_path(tmp_path / "a", overwrite=True) as temporary:
            temporary.write_bytes(b"half")
            raise KeyError("the caller's own")

    with pytest.raises(KeyError):
        write()
    assert list(tmp_path.iterdir()) == []
