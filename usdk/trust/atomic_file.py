"""A file that appears whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from usdk.errors import StorageError, UsdkError

__all__ = ["atomic_file"]


@contextmanager
def atomic_file(
    path: str | os.PathLike[str], *, mode: int = 0o666
) -> Iterator[tuple[BinaryIO, Path]]:
    """Open a new file beside ``path`` that takes its place when the block ends without error.

    A symbolic link is followed, so that what it points to is replaced. An existing file's
    permissions are kept; a new one gets ``mode`` less the umask.

    Yields
    ------
    file, temporary_path
        The file open for writing, and where it is until the block ends.

    Raises
    ------
    StorageError
        The disk is full, or the folder missing or not writable.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            with os.fdopen(descriptor, "wb") as file:
                with suppress(FileNotFoundError):
                    os.fchmod(file.fileno(), target.stat().st_mode & 0o7777)
                yield file, temporary
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(target.parent)
    except UsdkError:
        raise
    except OSError as error:
        raise StorageError(f"cannot write the file: {error.strerror}") from error


def _sync_folder(folder: Path) -> None:
    # A network file system may refuse; the file itself is complete by then.
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
