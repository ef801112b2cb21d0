"""FrontEnd: the verbs that users call and the hooks that a driver writes."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import ClassVar, Self

from usdk.acquisition import Acquisition, DeviceInfo
from usdk.arguments import count, positive, require_instance
from usdk.errors import (
    ArgumentError,
    DeviceFailedError,
    DeviceTimeoutError,
    EndOfRecordingError,
    StateError,
    UsdkError,
)
from usdk.front_end.description import (
    Capabilities,
    Configuration,
    Found,
    FrontEndState,
    FrontEndStatus,
    ReceiveRequest,
)
from usdk.front_end.limits import require_kept_limits, require_within_limits
from usdk.probe import Probe
from usdk.transmit import TransmitSequence

__all__ = ["DEFAULT_TIMEOUT_S", "FrontEnd", "require_front_end"]

DEFAULT_TIMEOUT_S = 5.0

LEAVING_TIMEOUT_S = 5.0
"""How long a read of another thread may take to notice that the front-end was stopped, s."""

_MAX_FRAMES = 2**62


class FrontEnd(ABC):
    """A probe front-end. Users call the public verbs, drivers write the hooks (``_configure`` …).

    ``open`` → `configure` → `start` → `read` … → `stop` → `close`. `configure` may be called again
    when stopped, `read` starts a configured front-end by itself, `close` may be called at any time
    and twice, and a ``with`` block closes at its end. After an error of the device the front-end
    can still be stopped and closed.

    Any thread may call any verb: those that change something wait for each other, reads wait for
    each other, and a read ends with a `StateError` when another thread stops the front-end.
    """

    scheme: ClassVar[str]

    def __init__(self) -> None:
        self._state = FrontEndState.OPEN
        self._configuration: Configuration | None = None
        self._verb_lock = threading.RLock()
        self._read_lock = threading.Lock()

    # What a driver says of itself.

    @classmethod
    @abstractmethod
    def open(cls, address: str) -> FrontEnd:
        """Open the device at ``address`` (without the scheme); `DeviceAbsentError` if none."""

    @classmethod
    def discover(cls) -> list[Found]:
        """Return the front-ends of this scheme that could be opened now."""
        return []

    @classmethod
    def discover_at(cls, address: str) -> Found | None:
        """Return the front-end at ``address`` (without the scheme) if it could be opened now.

        A `DeviceWatcher` asks again and again for the addresses that somebody waits for: an answer
        takes a second or two at most, and the device does not notice. By default what `discover`
        lists is looked through; a driver that can open more than it lists says here how to look.

        Raises
        ------
        ArgumentError
            If it is no address.
        """
        whole = f"{cls.scheme}:{address}"
        return next((found for found in cls.discover() if found.address == whole), None)

    @property
    @abstractmethod
    def info(self) -> DeviceInfo:
        """Who the device is."""

    @property
    @abstractmethod
    def capabilities(self) -> Capabilities:
        """What it can do."""

    @property
    @abstractmethod
    def probe(self) -> Probe:
        """The probe that is plugged into it."""

    # The verbs.

    @property
    def state(self) -> FrontEndState:
        """Where the front-end stands."""
        return self._state

    @property
    def configuration(self) -> Configuration:
        """What was set by the last `configure`."""
        if self._configuration is None:
            raise StateError("the front-end is not configured: call configure first")
        return self._configuration

    def configure(
        self,
        sequence: TransmitSequence | None = None,
        receive: ReceiveRequest | None = None,
        *,
        depth_m: float | None = None,
    ) -> Configuration:
        """Set the transmit sequence and how to receive, and return what was really set.

        Parameters
        ----------
        sequence : TransmitSequence, optional
            What to send; the device's own (a recording's) when absent.
        receive : ReceiveRequest, optional
            How to receive.
        depth_m : float, optional
            Short for ``receive=ReceiveRequest(depth_m=…)``, m.

        Raises
        ------
        ArgumentError
            If it exceeds a limit of the device or the device cannot do it; nothing was changed.
        DeviceFailedError
            If the device set what is beyond its own limits: it is not configured then.
        StateError
            If it is running or closed.
        """
        if sequence is not None:
            require_instance(sequence, TransmitSequence, "sequence")
        if depth_m is not None:
            if receive is not None:
                raise ArgumentError("give receive or depth_m, not both")
            receive = ReceiveRequest(depth_m=depth_m)
        if receive is not None:
            require_instance(receive, ReceiveRequest, "receive")
        with self.alone():
            if self._state is FrontEndState.RUNNING:
                raise StateError("the front-end is running: call stop before configure")
            require_within_limits(sequence, receive, self.probe, self.capabilities, self.info.model)
            self._await_reader()
            return self._accept(self._configure(sequence, receive))

    def start(self) -> None:
        """Start sending and receiving; without effect when running."""
        with self.alone():
            if self._state is FrontEndState.RUNNING:
                return
            if self._configuration is None:
                raise StateError("the front-end is not configured: call configure before start")
            self._await_reader()
            self._start()
            self._state = FrontEndState.RUNNING

    def read(self, n_frames: int = 1, *, timeout_s: float = DEFAULT_TIMEOUT_S) -> Acquisition:
        """Return the next whole frames.

        Starts the front-end if it is configured and not running. Frames of which a packet was
        lost or damaged are left out and listed in the acquisition's ``gaps``.

        Parameters
        ----------
        n_frames : int
            How many. Fewer come when a recording ends or when time runs out after the first.
        timeout_s : float
            How long to wait for all of them, s.

        Raises
        ------
        DeviceTimeoutError
            If no whole frame came in time; losses so far are kept for the next read.
        DeviceAbsentError
            If the device went away.
        EndOfRecordingError
            If a recording has no more frames.
        """
        n_frames = count(n_frames, "n_frames", most=_MAX_FRAMES)
        deadline_s = time.monotonic() + positive(timeout_s, "timeout_s")
        self.start()
        wait_s = min(max(deadline_s - time.monotonic(), 0.0), threading.TIMEOUT_MAX)
        if not self._read_lock.acquire(timeout=wait_s):
            raise DeviceTimeoutError("another thread was reading for all of the time allowed")
        try:
            if self._state is not FrontEndState.RUNNING:
                raise StateError("the front-end was stopped while it was read")
            return self._read(n_frames, deadline_s)
        finally:
            self._read_lock.release()

    def stream(
        self, n_frames: int | None = None, *, timeout_s: float = DEFAULT_TIMEOUT_S
    ) -> Iterator[Acquisition]:
        """Yield acquisitions of one frame each, ``n_frames`` of them or until the recording ends.

        ``timeout_s`` is the wait for each frame.
        """
        if n_frames is not None:
            n_frames = count(n_frames, "n_frames", least=0, most=_MAX_FRAMES)
        n_yielded = 0
        while n_frames is None or n_yielded < n_frames:
            try:
                acquisition = self.read(timeout_s=timeout_s)
            except EndOfRecordingError:
                return
            yield acquisition
            n_yielded += 1

    def stop(self) -> None:
        """Stop sending and receiving; without effect when not running."""
        with self._verb_lock:
            if self._state is FrontEndState.RUNNING:
                self._state = FrontEndState.CONFIGURED
                self._stop()

    def close(self) -> None:
        """Stop, and release the device; a second call has no effect."""
        with self._verb_lock:
            if self._state is FrontEndState.CLOSED:
                return
            try:
                self.stop()
            finally:
                self._state = FrontEndState.CLOSED
                self._close()

    def status(self) -> FrontEndStatus:
        """Return health and loss counts."""
        self._require_open()
        return self._status()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold back what other threads change, for the length of a ``with`` block.

        Raises
        ------
        StateError
            If the front-end is closed.
        """
        with self._verb_lock:
            self._require_open()
            yield

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.close()
        except UsdkError:
            # The error that ended the block is the one to report; closing after it may fail too.
            if error is None:
                raise

    def _require_open(self) -> None:
        if self._state is FrontEndState.CLOSED:
            raise StateError("the front-end is closed: open it again")

    def _accept(self, configuration: Configuration) -> Configuration:
        """Take what a device says that it set, if it keeps its own limits."""
        # Refused or not, what was set before is no longer in the device.
        self._configuration, self._state = None, FrontEndState.OPEN
        if not isinstance(configuration, Configuration):
            raise DeviceFailedError(
                f"the driver set a {type(configuration).__name__}, no Configuration: tell its maker"
            )
        require_kept_limits(configuration, self.probe, self.capabilities, self.info.model)
        self._configuration, self._state = configuration, FrontEndState.CONFIGURED
        return configuration

    def _await_reader(self) -> None:
        """Wait until a read that met a stop has returned: it must not meet what comes next."""
        if not self._read_lock.acquire(timeout=LEAVING_TIMEOUT_S):
            raise StateError("another thread still reads: let it return, then try again")
        self._read_lock.release()

    # The hooks.

    @abstractmethod
    def _configure(
        self, sequence: TransmitSequence | None, receive: ReceiveRequest | None
    ) -> Configuration: ...

    @abstractmethod
    def _start(self) -> None: ...

    @abstractmethod
    def _read(self, n_frames: int, deadline_s: float) -> Acquisition:
        """Return up to ``n_frames``; ``deadline_s`` is on `time.monotonic`'s clock."""

    @abstractmethod
    def _stop(self) -> None: ...

    @abstractmethod
    def _close(self) -> None: ...

    @abstractmethod
    def _status(self) -> FrontEndStatus: ...


def require_front_end(front_end: object) -> None:
    """Raise `ArgumentError` if something is no front-end."""
    if not isinstance(front_end, FrontEnd):
        raise ArgumentError(
            f"front_end must be a FrontEnd, got {type(front_end).__name__}: open one with "
            "open_front_end"
        )
