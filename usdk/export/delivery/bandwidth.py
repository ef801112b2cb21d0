"""Bandwidth: a bucket of tokens that fills at a rate; each byte that leaves takes one."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable
from typing import BinaryIO

from usdk.errors import ArgumentError, UsdkError

__all__ = ["PIECE_BYTES", "MeteredReader", "TokenBucket"]

PIECE_BYTES = 1 << 15
"""Bytes that are taken at once, so that a limit is smooth."""

BURST_S = 0.25
"""How much of a second's rate may leave at once after a pause."""


class TokenBucket:
    """Bytes that may leave, refilled at ``rate_bytes_per_s``; shared by threads.

    ``take`` sleeps outside its lock and pays in advance, so that no thread starves: each waits for
    what it took and for what others took before it.
    """

    def __init__(
        self,
        rate_bytes_per_s: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        if not rate_bytes_per_s > 0:
            raise ArgumentError("the bandwidth limit must be positive, bytes per second")
        self._rate = rate_bytes_per_s
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._burst = max(rate_bytes_per_s * BURST_S, 1.0)
        self._tokens = self._burst
        self._filled_s = clock()

    def take(self, n_bytes: int) -> None:
        """Return when ``n_bytes`` may leave."""
        with self._lock:
            now_s = self._clock()
            gained = max(now_s - self._filled_s, 0.0) * self._rate
            self._tokens = min(self._tokens + gained, self._burst) - n_bytes
            self._filled_s = now_s
            wait_s = -self._tokens / self._rate
        if wait_s > 0:
            self._sleep(wait_s)


class MeteredReader(io.RawIOBase):
    """A file whose reading is counted and, with a bucket, slowed; errors of its own are told.

    A line turns whatever stops it into its own error. What the file itself raised is given to
    ``on_error`` first, so that a damaged object is not taken for a line that broke.
    """

    def __init__(
        self,
        file: BinaryIO,
        *,
        bucket: TokenBucket | None,
        on_bytes: Callable[[int], None],
        on_error: Callable[[UsdkError], None],
    ) -> None:
        super().__init__()
        self._file = file
        self._bucket = bucket
        self._on_bytes = on_bytes
        self._on_error = on_error

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._file.tell()

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a position."""
        return self._file.seek(offset, whence)

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read at most `PIECE_BYTES` where there is a limit, as many as fit elsewhere."""
        wanted = len(buffer) if self._bucket is None else min(len(buffer), PIECE_BYTES)
        try:
            data = self._file.read(wanted)
        except UsdkError as error:
            self._on_error(error)
            raise
        if self._bucket is not None and data:
            self._bucket.take(len(data))
        buffer[: len(data)] = data
        self._on_bytes(len(data))
        return len(data)

    def close(self) -> None:
        """Close the file below."""
        if not self.closed:
            self._file.close()
        super().close()
