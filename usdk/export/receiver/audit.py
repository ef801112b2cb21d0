"""Audit log of a receiver: one JSON object a line, without patients."""

from __future__ import annotations

import json
import os
import threading
from datetime import UTC, datetime
from pathlib import Path

from usdk.files import storage_errors

__all__ = ["AuditLog"]


class AuditLog:
    """Appends events to a file, or keeps the last ones in memory when it has none.

    Parameters
    ----------
    path : path-like, optional
        A file that is made where it is missing, readable by its owner alone.
    """

    MAX_IN_MEMORY = 10_000

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self._path = None if path is None else Path(path)
        self._lock = threading.Lock()
        self.events: list[dict[str, str]] = []

    def write(self, event: str, **details: str) -> None:
        """Record an event with details that name units, objects and reasons, never a patient."""
        entry = {"time": datetime.now(UTC).isoformat(), "event": event} | details
        with self._lock:
            if self._path is None:
                self.events = [*self.events[1 - self.MAX_IN_MEMORY :], entry]
                return
            # ASCII, so that no control character of a stranger reaches a terminal.
            line = json.dumps(entry, ensure_ascii=True) + "\n"
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            with (
                storage_errors("write the audit log"),
                os.fdopen(os.open(self._path, flags, 0o600), "ab") as file,
            ):
                file.write(line.encode())
                file.flush()
                os.fsync(file.fileno())
