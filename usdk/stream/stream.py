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
from usdk.transmit import TransmitSequence

__all__ = ["STOP_TIMEOUT_S", "Stream"]

STOP_TIMEOUT_S = 10.0
"""How long consumers may take to end their work."""

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
        if self._thread is not None:
            raise StateError("the stream runs already: stop it first")
        self._source.open()
        self._error = None
        self._has_ended.clear()
        self._set_state(StreamState.RUNNING)
        for branch in self.branches:
            branch.start(self._fail)
        self._thread = threading.Thread(target=self._run, name="usdk-stream-source", daemon=True)
        self._thread.start()

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait until the device has brought all, or until something fails.

        An outlet that blocks when it is full needs a reader in another thread.

        Raises
        ------
        DeviceTimeoutError
            If it goes on for longer than ``timeout_s``.
        Exception
            What failed, in the device or in a consumer.
        """
        if not self._has_ended.wait(timeout_s):
            raise DeviceTimeoutError(f"the stream still runs after {timeout_s} s")
        self._finish(discard=False, release=False)
        self._raise_error()

    def stop(self, *, discard: bool = False) -> None:
        """End the stream; consumers work through what waits, unless it is to be discarded.

        Raises
        ------
        StateError
            If a consumer does not come to an end within `STOP_TIMEOUT_S`.
        Exception
            What failed before, in the device or in a consumer.
        """
        self._source.ask_to_stop()
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
        self._finish(discard=True)

    def _run(self) -> None:
        try:
            is_whole = self._source.run(self._take, self._absence, n_frames=self._n_frames)
            if self._error is None:
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

    def _finish(self, *, discard: bool, release: bool = True) -> None:
        thread, end_s = self._thread, time.monotonic() + STOP_TIMEOUT_S
        if thread is None:
            return
        if discard:
            # A source that waits for a full buffer waits no more.
            for branch in self.branches:
                branch.buffer.close(discard=True)
        if release:
            for branch in self.branches:
                branch.release()
        thread.join(max(0.0, end_s - time.monotonic()))
        for branch in self.branches:
            branch.finish(discard=discard, end_s=end_s)
        if thread.is_alive():
            raise StateError("the front-end does not come to an end: it hangs")
        self._thread = None

    def _raise_error(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _set_state(self, state: StreamState) -> None:
        self._state = state
        if self._on_state is None:
            return
        try:
            self._on_state(state)
        except Exception as error:
            # A listener's fault must not stop the stream.
            _log.warning("stream: the listener of states failed: %s", type(error).__name__)

    def _require_stopped(self) -> None:
        if self._thread is not None:
            raise StateError("consumers are added before the stream starts: stop it first")

    def _names(self) -> set[str]:
        def names(fork: Fork) -> set[str]:
            own = {branch.name for branch in fork.branches}
            return own.union(*(names(b) for b in fork.branches if isinstance(b, Branch)))

        return names(self)
