"""BulkRing: several bulk transfers in flight, so that the device never waits for the host."""

from __future__ import annotations

import ctypes
import logging
import queue
import threading
import time
import weakref
from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from usdk.errors import DeviceFailedError, StateError, UsdkError
from usdk_drivers.usb_errors import translated
from usdk_drivers.usb_ring_calls import (
    LibusbCalls,
    RingUnavailableError,
    TransferStatus,
    libusb_error,
)

__all__ = ["N_TRANSFERS", "TRANSFER_BYTES", "BulkRing", "RingCounts"]

TRANSFER_BYTES = 2**20
N_TRANSFERS = 8
"""In flight at once: 20 ms at 400 MB/s, and half of what Linux lets all USB transfers hold."""

CANCEL_TIMEOUT_S = 2.0
"""A transfer that was taken back and is not returned by then is never freed."""

_EVENTS_S = 0.5
_CODES = {
    TransferStatus.ERROR: -1,
    TransferStatus.STALL: -9,
    TransferStatus.NO_DEVICE: -4,
    TransferStatus.OVERFLOW: -8,
}
_abandoned: list[BulkRing] = []
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RingCounts:
    """What a ring did.

    Parameters
    ----------
    n_transfers : int
        That may be in flight at once.
    n_in_device_memory : int
        Of those, which the kernel fills without a copy.
    n_completed, n_bytes : int
        Transfers that brought data, and how much.
    n_times_dry : int
        Reads that found no transfer in flight but their own: the host was too slow.
    """

    n_transfers: int
    n_in_device_memory: int
    n_completed: int
    n_bytes: int
    n_times_dry: int


