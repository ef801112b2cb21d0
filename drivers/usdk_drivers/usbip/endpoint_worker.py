"""EndpointWorker: makes the transfers of one endpoint, one after the other."""

from __future__ import annotations

import errno
import threading
from collections import deque
from collections.abc import Callable

from usdk_drivers.simulator.device_model import Gone, Nak, Stall, UsbDevice
from usdk_drivers.usbip.messages import Submit

__all__ = ["EndpointWorker"]

POLL_S = 0.02
"""A transfer that waits for data is asked so often whether it is still wanted."""

GONE = -errno.ESHUTDOWN
_IN = 0x80

Answer = Callable[[Submit, int, "memoryview | bytes"], None]


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
        self._waiting: deque[tuple[Submit, bytes]] = deque()
        self._condition = threading.Condition()
        self._is_closed = False
        self._current: int | None = None
        self._current_is_unwanted = False
        self._taken_back: set[int] = set()
        self._buffer = bytearray()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, submit: Submit, data: bytes) -> None:
        """Take a transfer; outgoing data with it."""
        with self._condition:
            self._waiting.append((submit, data))
            self._condition.notify()

    def take_back(self, number: int) -> bool:
        """Return whether a transfer was still to be made, and is not made any more."""
        with self._condition:
            for entry in self._waiting:
                if entry[0].number == number:
                    self._waiting.remove(entry)
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
            self._condition.notify()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._waiting or self._is_closed)
                if self._is_closed:
                    return
                submit, data = self._waiting.popleft()
                self._current, self._current_is_unwanted = submit.number, False
            outcome = self._transfer(submit, data)
            if outcome is not None:
                # Data that were moved are answered; an unlink that came meanwhile came too late.
                self._answer(submit, *outcome)
            with self._condition:
                if outcome is None and self._current_is_unwanted:
                    self._taken_back.add(submit.number)
                self._current = None
                self._condition.notify_all()

    def _transfer(self, submit: Submit, data: bytes) -> tuple[int, memoryview | bytes] | None:
        """Return status and data; None for a transfer that is not wanted any more."""
        try:
            if self._device.n_unplugs != self._n_unplugs:
                # It may be back: whoever had it must attach it anew.
                raise Gone
            if submit.endpoint == 0:
                return self._control(submit)
            if not submit.is_incoming:
                self._device.bulk_out(submit.endpoint, data)
                return 0, b""
            return self._incoming(submit)
        except Stall:
            return -errno.EPIPE, b""
        except Gone:
            return GONE, b""

    def _control(self, submit: Submit) -> tuple[int, bytes]:
        setup = submit.setup
        value, index, length = (int.from_bytes(setup[i : i + 2], "little") for i in (2, 4, 6))
        return 0, self._device.control(setup[0], setup[1], value, index, length)

    def _incoming(self, submit: Submit) -> tuple[int, memoryview | bytes] | None:
        if len(self._buffer) < submit.n_bytes:
            self._buffer = bytearray(submit.n_bytes)
        view = memoryview(self._buffer)[: submit.n_bytes]
        while True:
            try:
                return 0, view[: self._device.bulk_in(submit.endpoint | _IN, view, POLL_S)]
            except Nak:
                with self._condition:
                    if self._is_closed or self._current_is_unwanted:
                        return None
                    # An endpoint that is never ready answers at once.
                    self._condition.wait(POLL_S if submit.interval else 0.0)
