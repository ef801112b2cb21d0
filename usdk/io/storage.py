"""The border to the file system: what the operating system says becomes a `StorageError`."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from usdk.errors import StorageError

__all__ = ["atomic_path", "storage_errors", "sync_folder"]

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


@contextmanager
def storage_errors(path: Path, verb: str) -> Iterator[None]:
    """Turn an OSError in the block into ``StorageError("cannot <verb> <path>: what to do")``."""
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0, error.strerror or str(error))
        raise StorageError(f"cannot {verb} {path}: {advice}") from error


@contextmanager
def atomic_path(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Give the name of a file to write, which takes the name ``path`` when the block ends whole.

    It vanishes when the block ends with an error, and ``path`` stays as it was. The block creates
    the file, and must have it on the disk (`os.fsync`) when it ends.

    Raises
    ------
    StorageError
        If the path exists and ``overwrite`` is false, or the file cannot be written.
    """
    temporary = path.with_name(f".{path.name[:64]}.{secrets.token_hex(8)}")
    with storage_errors(path, "write"):
        if not overwrite and path.exists():
            raise FileExistsError(errno.EEXIST, "exists", str(path))
        try:
            yield temporary
            if not overwrite:
                # Refuses a file that appeared meanwhile, which replacing would not.
                path.open("xb").close()
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        sync_folder(path)


def sync_folder(path: Path) -> None:
    """Have the name of a new file on the disk, not only its bytes."""
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        # Some file systems cannot synchronise folders; the file itself is safe.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise
    finally:
        os.close(handle)
