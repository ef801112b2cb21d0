from __future__ import annotations

import os
import stat

import pytest

from usdk.errors import NotTrustedError, StorageError
from usdk.trust.atomic_file import atomic_file


def test_the_file_appears_when_the_block_ends(tmp_path):
    target = tmp_path / "out"
    with atomic_file(target) as (file, temporary):
        file.write(b"content")
        assert not target.exists()
        assert temporary.parent == tmp_path
    assert target.read_bytes() == b"content"
    assert os.listdir(tmp_path) == ["out"]  # noqa: PTH208


def write_and_raise(target, error):
    with atomic_file(target) as (file, _):
        file.write(b"new")
        raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, NotTrustedError])
def test_an_error_leaves_the_old_file_and_passes_through(tmp_path, error):
    target = tmp_path / "out"
    target.write_bytes(b"old")
    with pytest.raises(error):
        write_and_raise(target, error("stop"))
    assert target.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_full_disk_is_a_storage_error(tmp_path):
    with pytest.raises(StorageError, match="No space left"):
        write_and_raise(tmp_path / "out", OSError(28, "No space left on device"))
    assert list(tmp_path.iterdir()) == []


def test_a_new_file_obeys_the_umask_and_an_old_one_keeps_its_mode(tmp_path):
    old = os.umask(0o027)
    try:
        with atomic_file(tmp_path / "new") as (file, _):
            file.write(b"x")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640
    (tmp_path / "new").chmod(0o604)
    with atomic_file(tmp_path / "new") as (file, _):
        file.write(b"y")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o604
