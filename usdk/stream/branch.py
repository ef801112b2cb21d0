"""Branch: a consumer with a buffer and a thread of its own, and what stands behind it."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from usdk.arguments import count
from usdk.choice import choice
from usdk.errors import ArgumentError, StateError
from usdk.stream.buffer import Buffer, Item
from usdk.stream.outlet import Outlet
from usdk.stream.statistics import BranchStatistics
from usdk.stream.timing import Stopwatch
from usdk.stream.when_full import WhenFull

__all__ = ["MAX_CAPACITY", "Branch", "Fork"]

MAX_CAPACITY = 2**16
DEFAULT_CAPACITY = 4


class Fork(ABC):
    """What items come out of, and to which consumers are added: a stream, or a branch of it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.branches: list[Branch | Outlet] = []

    def to(
        self,
        consumer: Callable[[Any], Any],
        *,
        name: str,
        capacity: int = DEFAULT_CAPACITY,
        when_full: WhenFull | str = WhenFull.DROP_OLDEST,
    ) -> Branch:
        """Add a consumer, and return the branch, to which others can be added in turn.

        Parameters
        ----------
        consumer : callable
            Called with one item after the other, in a thread of its own. What it returns goes on
            to the branches behind it: each entry of a list or tuple by itself; None is nothing.
        name : str
            Unique in the stream; statistics go by it.
        capacity : int
            Items that may wait for it.
        when_full : WhenFull or str
            What happens to one more.
        """
        if not callable(consumer):
            raise ArgumentError(f"a consumer is called with every item; {name!r} cannot be called")
        branch = Branch(consumer, self._new_buffer(name, capacity, when_full), self)
        self.branches.append(branch)
        return branch

    def outlet(
        self,
        *,
        name: str = "outlet",
        capacity: int = DEFAULT_CAPACITY,
        when_full: WhenFull | str = WhenFull.DROP_OLDEST,
    ) -> Outlet:
        """Add a place from which the caller takes items in a loop of its own.

        Parameters
        ----------
        name, capacity, when_full
            As for `to`.
        """
        outlet = Outlet(self._new_buffer(name, capacity, when_full), self.name)
        self.branches.append(outlet)
        return outlet

    def _new_buffer(self, name: str, capacity: int, when_full: WhenFull | str) -> Buffer:
        self._require_stopped()
        if not isinstance(name, str) or not name or name in self._names():
            raise ArgumentError(f"the branches of a stream need names of their own, got {name!r}")
        capacity = count(capacity, "capacity", most=MAX_CAPACITY)
        return Buffer(name, capacity, choice(WhenFull, when_full))

    def give(self, value: Any, arrived_s: float) -> None:
        """Hand an item to every branch.

        Raises
        ------
        StateError
            If a branch is full and is to stop the stream; the others have got the item.
        """
        overflow: StateError | None = None
        for branch in self.branches:
            try:
                branch.buffer.put(Item(value, arrived_s))
            except StateError as error:
                overflow = error
        if overflow is not None:
            raise overflow

    @abstractmethod
    def _require_stopped(self) -> None:
        """Raise `StateError` while the stream runs."""

    @abstractmethod
    def _names(self) -> set[str]:
        """Return the names of all branches of the stream."""


class Branch(Fork):
    """A consumer, made by `Fork.to`."""

    def __init__(self, consumer: Callable[[Any], Any], buffer: Buffer, parent: Fork) -> None:
        super().__init__(buffer.name)
        self.buffer = buffer
        self._consumer, self._parent = consumer, parent
        self._thread: threading.Thread | None = None
        self._begin_counting()

    def start(self, on_error: Callable[[str, BaseException], None]) -> None:
        """Begin to work; ``on_error`` is told what the consumer raises."""
        self.buffer.reset()
        self._begin_counting()
        self._thread = threading.Thread(
            target=self._work, args=(on_error,), name=f"usdk-stream-{self.name}", daemon=True
        )
        for branch in self.branches:
            branch.start(on_error)
        self._thread.start()

    def end_when_empty(self) -> None:
        """Take no more: the thread ends when it has worked through what waits."""
        self.buffer.close()

    def release(self) -> None:
        """Close the outlets behind this branch, so that no thread waits for their reader."""
        for branch in self.branches:
            branch.release()

    def discard(self) -> None:
        """Take no more, here and behind, and drop what waits."""
        self.buffer.close(discard=True)
        for branch in self.branches:
            branch.discard()

    def threads(self) -> list[threading.Thread]:
        """Return the threads that work, here and behind."""
        own = [] if self._thread is None or not self._thread.is_alive() else [self._thread]
        behind = (b.threads() for b in self.branches if isinstance(b, Branch))
        return own + [thread for threads in behind for thread in threads]

    def finish(self, *, discard: bool, end_s: float) -> None:
        """Let the consumer end its work, and then those behind it.

        Raises
        ------
        StateError
            If it has not ended at ``end_s`` on the monotonic clock.
        """
        self.buffer.close(discard=discard)
        if self._thread is not None:
            self._thread.join(max(0.0, end_s - time.monotonic()))
            if self._thread.is_alive():
                raise StateError(f"the consumer {self.name!r} has not come to an end: it hangs")
        for branch in self.branches:
            branch.finish(discard=discard, end_s=end_s)

    def statistics(self) -> list[BranchStatistics]:
        """Return what this branch and those behind it did."""
        n_done, n_failed = self._n_done, self._n_failed
        counts = self.buffer.counts()
        own = BranchStatistics(
            name=self.name,
            consumer_of=self._parent.name,
            n_given=counts.n_given,
            n_done=n_done,
            n_dropped=counts.n_dropped,
            n_failed=n_failed,
            n_waiting=counts.n_waiting,
            n_at_work=counts.n_taken - n_done - n_failed,
            n_most_waiting=counts.n_most_waiting,
            working=self._working.timing(),
            latency=self._latency.timing(),
        )
        return [own, *(s for branch in self.branches for s in branch.statistics())]

    def _begin_counting(self) -> None:
        self._n_done = self._n_failed = 0
        self._working, self._latency = Stopwatch(), Stopwatch()

    def _work(self, on_error: Callable[[str, BaseException], None]) -> None:
        while (item := self.buffer.get()) is not None:
            begun_s = time.monotonic()
            try:
                result = self._consumer(item.value)
            except BaseException as error:
                # SystemExit, too: a thread that ended in silence would leave others waiting.
                self._n_failed += 1
                on_error(self.name, error)
                continue
            end_s = time.monotonic()
            self._working.add(end_s - begun_s)
            self._latency.add(end_s - item.arrived_s)
            self._n_done += 1
            try:
                self._hand_on(result, item.arrived_s)
            except StateError as error:
                on_error(self.name, error)
        for branch in self.branches:
            branch.end_when_empty()

    def _hand_on(self, result: Any, arrived_s: float) -> None:
        if result is None:
            return
        for value in result if isinstance(result, list | tuple) else (result,):
            self.give(value, arrived_s)

    def _require_stopped(self) -> None:
        self._parent._require_stopped()

    def _names(self) -> set[str]:
        return self._parent._names()
