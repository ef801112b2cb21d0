"""FolderArchive: objects as files in a folder, by their SOP Instance UID."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from usdk.export.lines.data_set import chunks_of, data_set_bytes, same_data_set
from usdk.export.receiver.admission import DUPLICATE, Admission, is_uid
from usdk.files import atomic_file, storage_errors

__all__ = ["Archive", "FolderArchive", "Stored"]

Stored = tuple[int, Callable[[], BinaryIO]]
"""Length of a stored file, bytes, and what opens it."""


class Archive(Protocol):
    """Where admitted objects go."""

    def keep(self, path: Path, admission: Admission) -> int | None:
        """Store a file for good; return None, or the status code of a failure."""
        ...

    def find(self, study: str, series: str, instance: str) -> AbstractContextManager[Stored | None]:
        """Give a stored file, or None if there is none of these UIDs."""
        ...


class FolderArchive:
    """Files ``<SOP Instance UID>.dcm`` below one folder for each study and series.

    An object that is there already is accepted again if its data set is the same, and refused as
    a duplicate if it is not: nothing that was confirmed is ever replaced.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder)
        self._lock = threading.Lock()

    def keep(self, path: Path, admission: Admission) -> int | None:
        """Store a file; see `Archive.keep`."""
        target = self._path(
            admission.study_instance_uid,
            admission.series_instance_uid,
            admission.sop_instance_uid,
        )
        with self._lock, storage_errors("store an object"):
            if target.exists():
                return None if _same(path, target) else DUPLICATE
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with atomic_file(target, name="an object") as (file, _), path.open("rb") as received:
                shutil.copyfileobj(received, file)
        return None

    @contextmanager
    def find(self, study: str, series: str, instance: str) -> Iterator[Stored | None]:
        """Give a stored file; see `Archive.find`."""
        if not all(map(is_uid, (study, series, instance))):
            yield None
            return
        path = self._path(study, series, instance)
        if not path.is_file():
            yield None
            return
        yield path.stat().st_size, lambda: path.open("rb")

    def _path(self, study: str, series: str, instance: str) -> Path:
        return self._folder / study / series / f"{instance}.dcm"


def _same(one: Path, other: Path) -> bool:
    with one.open("rb") as a, other.open("rb") as b:
        return same_data_set(data_set_bytes(chunks_of(a)), data_set_bytes(chunks_of(b)))
