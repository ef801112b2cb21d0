"""Stream: the live loop, from a front-end through any number of consumers."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from usdk.acquisition import Acquisition
from usdk.arguments import count, number, positive
from usdk.errors import ArgumentError, DeviceTimeoutError, StateError
from usdk.front_end import DEFAULT_TIMEOUT_S, FrontEnd, ReceiveRequest
from usdk.stream.branch import Branch, Fork
from usdk.stream.source import Source
from usdk.stream.statistics import StreamState, StreamStatistics
from usdk.stream.timing import wait_s
from usdk.transmit import TransmitSequence

__all__ = ["STOP_TIMEOUT_S", "Stream"]

STOP_TIMEOUT_S = 10.0
"""How long consumers may take to end their work; while waiting, how long none may get on."""

_POLL_S = 0.05

_MAX_FRAMES = 2**62
_log = logging.getLogger(__name__)


class Stream(Fork):
    """Acquisition, processing, and whatever takes the results, each in a thread of its own.

    ::

        stream = usdk.Stream("usb:", sequence=usdk.plane_waves((-10, 0, 10)), depth_m=0.04)
        frames = stream.to(usdk.Planned(usdk.BMode), name="b-mode", capacity=2)
        stream.to(writer.write, name="record", capacity=64, when_full="stop")
        with stream:
            for frame in frames.outlet(): ...

    Every consumer has a buffer of bounded length, and what happens when it is full is stated.
    Every frame is counted: those that the device sent are received, lost or damaged, and those
    that a branch was given are done, dropped, failed or waiting; see `statistics`.

    Parameters
    ----------
    front_end : FrontEnd or str
        An open front-end, which stays the caller's; or an address. A device opened by its address
        may go away and come back: the stream waits, opens it again and goes on.
    sequence, receive, depth_m
        As for `FrontEnd.configure`; when all are absent an open front-end that is configured keeps
        its configuration.
    n_frames : int, optional
        How many frames to read; without end when absent.
    timeout_s : float
        How long a running device may bring no frame, s.
    return_timeout_s : float
        How long to wait for a device that went away, s.
    on_state : callable, optional
        Called with each new `StreamState`, in the thread that changes it.
    """

    def __init__(
        self,
        front_end: FrontEnd | str,
        *,
        sequence: TransmitSequence | None = None,
        receive: ReceiveRequest | None = None,
        depth_m: float | None = None,
        n_frames: int | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        return_timeout_s: float = math.inf,
        on_state: Callable[[StreamState], None] | None = None,
    ) -> None:
        super().__init__("")
        if not isinstance(front_end, FrontEnd | str):
            raise ArgumentError("give an open front-end or its address, such as 'usb:'")
        if on_state is not None and not callable(on_state):
            raise ArgumentError("on_state is called with every new state: give a function")
        if not number(return_timeout_s, "return_timeout_s") >= 0:
            raise ArgumentError("return_timeout_s must not be negative")
        self._n_frames = None if n_frames is None else count(n_frames, "n_frames", most=_MAX_FRAMES)

        def configure(device: FrontEnd) -> None:
            is_set = sequence is None and receive is None and depth_m is None
            if isinstance(front_end, str) or not is_set:
                device.configure(sequence, receive, depth_m=depth_m)

        self._source = Source(
            front_end,
            configure,
            timeout_s=positive(timeout_s, "timeout_s"),
            return_timeout_s=return_timeout_s,
        )
        self._on_state = on_state
        self._state = StreamState.STOPPED
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self._lock = threading.Lock()
        # Held while threads are begun and joined; a listener of states may stop the stream in it.
        self._control = threading.RLock()
        self._has_ended = threading.Event()

    @property
    def state(self) -> StreamState:
        """Where the stream stands."""
        return self._state

    @property
    def front_end(self) -> FrontEnd | None:
        """The open front-end; None while there is none."""
        return self._source.front_end

    def start(self) -> None:
        """Open the device and begin; counts begin at 0.

        Raises
        ------
        StateError
            If it runs already.
        UsdkError
            What opening and configuring the front-end raises.
        """
        self._require_joined()
        with self._control:
            self._require_joined()
            self._source.open()
            self._error = None
            self._has_ended.clear()
            self._set_state(StreamState.RUNNING)
            for branch in self.branches:
                branch.start(self._fail)
            self._thread = threading.Thread(
                target=self._run, name="usdk-stream-source", daemon=True
            )
            self._thread.start()

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait until the device has brought all and consumers have worked through it.

        An outlet that blocks when it is full needs a reader in another thread.

        Parameters
        ----------
        timeout_s : float, optional
            How long, s; without end when absent.

        Raises
        ------
        ArgumentError
            If the time is none.
        DeviceTimeoutError
            If it goes on for longer than ``timeout_s``.
        StateError
            If the stream was never started, a consumer calls this, or no consumer gets on for
            `STOP_TIMEOUT_S` after the device came to its end.
        Exception
            What failed, in the device or in a consumer.
        """
        limit_s = math.inf if timeout_s is None else wait_s(timeout_s)
        if self._is_own_thread():
            raise StateError("a consumer cannot wait for its own end: wait in another thread")
        if self._thread is None and not self._has_ended.is_set():
            raise StateError("the stream was not started: start it first")
        end_s = time.monotonic() + limit_s
        has_ended = self._has_ended.wait(None if timeout_s is None else limit_s)
        if not has_ended or not self._await_consumers(end_s):
            raise DeviceTimeoutError(f"the stream still runs after {timeout_s} s")
        self._finish(discard=False, release=False)
        self._raise_error()

    def stop(self, *, discard: bool = False) -> None:
        """End the stream; consumers work through what waits, unless it is to be discarded.

        A consumer or a listener of states asks for the end by it, and does not wait for it; whoever
        started the stream then waits or stops it, too.

        Raises
        ------
        StateError
            If a consumer does not come to an end within `STOP_TIMEOUT_S`.
        Exception
            What failed before, in the device or in a consumer.
        """
        self._source.ask_to_stop()
        if self._is_own_thread():
            if discard:
                self._discard()
            return
        self._finish(discard=discard)
        self._raise_error()

    def statistics(self) -> StreamStatistics:
        """Return a snapshot of all counts and times."""
        return StreamStatistics(
            state=self._state,
            source=self._source.ledger.statistics(),
            branches=tuple(s for branch in self.branches for s in branch.statistics()),
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.stop()
            return
        # The error that ended the block is the one to report.
        self._source.ask_to_stop()
        try:
            self._finish(discard=True)
        except StateError as hanging:
            _log.warning("stream: %s", hanging)

    def _run(self) -> None:
        try:
            is_whole = self._source.run(self._take, self._absence, n_frames=self._n_frames)
            self._set_state(StreamState.ENDED if is_whole else StreamState.STOPPED)
        except BaseException as error:
            self._fail("the source", error)
        finally:
            self._has_ended.set()
            # Outlets end by themselves, so that a loop over one does.
            for branch in self.branches:
                branch.end_when_empty()

    def _take(self, acquisition: Acquisition, arrived_s: float) -> None:
        self.give(acquisition, arrived_s)

    def _absence(self, is_absent: bool) -> None:
        self._set_state(StreamState.ABSENT if is_absent else StreamState.RUNNING)

    def _fail(self, name: str, error: BaseException) -> None:
        with self._lock:
            if self._error is None:
                self._error = error
        _log.warning("stream: %s failed: %s", name, type(error).__name__)
        self._source.ask_to_stop()
        self._set_state(StreamState.FAILED)

    def _await_consumers(self, end_s: float) -> bool:
        """Wait while consumers get on with what waits; False when time is up."""
        n_before, since_s = -1, time.monotonic()
        while threads := self._working():
            now_s = time.monotonic()
            if now_s > end_s:
                return False
            n = sum(s.n_done + s.n_failed for b in self.branches for s in b.statistics())
            if n != n_before:
                n_before, since_s = n, now_s
            elif now_s - since_s > STOP_TIMEOUT_S:
                break  # What hangs is named when it is joined.
            threads[0].join(_POLL_S)
        return True

    def _finish(self, *, discard: bool, release: bool = True) -> None:
        with self._control:
            thread, end_s = self._thread, time.monotonic() + STOP_TIMEOUT_S
            if thread is None:
                return
            if discard:
                # A source that waits for a full buffer waits no more.
                self._discard()
            if release:
                for branch in self.branches:
                    branch.release()
            thread.join(max(0.0, end_s - time.monotonic()))
            for branch in self.branches:
                branch.finish(discard=discard, end_s=end_s if release else time.monotonic())
            if thread.is_alive():
                raise StateError("the front-end does not come to an end: it hangs")
            self._thread = None

    def _discard(self) -> None:
        for branch in self.branches:
            branch.discard()

    def _working(self) -> list[threading.Thread]:
        return [t for b in self.branches if isinstance(b, Branch) for t in b.threads()]

    def _is_own_thread(self) -> bool:
        return threading.current_thread() in (self._thread, *self._working())

    def _raise_error(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _set_state(self, state: StreamState) -> None:
        with self._lock:
            # What failed stays so, whatever the source finds out meanwhile, until the next start.
            is_over = self._error is not None and state is not StreamState.FAILED
            if is_over or state is self._state:
                return
            self._state = state
        if self._on_state is None:
            return
        try:
            self._on_state(state)
        except Exception as error:
            # A listener's fault must not stop the stream.
            _log.warning("stream: the listener of states failed: %s", type(error).__name__)

    def _require_joined(self) -> None:
        if self._thread is not None:
            raise StateError("the stream runs already: stop it first")

    def _require_stopped(self) -> None:
        if self._thread is not None:
            raise StateError("consumers are added before the stream starts: stop it first")

    def _names(self) -> set[str]:
        def names(fork: Fork) -> set[str]:
            own = {branch.name for branch in fork.branches}
            return own.union(*(names(b) for b in fork.branches if isinstance(b, Branch)))

        return names(self)
