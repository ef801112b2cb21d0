"""EndpointWorker: makes the transfers of one endpoint, one after the other.

Every bus on which transfers wait in line has one for each endpoint: USB/IP, a virtual machine's
port, a mocked kernel.
"""

from __future__ import annotations

import errno
import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from usdk_drivers.simulator.device_model import Gone, Nak, Stall, UsbDevice

__all__ = ["GONE", "EndpointWorker", "TransferRequest"]

POLL_S = 0.02
"""A transfer that waits for data is asked so often whether it is still wanted."""

GONE = -errno.ESHUTDOWN
"""Status of a transfer to a device that is not on the bus any more."""

MAX_WAITING = 1024
MAX_WAITING_BYTES = 16 * 2**20
"""Transfers and outgoing bytes that may wait; one transfer may be longer."""

_IN = 0x80
_BROKEN = -errno.EPROTO
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class TransferRequest:
    """A transfer that a host asks for.

    Parameters
    ----------
    number : int
        By which the answer names it.
    endpoint : int
        Number without the direction.
    is_incoming : bool
        Whether data go to the host.
    n_bytes : int
        Length of the buffer.
    setup : bytes
        The setup packet of a control transfer, else 8 zeros.
    interval : int
        Of interrupt endpoints, else 0.
    """

    number: int
    endpoint: int
    is_incoming: bool
    n_bytes: int
    setup: bytes = bytes(8)
    interval: int = 0


Answer = Callable[[TransferRequest, int, "memoryview | bytes"], None]


class EndpointWorker:
    """A thread that serves one endpoint and direction of a device.

    Parameters
    ----------
    device : UsbDevice
        Makes the transfers.
    n_unplugs : int
        Of the device when it was attached: once it was away, every transfer fails.
    answer : callable
        Called with a transfer, its status and its data, in this thread.
    """

    def __init__(self, device: UsbDevice, n_unplugs: int, answer: Answer, name: str) -> None:
        self._device, self._answer = device, answer
        self._n_unplugs = n_unplugs
        self._waiting: deque[tuple[TransferRequest, bytes]] = deque()
        self._n_waiting_bytes = 0
        self._condition = threading.Condition()
        self._is_closed = False
        self._current: int | None = None
        self._current_is_unwanted = False
        self._taken_back: set[int] = set()
        self._buffer = bytearray()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, request: TransferRequest, data: bytes) -> bool:
        """Take a transfer, outgoing data with it; False if too much waits already."""
        with self._condition:
            if len(self._waiting) >= MAX_WAITING or self._n_waiting_bytes > MAX_WAITING_BYTES:
                return False
            self._waiting.append((request, data))
            self._n_waiting_bytes += len(data)
            self._condition.notify()
            return True

    def take_back(self, number: int) -> bool:
        """Return whether a transfer was still to be made, and is not made any more."""
        with self._condition:
            for entry in self._waiting:
                if entry[0].number == number:
                    self._waiting.remove(entry)
                    self._n_waiting_bytes -= len(entry[1])
                    return True
            if self._current != number:
                return False
            # The thread sees it before it moves data; it answers first if it has moved some.
            self._current_is_unwanted = True
            self._condition.wait_for(lambda: self._current != number)
            is_taken_back = number in self._taken_back
            self._taken_back.discard(number)
            return is_taken_back

    def close(self) -> None:
        """End the thread; transfers that wait are forgotten."""
        with self._condition:
            self._is_closed = True
            self._waiting.clear()
            self._n_waiting_bytes = 0
            self._condition.notify()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._waiting or self._is_closed)
                if self._is_closed:
                    return
                request, data = self._waiting.popleft()
                self._n_waiting_bytes -= len(data)
                self._current, self._current_is_unwanted = request.number, False
            outcome = self._outcome(request, data)
            try:
                if outcome is not None:
                    # Data that were moved are answered, also if somebody wants them back meanwhile.
                    self._answer(request, *outcome)
            except Exception:
                _log.exception("a transfer of a simulated device could not be answered")
            with self._condition:
                if outcome is None and self._current_is_unwanted:
                    self._taken_back.add(request.number)
                self._current = None
                self._condition.notify_all()

    def _outcome(
        self, request: TransferRequest, data: bytes
    ) -> tuple[int, memoryview | bytes] | None:
        """Return status and data; None for a transfer that is not wanted any more."""
        try:
            return self._transfer(request, data)
        except Exception:
            # A host that waits for an answer must not wait for ever.
            _log.exception("a simulated device failed to make a transfer")
            return _BROKEN, b""

    def _transfer(
        self, request: TransferRequest, data: bytes
    ) -> tuple[int, memoryview | bytes] | None:
        try:
            if self._device.n_unplugs != self._n_unplugs:
                # It may be back: whoever had it must attach it anew.
                raise Gone
            if request.endpoint == 0:
                return self._control(request)
            if not request.is_incoming:
                self._device.bulk_out(request.endpoint, data)
                return 0, b""
            return self._incoming(request)
        except Stall:
            return -errno.EPIPE, b""
        except Gone:
            return GONE, b""

    def _control(self, request: TransferRequest) -> tuple[int, bytes]:
        setup = request.setup
        value, index, length = (int.from_bytes(setup[i : i + 2], "little") for i in (2, 4, 6))
        return 0, self._device.control(setup[0], setup[1], value, index, length)

    def _incoming(self, request: TransferRequest) -> tuple[int, memoryview | bytes] | None:
        if len(self._buffer) < request.n_bytes:
            self._buffer = bytearray(request.n_bytes)
        view = memoryview(self._buffer)[: request.n_bytes]
        while True:
            try:
                return 0, view[: self._device.bulk_in(request.endpoint | _IN, view, POLL_S)]
            except Nak:
                with self._condition:
                    if self._is_closed or self._current_is_unwanted:
                        return None
                    # An endpoint that is never ready answers at once.
                    self._condition.wait(POLL_S if request.interval else 0.0)
