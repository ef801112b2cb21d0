"""Delivery: the threads that carry an outbox's objects to the receiver."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from usdk.errors import ArgumentError, StateError, UsdkError
from usdk.export.delivery.courier import Courier
from usdk.export.delivery.news import DeliveryMetrics, News, NewsKind
from usdk.export.lines.line import Line
from usdk.export.outbox.outbox import Outbox
from usdk.export.outbox.states import State

__all__ = ["N_CONFIRMERS", "N_SENDERS", "Delivery"]

N_SENDERS = 8
"""Requests in flight: while one waits for its answer over a long line, others fill it."""

N_CONFIRMERS = 16
"""Objects that are asked for at once: each waits for the line's way there and back, and for TCP to
gather speed, so that fewer read back more slowly than `N_SENDERS` send."""

POLL_S = 0.5
"""How long an object that another process queued may lie before it is seen, s."""

TEND_EVERY_S = 1.0

_UNDELIVERED = (State.QUEUED, State.SENDING, State.ACCEPTED)


class Delivery:
    """Delivers an outbox over lines until stopped; a context manager.

    ::

        with Delivery(outbox, [fibre, mobile]) as delivery:
            outbox.add("out.dcm")
            delivery.wait(timeout_s=60)

    The threads are owned: those of `N_SENDERS`, of `N_CONFIRMERS`, one for each line that checks
    it, and one that tends the rest. The outbox and the lines stay their maker's to close.

    Parameters
    ----------
    outbox : Outbox
        What is delivered.
    lines : sequence of Line
        In order of preference: the first that works is used.
    bandwidth_bytes_per_s : float, optional
        Limit of what is sent.
    n_senders, n_confirmers : int
        Requests and questions in flight.
    tell : callable, optional
        Given `News`, from any of the threads.
    """

    def __init__(
        self,
        outbox: Outbox,
        lines: Sequence[Line],
        *,
        bandwidth_bytes_per_s: float | None = None,
        n_senders: int = N_SENDERS,
        n_confirmers: int = N_CONFIRMERS,
        tell: Callable[[News], None] | None = None,
    ) -> None:
        if n_senders < 1 or n_confirmers < 1:
            raise ArgumentError("n_senders and n_confirmers must be at least 1")
        self._outbox = outbox
        self._stopping = threading.Event()
        self._wakes = threading.Condition()
        self._n_wakes = 0
        self._listener = tell
        self._courier = Courier(
            outbox,
            lines,
            bandwidth_bytes_per_s=bandwidth_bytes_per_s,
            tell=self._heard,
            sleep=self._stopping.wait,
        )
        works = [(f"send {n}", self._courier.send_some) for n in range(n_senders)]
        works += [(f"confirm {n}", self._courier.confirm_some) for n in range(n_confirmers)]
        self._threads = [
            threading.Thread(target=self._work, args=(work,), name=f"usdk {name}", daemon=True)
            for name, work in works
        ]
        self._threads += [
            threading.Thread(
                target=self._check, args=(index,), name=f"usdk check {line.name}", daemon=True
            )
            for index, line in enumerate(lines)
        ]
        self._threads.append(threading.Thread(target=self._tend, name="usdk tend", daemon=True))

    def start(self) -> None:
        """Begin; `StateError` the second time."""
        if self._stopping.is_set() or self._threads[0].ident is not None:
            raise StateError("a delivery is started once: make a new Delivery")
        for thread in self._threads:
            thread.start()

    def stop(self, timeout_s: float | None = None) -> bool:
        """End after the requests in flight; may be called twice.

        Returns
        -------
        bool
            Whether every thread has ended; False if a line held one for ``timeout_s``.
        """
        self._stopping.set()
        self.wake()
        end_s = None if timeout_s is None else time.monotonic() + timeout_s
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(None if end_s is None else max(end_s - time.monotonic(), 0.0))
        with suppress(UsdkError):
            self._outbox.set_line_in_use("")
        return not any(thread.is_alive() for thread in self._threads)

    def wake(self) -> None:
        """Have a look at the outbox now; for whoever queued something in this process."""
        with self._wakes:
            self._n_wakes += 1
            self._wakes.notify_all()

    def wait(self, timeout_s: float) -> bool:
        """Wait until nothing is left to deliver; returns whether that came.

        Objects that are held are not waited for: they need a person.
        """
        end_s = time.monotonic() + timeout_s
        self.wake()
        while not self._stopping.is_set():
            counts = self._outbox.counts()
            if not any(counts[state].n_objects for state in _UNDELIVERED):
                return True
            left_s = end_s - time.monotonic()
            if left_s <= 0:
                return False
            with self._wakes:
                self._wakes.wait(min(left_s, POLL_S))
        return False

    def metrics(self) -> DeliveryMetrics:
        """Return the figures of this moment."""
        return self._courier.metrics()

    def _work(self, work: Callable[[], int]) -> None:
        while not self._stopping.is_set():
            n_wakes = self._n_wakes
            if not self._guarded(work):
                self._pause(n_wakes)

    def _check(self, index: int) -> None:
        switchboard = self._courier.switchboard
        while not self._stopping.is_set():
            wait_s = switchboard.check_in_s(index)
            if wait_s > 0:
                self._stopping.wait(min(wait_s, POLL_S))
                continue
            self._guarded(lambda: switchboard.check(index))

    def _tend(self) -> None:
        while not self._stopping.wait(TEND_EVERY_S):
            self._guarded(self._courier.tend)

    def _guarded(self, work: Callable[[], int | None]) -> int | None:
        """Do one piece of work; a disk that fails is an alarm and no end of the thread."""
        try:
            done = work()
        except UsdkError as error:
            self._courier.alarms.raise_("outbox", f"the outbox fails: {error}")
            self._stopping.wait(1.0)
            return None
        if done:
            self._courier.alarms.clear("outbox")
        return done

    def _pause(self, n_wakes: int) -> None:
        """Wait until something is due, unless there was a wake since ``n_wakes`` was read."""
        due_s = self._guarded_due()
        with self._wakes:
            if not self._stopping.is_set() and self._n_wakes == n_wakes:
                self._wakes.wait(min(POLL_S, max(due_s, 0.01)))

    def _guarded_due(self) -> float:
        if self._courier.switchboard.in_use() is None:
            return POLL_S
        try:
            due_s = self._outbox.next_due_s()
        except UsdkError:
            return POLL_S
        # Something that is due and was not taken is another thread's, which is at it.
        return due_s or POLL_S

    def _heard(self, news: News) -> None:
        if news.kind in _WAKING:
            self.wake()
        if self._listener is not None:
            self._listener(news)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


_WAKING = (NewsKind.ACCEPTED, NewsKind.CONFIRMED, NewsKind.SWITCHED, NewsKind.WAITS)
