from __future__ import annotations

import errno
import os
import stat

import pytest

from usdk.errors import NotTrustedError, StorageError
from usdk.files import atomic_file, make_durable_folder, open_regular, storage_errors


def test_an_error_of_the_system_says_what_to_do():
    with (
        pytest.raises(StorageError, match="cannot write /a/b: the disk is full") as caught,
        storage_errors("write /a/b"),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert isinstance(caught.value.__cause__, OSError)


def test_an_unknown_error_of_the_system_keeps_its_words():
    with pytest.raises(StorageError, match="Connection reset by peer"), storage_errors("read it"):
        raise OSError(errno.ECONNRESET, "Connection reset by peer")


def test_a_storage_error_is_told_once():
    with pytest.raises(StorageError, match=r"^inner$"), storage_errors("read it"):
        raise StorageError("inner")


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
    with pytest.raises(StorageError, match="cannot write the file: the disk is full"):
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


def test_a_file_that_is_there_or_appears_meanwhile_is_kept(tmp_path):
    path = tmp_path / "out"

    def write():
        with atomic_file(path, overwrite=False) as (file, _):
            file.write(b"ours")
            path.write_bytes(b"theirs")

    for _ in range(2):
        with pytest.raises(StorageError, match="exists already"):
            write()
        assert path.read_bytes() == b"theirs"
        assert list(tmp_path.iterdir()) == [path]


def test_a_symbolic_link_stays_one(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "out")
    with atomic_file(tmp_path / "link") as (file, _):
        file.write(b"content")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "out").read_bytes() == b"content"


def test_only_a_regular_file_is_opened_and_nothing_waits_for_a_writer(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, tmp_path / "absent", "a\0b"):
        with pytest.raises(StorageError, match="it"):
            open_regular(path, "it")


def test_the_system_s_reason_is_found_below_a_library_s_and_its_words_are_not_repeated():
    wrapped = OSError("with tag PatientName: DOE^JANE")
    wrapped.__cause__ = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(StorageError) as caught, storage_errors("write the file"):
        raise wrapped
    assert "disk is full" in str(caught.value)
    assert "DOE" not in str(caught.value)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_a_pipe_or_a_folder_is_not_replaced(tmp_path, make):
    target = tmp_path / "target"
    make(target)
    mode = target.stat().st_mode
    with pytest.raises(StorageError, match="give the name of a file"), atomic_file(target):
        raise AssertionError
    assert target.stat().st_mode == mode
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_a_durable_folder_is_made_with_what_is_missing_above_for_its_owner_alone(
    tmp_path,
):
    make_durable_folder(tmp_path / "a" / "b")
    make_durable_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "a" / "b").is_dir()
