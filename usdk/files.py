"""The border to the file system: files appear whole or not at all; errors say what to do."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from usdk.errors import ArgumentError, StorageError, UsdkError

__all__ = [
    "atomic_file",
    "make_durable_folder",
    "open_regular",
    "require_replaceable",
    "storage_advice",
    "storage_errors",
    "sync_folder",
]

_ADVICE = {
    errno.ENOENT: "there is no such file or folder: check the path",
    errno.EACCES: "permission denied: check who may read and write there",
    errno.EPERM: "permission denied: check who may read and write there",
    errno.EISDIR: "that is a folder: give the path of a file",
    errno.ENOTDIR: "a part of the path is not a folder: check the path",
    errno.ENOSPC: "the disk is full: free space or choose another disk",
    errno.EDQUOT: "the quota is used up: free space or choose another disk",
    errno.EFBIG: "the file would be larger than the file system allows: choose another disk",
    errno.EROFS: "the file system is read-only: choose another disk",
    errno.EEXIST: "it exists already: choose another name, or pass overwrite=True",
    errno.EMFILE: "too many files are open: close some and try again",
    errno.EIO: "the disk reports a failure: copy what can still be read and replace it",
}
_UNKNOWN = "the system refused, and did not say why: try another folder"
# What file systems answer that cannot synchronise folders, or whose folders cannot be opened.
_NO_FOLDER_SYNC = (errno.EACCES, errno.EBADF, errno.EINVAL, errno.ENOTSUP)


def storage_advice(error: OSError) -> str:
    """Return what the operating system said, and what to do next.

    A library may raise its own OSError over the system's; its text, which may quote what was to
    be written, is left out.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno:
            return _ADVICE.get(cause.errno, cause.strerror or _UNKNOWN)
        cause = cause.__cause__ or cause.__context__
    return _UNKNOWN


@contextmanager
def storage_errors(task: str) -> Iterator[None]:
    """Turn an OSError in the block into ``StorageError("cannot <task>: <what to do>")``."""
    try:
        yield
    except UsdkError:
        raise
    except OSError as error:
        raise StorageError(f"cannot {task}: {storage_advice(error)}") from error


@contextmanager
def atomic_file(
    path: str | os.PathLike[str], *, overwrite: bool = True, name: str = "the file"
) -> Iterator[tuple[BinaryIO, Path]]:
    """Open a new file beside ``path`` that takes its place when the block ends without error.

    After an error nothing is left of it, and ``path`` is as it was. A symbolic link is followed,
    so that what it points to is replaced, and an existing file's permissions are kept. ``name``
    stands in messages: the path of an examination's file may tell whose it is.

    Yields
    ------
    file, temporary_path
        The file open for writing, and where it is until the block ends.

    Raises
    ------
    StorageError
        The path exists and ``overwrite`` is false or it is no regular file, the disk is full, or
        the folder is missing or not writable.
    ArgumentError
        ``path`` is no path.
    """
    target = Path(os.path.realpath(_path_text(path, name)))
    temporary = target.with_name(f".{secrets.token_hex(8)}.part")
    with storage_errors(f"write {name}"):
        if not overwrite and target.exists():
            raise FileExistsError(errno.EEXIST, "exists")
        require_replaceable(target)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, 0o666)
        try:
            with os.fdopen(descriptor, "wb") as file:
                with suppress(FileNotFoundError):
                    os.fchmod(descriptor, target.stat().st_mode & 0o7777)
                yield file, temporary
                file.flush()
                os.fsync(descriptor)
            if not overwrite:
                # Refuses a file that appeared meanwhile, which replacing would not.
                target.open("xb").close()
            temporary.replace(target)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        sync_folder(target.parent)


def _path_text(path: str | os.PathLike[str], name: str) -> str:
    try:
        text = os.fsdecode(path)
    except TypeError:
        raise ArgumentError(
            f"{name} must be given by its path, got {type(path).__name__}"
        ) from None
    if "\0" in text:
        raise StorageError(f"cannot use {name}: its path holds a null character: check the path")
    return text


def require_replaceable(path: Path) -> None:
    """Raise `StorageError` if the path is a folder, a device or a pipe: no file replaces these."""
    if path.is_dir():
        raise StorageError(f"{path.name} is a folder: give the name of a file in it")
    if path.exists() and not path.is_file():
        raise StorageError(
            f"{path.name} is a device or a pipe, not a file: give the name of a file"
        )


def sync_folder(folder: Path) -> None:
    """Have the names of new files on the disk, not only their bytes."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise


def make_durable_folder(folder: Path) -> None:
    """Make a folder and what is missing above it, for its owner alone, names on the disk too.

    A folder that is there already is left as it is; its own name is synchronised all the same, as
    whoever made it may have lost power before that.
    """
    if not folder.is_dir():
        if folder.parent != folder:
            make_durable_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
    with suppress(PermissionError):
        sync_folder(folder.parent)


def open_regular(path: str | os.PathLike[str], name: str) -> int:
    """Open a regular file for reading and return its descriptor; ``name`` stands in messages.

    Raises
    ------
    StorageError
        The file is missing, cannot be read, or is not a regular file.
    ArgumentError
        ``path`` is no path.
    """
    text = _path_text(path, name)
    with storage_errors(f"read {name}"):
        # Without O_NONBLOCK the open of a named pipe would wait for a writer.
        descriptor = os.open(text, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            os.close(descriptor)
            if stat.S_ISDIR(mode):
                raise IsADirectoryError(errno.EISDIR, "a folder")
            raise StorageError(f"{name} is not a regular file: name the file itself")
    return descriptor
