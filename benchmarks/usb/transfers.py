"""Bytes from a simulated device to the driver's transport, on every bus there is in user space."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from usdk_drivers.simulator.device_model import UsbDevice
from usdk_drivers.simulator.pyusb_backend import SimulatedBackend
from usdk_drivers.umockdev import MockedBus
from usdk_drivers.usb_address import PRODUCT_ID, VENDOR_ID, UsbAddress
from usdk_drivers.usb_devices import INTERFACE_CLASS, INTERFACE_PROTOCOL, INTERFACE_SUBCLASS
from usdk_drivers.usb_link import Transport
from usdk_drivers.usb_ring import TRANSFER_BYTES
from usdk_drivers.usb_transport import UsbTransport
from usdk_drivers.usbip import UsbIpServer
from usdk_drivers.usbip.transport import UsbIpTransport

SMALL_BYTES = 64
MOCKED = "USDK_BENCH_MOCKED"


class Memory:
    """A device that always has data: ``n_bytes`` of them for each transfer."""

    def __init__(self, n_bytes: int) -> None:
        self._block = memoryview(os.urandom(n_bytes))

    def control(self, *, incoming: bool, request: int, value: int, index: int) -> bytes:
        return b""

    def bulk_out(self, data: bytes) -> None:
        pass

    def bulk_in(self, buffer: memoryview, timeout_s: float) -> int:
        n_bytes = len(self._block)
        buffer.cast("B")[:n_bytes] = self._block
        return n_bytes


def device(n_bytes: int) -> UsbDevice:
    return UsbDevice(
        Memory(n_bytes),
        vendor_id=VENDOR_ID,
        product_id=PRODUCT_ID,
        interface_triple=(INTERFACE_CLASS, INTERFACE_SUBCLASS, INTERFACE_PROTOCOL),
        strings=("usdk", "memory", "B-1"),
    )


@contextmanager
def on_pyusb_backend(n_bytes: int) -> Iterator[Transport]:
    transport = UsbTransport.open(UsbAddress(), SimulatedBackend([device(n_bytes)]))
    yield transport
    transport.close()


@contextmanager
def on_usb_ip(n_bytes: int) -> Iterator[Transport]:
    with UsbIpServer([device(n_bytes)], port=0) as server:
        transport = UsbIpTransport.open(*server.address, "1-1")
        yield transport
        transport.close()


@lru_cache(maxsize=1)
def mocked_bus() -> MockedBus:
    return MockedBus()


@contextmanager
def on_libusb(n_bytes: int) -> Iterator[Transport]:
    # libusb watches the bus that was there when it was loaded.
    bus, memory = mocked_bus(), device(n_bytes)
    bus.add(memory)
    transport = UsbTransport.open(UsbAddress())
    yield transport
    transport.close()
    bus.remove(memory)


@contextmanager
def on_libusb_one_at_a_time(n_bytes: int) -> Iterator[Transport]:
    with on_libusb(n_bytes) as transport:
        assert isinstance(transport, UsbTransport)
        transport._read_one_at_a_time("measured")
        yield transport


IN_PROCESS = {"pyusb backend": on_pyusb_backend, "USB/IP, 4 in flight": on_usb_ip}
UNDER_UMOCKDEV = {
    "libusb on umockdev, in flight": on_libusb,
    "the same, one at a time": on_libusb_one_at_a_time,
}


def rate_bytes_s(transport: Transport, seconds: float) -> float:
    """Bytes a second, the best of five parts of the time."""
    best = 0.0
    for _ in range(5):
        n_bytes, began_s = 0, time.perf_counter()
        while (elapsed_s := time.perf_counter() - began_s) < seconds / 5:
            n_bytes += len(transport.read(1.0))
        best = max(best, n_bytes / elapsed_s)
    return best


def measure(seconds: float) -> None:
    mocked = os.environ.get(MOCKED) == "1"
    for name, opened in (UNDER_UMOCKDEV if mocked else IN_PROCESS).items():
        with opened(TRANSFER_BYTES) as transport:
            transport.read(1.0)
            large = rate_bytes_s(transport, seconds)
        with opened(SMALL_BYTES) as transport:
            transport.read(1.0)
            small_s = SMALL_BYTES / rate_bytes_s(transport, seconds)
        print(f"{name:30s} {large / 1e9:8.2f} GB/s at 1 MiB {small_s * 1e6:8.1f} µs a read of 64 B")
    wrapper = shutil.which("umockdev-wrapper")
    if mocked or wrapper is None:
        return
    sys.stdout.flush()
    here = str(Path(__file__).parent)
    subprocess.run(
        [wrapper, sys.executable, here, "transfers", str(seconds)],
        env={**os.environ, MOCKED: "1"},
        check=True,
    )
