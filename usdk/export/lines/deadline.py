"""A time limit for a whole exchange, and a limit of rate, under httpcore.

A limit for each read alone lets a receiver that sends one byte a minute hold a line for days.
"""

from __future__ import annotations

import math
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from usdk.export.lines.httpcore_extra import httpcore

__all__ = ["Deadline", "DeadlineBackend", "Pace"]

_WRITE_BYTES = 1 << 14
"""Longest write under a limit of rate: what the limit is kept by."""


class Deadline(threading.local):
    """When the exchange of this thread must have ended, by the monotonic clock."""

    at_s: float = math.inf

    def left_s(self, limit_s: float | None, timeout: type[Exception]) -> float | None:
        """Return the smaller of a limit and what is left; raise ``timeout`` if nothing is."""
        if self.at_s == math.inf:
            return limit_s
        left_s = self.at_s - time.monotonic()
        if left_s <= 0:
            raise timeout("the time for the whole exchange is over")
        return left_s if limit_s is None else min(limit_s, left_s)


class Pace:
    """A limit of rate that threads share, without bursts longer than a write.

    Parameters
    ----------
    rate_bit_s : float or None
        None: no limit.
    """

    def __init__(
        self,
        rate_bit_s: float | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.rate_bit_s = rate_bit_s
        self._clock = clock
        self._sleep = sleep
        self._next_s = 0.0
        self._lock = threading.Lock()

    def wait(self, n_bytes: int) -> None:
        """Return when ``n_bytes`` more may be sent."""
        if self.rate_bit_s is None:
            return
        with self._lock:
            now_s = self._clock()
            start_s = max(self._next_s, now_s)
            self._next_s = start_s + n_bytes * 8 / self.rate_bit_s
        if start_s > now_s:
            self._sleep(start_s - now_s)


class DeadlineBackend(httpcore.SyncBackend):
    """httpcore's sockets, each read and write within the deadline of its thread."""

    def __init__(self, deadline: Deadline, pace: Pace) -> None:
        self._deadline = deadline
        self._pace = pace

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect within what is left."""
        left_s = self._deadline.left_s(timeout, httpcore.ConnectTimeout)
        stream = super().connect_tcp(host, port, left_s, local_address, socket_options)
        return _Stream(stream, self._deadline, self._pace)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline, pace: Pace) -> None:
        self._inner = inner
        self._deadline = deadline
        self._pace = pace

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.left_s(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        step = len(buffer) if self._pace.rate_bit_s is None else _WRITE_BYTES
        for start in range(0, len(buffer), step or 1):
            piece = buffer[start : start + step]
            self._pace.wait(len(piece))
            self._inner.write(piece, self._deadline.left_s(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left_s = self._deadline.left_s(timeout, httpcore.ConnectTimeout)
        inner = self._inner.start_tls(ssl_context, server_hostname, left_s)
        return _Stream(inner, self._deadline, self._pace)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
