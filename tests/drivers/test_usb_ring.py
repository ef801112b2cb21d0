"""The ring of transfers, on a libusb that does what the test says."""

from __future__ import annotations

import ctypes
import gc
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from usdk.errors import DeviceAbsentError, DeviceFailedError, StateError
from usdk_drivers import usb_ring
from usdk_drivers.usb_errors import EndpointStalledError
from usdk_drivers.usb_reads import UsbReads
from usdk_drivers.usb_ring import BulkRing
from usdk_drivers.usb_ring_calls import (
    LibusbCalls,
    RingUnavailableError,
    TransferStatus,
    libusb_error,
)

N_BYTES = 64
WAIT_S = 10.0
Answer = bytes | TransferStatus


class Bus:
    """Answers transfers in order, with data or with how they end; then keeps them waiting."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = deque(answers)
        self.room = 100
        self.has_device_memory = False
        self.keeps_what_is_cancelled = False
        self.is_gone = False
        self.waiting: deque[int] = deque()
        self.transfers: dict[int, tuple[int, int]] = {}
        self.freed: list[int] = []
        self.memory: dict[int, Any] = {}
        self.n_unmapped_late = 0
        self.is_open = True
        self._call: Callable[[int, int, int], None] = lambda *_: None
        self._events = threading.Condition()
        self._cancelled: list[int] = []
        self._is_interrupted = False

    def callback(self, function: Callable[[int, int, int], None]) -> object:
        self._call = function
        return object()

    def transfer(self, endpoint: int, buffer: int, n_bytes: int, callback: Any, data: int) -> int:
        self.transfers[1000 + data] = (buffer, data)
        return 1000 + data

    def free(self, transfer: int) -> None:
        assert transfer not in self.waiting, "freed in flight"
        self.freed.append(transfer)

    def submit(self, transfer: int) -> bool:
        if self.is_gone:
            raise libusb_error(-4)
        with self._events:
            if len(self.waiting) >= self.room:
                return False
            self.waiting.append(transfer)
            self._events.notify_all()
        return True

    def cancel(self, transfer: int) -> None:
        with self._events:
            self._cancelled.append(transfer)
            self._events.notify_all()

    def handle_events(self, timeout_s: float) -> None:
        with self._events:
            self._events.wait_for(lambda: self._is_due() or self._is_interrupted, timeout_s)
            self._is_interrupted = False
            while self._is_due():
                self._end_one()

    def interrupt(self) -> None:
        with self._events:
            self._is_interrupted = True
            self._events.notify_all()

    def device_memory(self, n_bytes: int) -> int | None:
        if not self.has_device_memory:
            return None
        block = ctypes.create_string_buffer(n_bytes)
        self.memory[ctypes.addressof(block)] = block
        return ctypes.addressof(block)

    def free_device_memory(self, address: int, n_bytes: int) -> None:
        del self.memory[address]
        self.n_unmapped_late += not self.is_open

    def close(self) -> None:
        self.is_open = False

    def _is_due(self) -> bool:
        can_be_cancelled = bool(self._cancelled) and not self.keeps_what_is_cancelled
        return bool(self.waiting) and (bool(self.answers) or can_be_cancelled)

    def _end_one(self) -> None:
        if self._cancelled and not self.keeps_what_is_cancelled:
            transfer = self._cancelled.pop(0)
            if transfer in self.waiting:
                self.waiting.remove(transfer)
                self._call(self.transfers[transfer][1], TransferStatus.CANCELLED, 0)
            return
        buffer, index = self.transfers[self.waiting.popleft()]
        answer = self.answers.popleft()
        if isinstance(answer, bytes):
            ctypes.memmove(buffer, answer, len(answer))
            self._call(index, TransferStatus.COMPLETED, len(answer))
        else:
            self._call(index, answer, 0)


@pytest.fixture
def ring_on() -> Iterator[Callable[..., BulkRing]]:
    rings: list[BulkRing] = []

    def make(bus: Bus, n_transfers: int = 4) -> BulkRing:
        ring = BulkRing(bus, 0x81, n_transfers=n_transfers, transfer_bytes=N_BYTES)  # type: ignore[arg-type]
        rings.append(ring)
        return ring

    yield make
    for ring in rings:
        ring.close()
    left = [thread for thread in threading.enumerate() if thread.name == "usdk-usb-events"]
    assert left == []


Maker = Callable[..., BulkRing]


def test_data_come_in_order_and_several_transfers_wait(ring_on: Maker) -> None:
    blocks = [bytes([k]) * (k + 1) for k in range(20)]
    bus = Bus(*blocks)
    ring = ring_on(bus)
    assert [bytes(ring.read(WAIT_S)) for _ in range(20)] == blocks
    assert len(ring.read(1e-3)) == 0
    assert len(bus.waiting) == 4
    counts = ring.counts
    assert (counts.n_transfers, counts.n_completed) == (4, 20)
    assert counts.n_bytes == sum(map(len, blocks))
    assert counts.n_in_device_memory == 0


def test_what_was_read_stays_until_the_next_call(ring_on: Maker) -> None:
    bus = Bus(b"first")
    ring = ring_on(bus, 1)
    first = ring.read(WAIT_S)
    bus.answers.append(b"other")
    time.sleep(0.02)
    assert bytes(first) == b"first"
    assert bytes(ring.read(WAIT_S)) == b"other"


def test_with_memory_for_some_there_are_fewer_in_flight(
    ring_on: Maker, caplog: pytest.LogCaptureFixture
) -> None:
    bus = Bus(*[bytes([k + 1]) for k in range(9)])
    bus.room = 2
    answers, bus.answers = bus.answers, deque()
    ring = ring_on(bus)
    with caplog.at_level(logging.WARNING):
        assert len(ring.read(1e-3)) == 0
    assert ring.counts.n_transfers == 2
    assert "2 instead of 4" in caplog.text
    bus.answers = answers
    bus.interrupt()
    assert [bytes(ring.read(WAIT_S))[0] for _ in range(9)] == list(range(1, 10))


def test_without_memory_for_any_the_ring_says_so(ring_on: Maker) -> None:
    bus = Bus()
    bus.room = 0
    with pytest.raises(RingUnavailableError, match="memory"):
        ring_on(bus).read(1e-3)


def test_memory_of_the_device_is_used_and_given_back(ring_on: Maker) -> None:
    bus = Bus(b"data")
    bus.has_device_memory = True
    ring = ring_on(bus)
    view = ring.read(WAIT_S)
    assert ring.counts.n_in_device_memory == len(bus.memory) == 4
    ring.close()
    gc.collect()
    # What somebody still looks at stays mapped until they are done.
    assert len(bus.memory) == 1
    assert bytes(view) == b"data"
    del view
    gc.collect()
    assert bus.memory == {}
    assert bus.n_unmapped_late == 1
    assert len(bus.freed) == 4


def test_after_a_stall_the_rest_is_taken_back_and_begun_anew(ring_on: Maker) -> None:
    bus = Bus(b"before", TransferStatus.STALL, TransferStatus.STALL)
    ring = ring_on(bus)
    assert bytes(ring.read(WAIT_S)) == b"before"
    with pytest.raises(EndpointStalledError):
        ring.read(WAIT_S)
    assert not bus.waiting
    bus.answers.clear()
    bus.answers.append(b"after")
    assert bytes(ring.read(WAIT_S)) == b"after"
    assert len(ring.read(1e-3)) == 0
    assert len(bus.waiting) == 4


def test_what_came_before_the_device_left_comes_first(ring_on: Maker) -> None:
    gone = [TransferStatus.NO_DEVICE] * 4
    bus = Bus(b"one", b"two", *gone)
    ring = ring_on(bus)
    assert bytes(ring.read(WAIT_S)) == b"one"
    bus.is_gone = True
    assert bytes(ring.read(WAIT_S)) == b"two"
    for _ in range(6):
        with pytest.raises(DeviceAbsentError):
            ring.read(WAIT_S)


@pytest.mark.parametrize("status", [TransferStatus.ERROR, TransferStatus.OVERFLOW])
def test_a_transfer_that_failed_is_told_and_the_next_goes_on(
    ring_on: Maker, status: TransferStatus
) -> None:
    ring = ring_on(Bus(status, b"next"))
    with pytest.raises(DeviceFailedError):
        ring.read(WAIT_S)
    assert bytes(ring.read(WAIT_S)) == b"next"


def test_a_transfer_that_never_ends_is_never_freed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(usb_ring, "CANCEL_TIMEOUT_S", 0.05)
    bus = Bus()
    bus.keeps_what_is_cancelled = True
    ring = BulkRing(bus, 0x81, n_transfers=2, transfer_bytes=N_BYTES)  # type: ignore[arg-type]
    ring.read(1e-3)
    ring.close()
    assert bus.freed == []
    assert ring in usb_ring._abandoned
    assert "never ended" in caplog.text
    bus.keeps_what_is_cancelled = False
    bus.interrupt()
    usb_ring._abandoned.remove(ring)
    assert ring._thread is not None
    ring._thread.join(WAIT_S)
    assert not ring._thread.is_alive()


def test_events_that_cannot_be_waited_for_are_told_after_what_came(
    ring_on: Maker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bus = Bus(b"came")
    ring = ring_on(bus, 2)
    assert bytes(ring.read(WAIT_S)) == b"came"
    with monkeypatch.context() as broken:

        def fail(timeout_s: float) -> None:
            raise libusb_error(-1)

        broken.setattr(bus, "handle_events", fail)
        bus.interrupt()
        assert ring._thread is not None
        ring._thread.join(WAIT_S)
        with pytest.raises(DeviceFailedError, match="plug the device in again"):
            ring.read(1e-3)
        assert "cannot be waited for" in caplog.text
        monkeypatch.setattr(usb_ring, "CANCEL_TIMEOUT_S", 0.05)
        ring.close()
        assert bus.freed == []
    assert ring in usb_ring._abandoned
    usb_ring._abandoned.remove(ring)


def test_a_closed_ring_begins_nothing(ring_on: Maker) -> None:
    bus = Bus()
    ring = ring_on(bus)
    ring.close()
    with pytest.raises(StateError, match="closed"):
        ring.read(1e-3)
    assert not bus.waiting


def test_a_library_without_the_functions_is_refused() -> None:
    with pytest.raises(RingUnavailableError, match="libusb_alloc_transfer"):
        LibusbCalls(ctypes.CDLL(None), None, 0)


def test_another_backend_and_another_pyusb_are_refused() -> None:
    with pytest.raises(RingUnavailableError, match="bus"):
        LibusbCalls.of(SimpleNamespace(backend=object()))
    changed = type("_LibUSB", (), {"__module__": "usb.backend.libusb1"})()
    with pytest.raises(RingUnavailableError, match="pyusb"):
        LibusbCalls.of(SimpleNamespace(backend=changed))
    context = SimpleNamespace(backend=changed, handle=SimpleNamespace(handle=7))
    changed.lib, changed.ctx = object(), 3
    with pytest.raises(RingUnavailableError, match="pyusb"):
        LibusbCalls.of(SimpleNamespace(backend=changed, _ctx=context))


def test_how_data_are_read_is_told_in_words() -> None:
    assert str(UsbReads(n_transfers=8, n_in_device_memory=8)).endswith("shared with the kernel")
    assert "3 of them in memory" in str(UsbReads(n_transfers=8, n_in_device_memory=3))
    assert str(UsbReads(n_transfers=8)) == "8 transfers in flight, copied by the kernel"
    assert "one transfer at a time (why)" in str(UsbReads(n_transfers=1, obstacle="why"))
