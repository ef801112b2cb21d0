"""Outlet: where the caller's own loop takes what a stream made."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from usdk.errors import DeviceTimeoutError, EndOfRecordingError
from usdk.stream.buffer import Buffer
from usdk.stream.statistics import BranchStatistics
from usdk.stream.timing import Stopwatch, wait_s

__all__ = ["Outlet"]


class Outlet:
    """Items for a loop: ``for frame in outlet``; made by `usdk.stream.Fork.outlet`."""

    def __init__(self, buffer: Buffer, parent: str) -> None:
        self.buffer, self._parent = buffer, parent
        self.name = buffer.name
        self._latency = Stopwatch()

    def get(self, timeout_s: float | None = None) -> Any:
        """Return the next item.

        Parameters
        ----------
        timeout_s : float, optional
            How long to wait for it, s; when absent until the stream ends, and before it was started
            until it is.

        Raises
        ------
        ArgumentError
            If the time is none.
        EndOfRecordingError
            If the stream has come to an end and everything was taken.
        DeviceTimeoutError
            If nothing came in time.
        """
        item = self.buffer.get(None if timeout_s is None else wait_s(timeout_s))
        if item is None:
            if self.buffer.is_at_end:
                raise EndOfRecordingError(f"{self.name!r} has no more items: the stream has ended")
            raise DeviceTimeoutError(f"{self.name!r} brought nothing within {timeout_s} s")
        self._latency.add(time.monotonic() - item.arrived_s)
        return item.value

    def __iter__(self) -> Iterator[Any]:
        """Yield items until the stream ends."""
        while True:
            try:
                yield self.get()
            except EndOfRecordingError:
                return

    def start(self, on_error: Callable[[str, BaseException], None]) -> None:
        """Begin anew."""
        self.buffer.reset()
        self._latency = Stopwatch()

    def end_when_empty(self) -> None:
        """Take no more; what waits can still be taken."""
        self.buffer.close()

    def release(self) -> None:
        """Take no more: whoever waits to put something in goes on."""
        self.buffer.close()

    def discard(self) -> None:
        """Take no more; the reader may still want what waits."""
        self.buffer.close()

    def finish(self, *, discard: bool, end_s: float) -> None:
        """Take no more; what waits can still be taken."""
        self.buffer.close()

    def statistics(self) -> list[BranchStatistics]:
        """Return what became of the items; taken ones count as done."""
        counts = self.buffer.counts()
        return [
            BranchStatistics(
                name=self.name,
                consumer_of=self._parent,
                n_given=counts.n_given,
                n_done=counts.n_taken,
                n_dropped=counts.n_dropped,
                n_waiting=counts.n_waiting,
                n_most_waiting=counts.n_most_waiting,
                latency=self._latency.timing(),
            )
        ]
