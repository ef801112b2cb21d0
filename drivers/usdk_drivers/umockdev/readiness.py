"""Readiness: whether `poll` finds a mocked device node ready."""

from __future__ import annotations

import fcntl
import os
import threading
from contextlib import suppress
from pathlib import Path

__all__ = ["Readiness"]

_SMALLEST_PIPE_BYTES = 4096


class Readiness:
    """A named pipe in the place of a device node.

    The kernel says that a transfer has ended by making the node writable. A plain file always is,
    and libusb would ask without a pause; a pipe of one page is writable when it is empty. It
    cannot be mapped into memory either, as a plain file can, so that nobody takes it for memory
    of the device.

    Parameters
    ----------
    path : Path
        Where the node is; what is there is replaced.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.unlink(missing_ok=True)
        os.mkfifo(path)
        self._pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, _SMALLEST_PIPE_BYTES)
        self._lock = threading.Lock()
        self._is_ready = True
        self.set(False)

    def set(self, is_ready: bool) -> None:
        """Make the node ready, or not."""
        with self._lock:
            if self._pipe < 0 or is_ready == self._is_ready:
                return
            self._is_ready = is_ready
            with suppress(BlockingIOError):
                if is_ready:
                    os.read(self._pipe, _SMALLEST_PIPE_BYTES)
                else:
                    os.write(self._pipe, b"\0")

    def close(self) -> None:
        """Remove the node; for those who have it open it is ready for ever."""
        self.set(True)
        with self._lock:
            if self._pipe >= 0:
                self._path.unlink(missing_ok=True)
                os.close(self._pipe)
                self._pipe = -1
