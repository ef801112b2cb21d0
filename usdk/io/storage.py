"""The border to the file system: what the operating system says becomes a `StorageError`."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from usdk.errors import StorageError

__all__ = ["atomic_file", "storage_errors"]

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
def atomic_file(path: Path, *, overwrite: bool) -> Iterator[BinaryIO]:
    """Open a new file that takes its name when the block ends whole, and vanishes otherwise.

    Raises
    ------
    StorageError
        If the path exists and ``overwrite`` is false, or the file cannot be written.
    """
    with storage_errors(path, "write"):
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:64]}.", dir=path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            # mkstemp makes files private; a recording is as readable as any other new file.
            mask = os.umask(0)
            os.umask(mask)
            temporary.chmod(0o666 & ~mask)
            if overwrite:
                temporary.replace(path)
            else:
                # A link refuses to replace what appeared meanwhile; a rename would not.
                os.link(temporary, path)
                temporary.unlink()
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
