"""Rate: bytes over the last seconds."""

from __future__ import annotations

import threading
from collections import deque

__all__ = ["RateMeter"]

WINDOW_S = 10.0
_SLOT_S = 0.5


class RateMeter:
    """Counts bytes in slots of half a second; shared by threads. Memory does not grow."""

    def __init__(self, started_s: float) -> None:
        self._lock = threading.Lock()
        self._slots: deque[tuple[float, int]] = deque()
        self._started_s = started_s
        self.n_bytes = 0

    def add(self, n_bytes: int, now_s: float) -> None:
        """Count bytes."""
        with self._lock:
            self.n_bytes += n_bytes
            if self._slots and now_s - self._slots[-1][0] < _SLOT_S:
                start_s, n = self._slots[-1]
                self._slots[-1] = (start_s, n + n_bytes)
            else:
                self._slots.append((now_s, n_bytes))
            self._forget(now_s)

    def bytes_per_s(self, now_s: float) -> float:
        """Return the mean over the last `WINDOW_S`, or since the start if that is shorter."""
        with self._lock:
            self._forget(now_s)
            total = sum(n for _, n in self._slots)
        return total / min(max(now_s - self._started_s, _SLOT_S), WINDOW_S)

    def _forget(self, now_s: float) -> None:
        while self._slots and self._slots[0][0] < now_s - WINDOW_S:
            self._slots.popleft()
