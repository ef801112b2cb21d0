"""Buffer: a bounded queue between two stages, which counts what it drops."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

from usdk.errors import StateError
from usdk.stream.when_full import WhenFull

__all__ = ["Buffer", "BufferCounts", "Item"]

_MAX_WAIT_S = threading.TIMEOUT_MAX / 2


@dataclass(frozen=True, slots=True)
class Item:
    """A value on its way, and when the data behind it arrived at the host (monotonic clock, s)."""

    value: Any
    arrived_s: float


@dataclass(frozen=True, kw_only=True)
class BufferCounts:
    """Items given, dropped, taken out, waiting, and the most that ever waited."""

    n_given: int
    n_dropped: int
    n_taken: int
    n_waiting: int
    n_most_waiting: int


class Buffer:
    """A first-in, first-out queue of at most ``capacity`` items, for any number of threads.

    Parameters
    ----------
    name : str
        Of the consumer, for messages.
    capacity : int
        Items that may wait.
    when_full : WhenFull
        What becomes of one more.
    """

    def __init__(self, name: str, capacity: int, when_full: WhenFull) -> None:
        self.name, self._capacity, self._when_full = name, capacity, when_full
        self._items: deque[Item] = deque()
        self._condition = threading.Condition()
        self.reset()

    def reset(self) -> None:
        """Begin anew, open and empty; whoever waits to take something goes on waiting."""
        with self._condition:
            self._items.clear()
            self._is_closed = False
            self._n_given = self._n_dropped = self._n_taken = self._n_most_waiting = 0

    def counts(self) -> BufferCounts:
        """Return the counts of one moment."""
        with self._condition:
            return BufferCounts(
                n_given=self._n_given,
                n_dropped=self._n_dropped,
                n_taken=self._n_taken,
                n_waiting=len(self._items),
                n_most_waiting=self._n_most_waiting,
            )

    def put(self, item: Item) -> None:
        """Add an item; what comes after `close` is counted as dropped.

        Raises
        ------
        StateError
            If the queue is full and the policy is to stop; the item is counted as dropped.
        """
        with self._condition:
            if self._when_full is WhenFull.BLOCK:
                self._condition.wait_for(
                    lambda: self._is_closed or len(self._items) < self._capacity
                )
            # Counted now, not before the wait: the counts add up at every moment.
            self._n_given += 1
            if self._is_closed:
                self._n_dropped += 1
                return
            if len(self._items) >= self._capacity:
                self._n_dropped += 1
                if self._when_full is WhenFull.STOP:
                    raise StateError(
                        f"{self.name!r} is slower than the device, and {self._capacity} items "
                        "wait already: make it faster, give it a greater capacity, or let it drop"
                    )
                self._items.popleft()
            self._items.append(item)
            self._n_most_waiting = max(self._n_most_waiting, len(self._items))
            self._condition.notify_all()

    def get(self, timeout_s: float | None = None) -> Item | None:
        """Return the oldest item; None once the queue is closed and empty, or when time runs out.

        `is_at_end` tells the two apart.
        """
        end_s = None if timeout_s is None else time.monotonic() + min(timeout_s, _MAX_WAIT_S)
        with self._condition:
            while not self._items:
                if self._is_closed:
                    return None
                remaining_s = None if end_s is None else end_s - time.monotonic()
                if remaining_s is not None and remaining_s <= 0:
                    return None
                self._condition.wait(remaining_s)
            self._n_taken += 1
            item = self._items.popleft()
            self._condition.notify_all()
            return item

    @property
    def is_at_end(self) -> bool:
        """Whether nothing will come any more."""
        with self._condition:
            return self._is_closed and not self._items

    def close(self, *, discard: bool = False) -> None:
        """Take no more; what waits is still given out unless it is to be discarded."""
        with self._condition:
            self._is_closed = True
            if discard:
                self._n_dropped += len(self._items)
                self._items.clear()
            self._condition.notify_all()
