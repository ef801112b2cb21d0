"""What this process holds: threads and file descriptors."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

__all__ = ["n_file_descriptors", "n_threads", "settled"]

_DESCRIPTORS = Path("/proc/self/fd")
_TASKS = Path("/proc/self/task")
_SETTLING_S = 1.0
_PAUSE_S = 0.02


def n_file_descriptors() -> int | None:
    """Return how many files, sockets and the like are open; None where it cannot be told."""
    with suppress(OSError):
        # Listing opens one more.
        return len(os.listdir(_DESCRIPTORS)) - 1  # noqa: PTH208
    return None


def n_threads() -> int:
    """Return how many threads run, those of libraries too where that can be told."""
    with suppress(OSError):
        return len(os.listdir(_TASKS))  # noqa: PTH208
    return threading.active_count()


def settled(count: Callable[[], int | None], at_most: int | None) -> int | None:
    """Return a count as soon as it is no more than ``at_most``, else what it is after a while."""
    deadline_s = time.monotonic() + _SETTLING_S
    while True:
        seen = count()
        if seen is None or at_most is None or seen <= at_most or time.monotonic() > deadline_s:
            return seen
        time.sleep(_PAUSE_S)
