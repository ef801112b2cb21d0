"""Source: the thread that reads a front-end, and waits for one that went away."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

from usdk.acquisition import Acquisition
from usdk.errors import (
    DeviceAbsentError,
    DeviceFailedError,
    DeviceTimeoutError,
    EndOfRecordingError,
    StateError,
    UsdkError,
)
from usdk.front_end import FrontEnd, open_front_end
from usdk.probe import Probe
from usdk.stream.frame_ledger import FrameLedger

__all__ = ["Source"]

POLL_S = 0.2
"""A stop is seen at the latest after so long."""

RETRY_S = 0.1
"""Between two attempts to open a device that went away."""

SETTLING_S = 2.0
"""How long a device that has come back may fail: it starts up, or its permissions are not set."""


class Source:
    """Reads acquisitions until it is told to stop.

    Parameters
    ----------
    front_end : FrontEnd or str
        Open, and the caller's to close; or an address, which is opened, closed, and opened again
        when the device went away.
    configure : callable
        Sets a front-end that was opened.
    timeout_s : float
        How long a running device may bring no frame, s.
    return_timeout_s : float
        How long to wait for a device that went away, s.
    """

    def __init__(
        self,
        front_end: FrontEnd | str,
        configure: Callable[[FrontEnd], None],
        *,
        timeout_s: float,
        return_timeout_s: float,
    ) -> None:
        self._front_end_or_address, self._configure = front_end, configure
        self._timeout_s, self._return_timeout_s = timeout_s, return_timeout_s
        self._stopping = threading.Event()
        self._front_end: FrontEnd | None = None
        self._probe: Probe | None = None
        self.ledger = FrameLedger()

    @property
    def front_end(self) -> FrontEnd | None:
        """The open front-end; None while there is none."""
        return self._front_end

    def open(self) -> None:
        """Open and configure, and count from nothing; raises what the front-end raises."""
        self._stopping.clear()
        self.ledger = FrameLedger()
        self._probe = None
        self._open()

    def ask_to_stop(self) -> None:
        """Make `run` return soon."""
        self._stopping.set()

    def run(
        self,
        take: Callable[[Acquisition, float], None],
        on_absence: Callable[[bool], None],
        *,
        n_frames: int | None,
    ) -> bool:
        """Read until told to stop, until ``n_frames`` came, or until a recording ends.

        Parameters
        ----------
        take : callable
            Called with each acquisition and its arrival on the monotonic clock, s.
        on_absence : callable
            Called with True when the device went away, and with False when it is back.
        n_frames : int, optional
            How many; without end when absent.

        Returns
        -------
        bool
            Whether all that was wanted came, rather than a stop.
        """
        n_taken = 0
        try:
            while n_frames is None or n_taken < n_frames:
                if self._stopping.is_set():
                    return False
                try:
                    acquisition = self._read()
                except EndOfRecordingError:
                    return True
                except DeviceAbsentError:
                    if not isinstance(self._front_end_or_address, str):
                        raise
                    on_absence(True)
                    if not self._wait_for_return():
                        return False
                    on_absence(False)
                    continue
                if acquisition is None:
                    return False
                take(acquisition, time.monotonic())
                n_taken += acquisition.n_frames
            return True
        finally:
            self._close()

    def _open(self) -> None:
        given = self._front_end_or_address
        front_end = open_front_end(given) if isinstance(given, str) else given
        try:
            if self._probe is not None and not self._probe.is_like(front_end.probe):
                raise StateError(
                    "another probe came back than went away: stop the stream and start it again"
                )
            self._configure(front_end)
            front_end.start()
        except BaseException:
            if isinstance(given, str):
                front_end.close()
            raise
        self._probe = front_end.probe
        self._front_end = front_end
        self.ledger.begin_run()

    def _read(self) -> Acquisition | None:
        """Return the next frame; None when told to stop."""
        assert self._front_end is not None
        begun_s = time.monotonic()
        while not self._stopping.is_set():
            remaining_s = self._timeout_s - (time.monotonic() - begun_s)
            try:
                acquisition = self._front_end.read(timeout_s=max(min(POLL_S, remaining_s), 1e-3))
            except DeviceTimeoutError:
                if remaining_s <= POLL_S:
                    raise
                continue
            self.ledger.reading.add(time.monotonic() - begun_s)
            self.ledger.take(acquisition)
            return acquisition
        return None

    def _wait_for_return(self) -> bool:
        """Open the device again; False when told to stop, `DeviceAbsentError` when time is up."""
        begun_s = time.monotonic()
        failing_since_s: float | None = None
        self._close()
        while not self._stopping.wait(RETRY_S):
            try:
                self._open()
            except DeviceFailedError:
                failing_since_s = failing_since_s or time.monotonic()
                if time.monotonic() - failing_since_s > SETTLING_S:
                    raise
                continue
            except (DeviceAbsentError, DeviceTimeoutError) as error:
                failing_since_s = None
                if time.monotonic() - begun_s > self._return_timeout_s:
                    raise DeviceAbsentError(
                        f"the device did not come back within {self._return_timeout_s:g} s: plug "
                        "it in and start the stream again"
                    ) from error
                continue
            self.ledger.leave(time.monotonic() - begun_s)
            return True
        self.ledger.leave(time.monotonic() - begun_s)
        return False

    def _close(self) -> None:
        front_end, self._front_end = self._front_end, None
        if front_end is None:
            return
        # A device that went away has no status and cannot be stopped; the frames say what is known.
        with suppress(UsdkError):
            front_end.stop()
            self.ledger.end_run(front_end.status().n_frames_lost)
        if isinstance(self._front_end_or_address, str):
            with suppress(UsdkError):
                front_end.close()
