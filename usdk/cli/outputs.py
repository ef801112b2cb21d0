"""Where results go: checked before the work begins, so that a scan is not lost at its end."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from usdk.errors import MissingExtraError, StorageError
from usdk.files import require_replaceable

__all__ = ["add_overwrite_argument", "make_folder", "require_pictures", "require_writable"]


def add_overwrite_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--overwrite``."""
    parser.add_argument("--overwrite", action="store_true", help="replace files that exist")


def require_writable(path: Path, *, overwrite: bool) -> None:
    """Raise `StorageError` unless a file of this name can be made now."""
    require_replaceable(path)
    if path.exists() and not overwrite:
        raise StorageError(f"{path} exists already: choose another name, or give --overwrite")
    _try_folder(path.parent)


def require_pictures() -> None:
    """Raise `MissingExtraError` unless pictures can be written."""
    try:
        import PIL  # noqa: F401
    except ImportError as error:
        raise MissingExtraError.for_extra("view", "Saving pictures") from error


def make_folder(path: Path) -> None:
    """Make a folder that can be written, or raise `StorageError`."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"cannot make the folder {path} ({error.strerror}): choose another place"
        ) from error
    _try_folder(path)


def _try_folder(folder: Path) -> None:
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise StorageError(
            f"cannot write into {folder} ({error.strerror}): choose another folder"
        ) from error
