"""Data on libusb are the same, however short of memory or however new pyusb is."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from small_device import small_device

from usdk_drivers.umockdev import MockedBus
from usdk_drivers.usb_front_end import UsbFrontEnd
from usdk_drivers.usb_reads import UsbReads
from usdk_drivers.usb_ring_calls import LibusbCalls, RingUnavailableError

warnings: list[str] = []


class Kept(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING:
            warnings.append(record.getMessage())


logging.getLogger("usdk_drivers").addHandler(Kept())


@contextmanager
def memory_for(n_transfers: int) -> Iterator[None]:
    """Let libusb refuse what exceeds so many transfers in flight, as Linux does at 16 MiB."""
    submit, callback = LibusbCalls.submit, LibusbCalls.callback
    n_in_flight = 0

    def limited(calls: LibusbCalls, transfer: int) -> bool:
        nonlocal n_in_flight
        if n_in_flight >= n_transfers:
            return False
        n_in_flight += 1
        return submit(calls, transfer)

    def counting(function: Callable[[int, int, int], None]) -> object:
        def ended(index: int, status: int, n_bytes: int) -> None:
            nonlocal n_in_flight
            n_in_flight -= 1
            function(index, status, n_bytes)

        return callback(ended)

    with (
        patch.object(LibusbCalls, "submit", limited),
        patch.object(LibusbCalls, "callback", staticmethod(counting)),
    ):
        yield


@contextmanager
def unknown_pyusb() -> Iterator[None]:
    def refuse(device: object) -> LibusbCalls:
        raise RingUnavailableError("this version of pyusb keeps libusb's handle elsewhere")

    with patch.object(LibusbCalls, "of", refuse):
        yield


def read() -> tuple[NDArray[np.int16], UsbReads]:
    device = small_device("F-1")
    bus.add(device)
    with UsbFrontEnd.open("") as front_end:
        front_end.configure()
        data = np.concatenate([front_end.read(2, timeout_s=60.0).data for _ in range(5)])
        reads = front_end.reads
    bus.remove(device)
    return data, reads


with MockedBus() as bus:
    usual, reads = read()
    assert (reads.n_transfers, reads.obstacle) == (8, "")
    assert warnings == []
    with memory_for(3):
        data, reads = read()
    assert np.array_equal(data, usual)
    assert (reads.n_transfers, reads.obstacle) == (3, "")
    assert "3 instead of 8" in warnings.pop()
    with memory_for(0):
        data, reads = read()
    assert np.array_equal(data, usual)
    assert "no memory" in reads.obstacle
    assert "one transfer at a time" in warnings.pop()
    with unknown_pyusb():
        data, reads = read()
    assert np.array_equal(data, usual)
    assert "this version of pyusb" in reads.obstacle
    assert "one transfer at a time" in warnings.pop()
    assert warnings == []
print("done")  # noqa: T201
