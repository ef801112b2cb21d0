"""KeepAlive: tells a device that watches over its host that the host is still there."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from usdk.errors import DeviceAbsentError, StateError, UsdkError

__all__ = ["CHANCES", "KeepAlive"]

CHANCES = 4
"""How often the host is heard in the time for which it may be silent."""

_STOP_TIMEOUT_S = 3.0
_log = logging.getLogger(__name__)


class KeepAlive:
    """A thread that sends a short request now and then, from start to stop.

    Parameters
    ----------
    send : callable
        Sends the request. It is sent again after it failed, but not to a device that is gone or
        closed.
    """

    def __init__(self, send: Callable[[], None]) -> None:
        self._send = send
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_muted = False
        self.failure: UsdkError | None = None
        """Why the last request failed; None if it did not."""

    def start(self, watchdog_s: float) -> None:
        """Begin, for a device that allows silence for so long; without effect for 0."""
        self.stop()
        if watchdog_s <= 0:
            return
        self._stopping, self.failure = threading.Event(), None
        self._thread = threading.Thread(
            target=self._run,
            args=(self._stopping, watchdog_s / CHANCES),
            name="usdk keep-alive",
            daemon=True,
        )
        self._thread.start()

    def stop(self) -> None:
        """End; without effect when it has not begun."""
        thread, self._thread = self._thread, None
        self._stopping.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(_STOP_TIMEOUT_S)

    @contextmanager
    def muted(self) -> Iterator[None]:
        """Send nothing for a while, as a host that hangs."""
        self._is_muted = True
        try:
            yield
        finally:
            self._is_muted = False

    def _run(self, stopping: threading.Event, period_s: float) -> None:
        while not stopping.wait(period_s):
            if self._is_muted:
                continue
            try:
                self._send()
            except (DeviceAbsentError, StateError):
                # Whoever reads meets it, too.
                return
            except UsdkError as error:
                if self.failure is None:
                    _log.warning("the device does not hear that its host is there: %s", error)
                self.failure = error
            else:
                self.failure = None