class BulkRing:
    """Reads of one bulk IN endpoint.

    Transfers are begun by the first read. One thread waits for libusb's events and only notes
    which transfer ended how; the reader gets the memory that was filled, and gives it back by
    reading again. One thread reads at a time.

    Parameters
    ----------
    calls : LibusbCalls
        libusb, on an open device.
    endpoint : int
    n_transfers, transfer_bytes : int
        Fewer are in flight when memory for transfers is short.

    Raises
    ------
    RingUnavailableError
        If there is no memory.
    """

    def __init__(
        self,
        calls: LibusbCalls,
        endpoint: int,
        *,
        n_transfers: int = N_TRANSFERS,
        transfer_bytes: int = TRANSFER_BYTES,
    ) -> None:
        self._calls = calls
        self._callback = calls.callback(self._ended)
        self._buffers = [_Buffer(calls, transfer_bytes) for _ in range(n_transfers)]
        self._transfers = [
            calls.transfer(endpoint, buffer.address, transfer_bytes, self._callback, index)
            for index, buffer in enumerate(self._buffers)
        ]
        self._idle = deque(range(n_transfers))
        # In the order in which they were begun.
        self._in_flight: dict[int, None] = {}
        self._done: queue.SimpleQueue[tuple[int, int, int]] = queue.SimpleQueue()
        self._kept: deque[tuple[int, int, int]] = deque()
        self._failure: int | None = None
        self._limit = n_transfers
        self._thread: threading.Thread | None = None
        self._broken: Exception | None = None
        self._is_closed = False
        self._n_completed = self._n_bytes = self._n_times_dry = 0

    @property
    def counts(self) -> RingCounts:
        """What the ring did so far."""
        return RingCounts(
            n_transfers=self._limit,
            n_in_device_memory=sum(buffer.is_device_memory for buffer in self._buffers),
            n_completed=self._n_completed,
            n_bytes=self._n_bytes,
            n_times_dry=self._n_times_dry,
        )

    def read(self, timeout_s: float) -> memoryview:
        """Return the oldest data that came; empty after ``timeout_s``.

        The memory is given back to the device by the next call.

        Raises
        ------
        EndpointStalledError, DeviceAbsentError, DeviceFailedError
            As the transfer ended; after a stall, `clear_halt` and go on.
        StateError
            If the ring is closed.
        RingUnavailableError
            If there is no memory for a single transfer in flight.
        """
        if self._is_closed:
            raise StateError("the front-end is closed: open it again")
        if self._failure is not None:
            status, self._failure = self._failure, None
            self._raise(status)
        if self._broken is not None and not self._kept and self._done.empty():
            raise DeviceFailedError(
                f"USB does not tell any more what came ({self._broken}): close the front-end, plug "
                "the device in again, and open it anew"
            ) from self._broken
        self._fill()
        if not self._kept:
            try:
                self._kept.append(self._done.get(timeout=max(timeout_s, 1e-3)))
            except queue.Empty:
                return memoryview(b"")
        index, status, n_bytes = self._kept.popleft()
        # It is the reader's until the next call.
        self._idle.append(index)
        if n_bytes:
            self._n_completed += 1
            self._n_bytes += n_bytes
            self._n_times_dry += not self._in_flight and self._done.empty()
            if status in _CODES:
                # What came before the failure comes first.
                self._failure = status
            return self._buffers[index].view[:n_bytes]
        if status in _CODES:
            self._raise(status)
        return memoryview(b"")

    def close(self) -> None:
        """Take back every transfer, wait for them, and free them; a second call has no effect."""
        if self._is_closed:
            return
        self._is_closed = True
        self._cancel_all()
        if self._thread is not None:
            self._calls.interrupt()
            self._thread.join(CANCEL_TIMEOUT_S)
        if self._in_flight:
            _log.error("%d USB transfers never ended; their memory is kept", len(self._in_flight))
            _abandoned.append(self)
            return
        for transfer in self._transfers:
            self._calls.free(transfer)
        self._transfers.clear()
        self._buffers.clear()
        self._calls.close()

    def _fill(self) -> None:
        """Begin every transfer that is idle, as far as there is memory."""
        while self._idle and len(self._in_flight) < self._limit:
            index = self._idle[0]
            self._in_flight[index] = None
            try:
                with translated("sending data"):
                    is_begun = self._calls.submit(self._transfers[index])
            except UsdkError:
                self._in_flight.pop(index, None)
                # What came before the device left comes first.
                if not (self._in_flight or self._kept or not self._done.empty()):
                    raise
                break
            if not is_begun:
                self._in_flight.pop(index, None)
                if not self._kept and not self._in_flight and self._done.empty():
                    raise RingUnavailableError("the system has no memory for USB transfers")
                self._limit = max(1, len(self._in_flight) + self._done.qsize())
                _log.warning(
                    "USB transfers in flight: %d instead of %d, the system has memory for no more; "
                    "see `usdk doctor`",
                    self._limit,
                    len(self._transfers),
                )
                break
            self._idle.popleft()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="usdk-usb-events", daemon=True)
            self._thread.start()

    def _raise(self, status: int) -> None:
        if status == TransferStatus.STALL:
            # What stands behind a halt meets it, too, and would be taken for more of them.
            self._cancel_all()
            while not self._done.empty():
                index, _, n_bytes = ended = self._done.get()
                if n_bytes:
                    self._kept.append(ended)
                else:
                    self._idle.append(index)
        with translated("sending data"):
            raise libusb_error(_CODES[TransferStatus(status)])

    def _cancel_all(self) -> None:
        deadline_s = time.monotonic() + CANCEL_TIMEOUT_S
        # From the last: none of them shall get the data of one before it.
        for index in reversed(tuple(self._in_flight)):
            self._calls.cancel(self._transfers[index])
        while self._in_flight and time.monotonic() < deadline_s:
            # The other thread may be in here, too: libusb lets one of them wait for the other.
            if not self._handle_events(_EVENTS_S / 10):
                return

    def _run(self) -> None:
        while not self._is_closed or self._in_flight:
            if not self._handle_events(_EVENTS_S):
                return

    def _handle_events(self, timeout_s: float) -> bool:
        """Wait for events and take them; False when that cannot be done any more."""
        try:
            self._calls.handle_events(timeout_s)
        except Exception as error:
            _log.exception("libusb's events cannot be waited for")
            self._broken = error
            return False
        return True

    def _ended(self, index: int, status: int, n_bytes: int) -> None:
        """Note how a transfer ended; called by libusb."""
        # In this order: once it is noted, the reader may begin it again.
        self._in_flight.pop(index, None)
        self._done.put((index, status, n_bytes))


class _Buffer:
    """Memory for one transfer, shared with the kernel where libusb offers that."""

    def __init__(self, calls: LibusbCalls, n_bytes: int) -> None:
        address = calls.device_memory(n_bytes)
        self.is_device_memory = address is not None
        block = _block(n_bytes)
        memory = block() if address is None else block.from_address(address)
        if address is not None:
            # Whoever still holds a view keeps it mapped.
            release = weakref.finalize(memory, calls.free_device_memory, address, n_bytes)
            release.atexit = False
        self.address = ctypes.addressof(memory)
        self.view = memoryview(memory).cast("B")


@lru_cache(maxsize=8)
def _block(n_bytes: int) -> Any:
    """Return the type of so many bytes, of which weak references can be had."""
    return type("Block", (ctypes.c_ubyte * n_bytes,), {})
