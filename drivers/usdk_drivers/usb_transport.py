"""Transport: moves bytes to and from one claimed USB interface, every wait with a deadline."""

from __future__ import annotations

import atexit
import logging
import math
import os
import threading
import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self

import numpy as np

from usdk.errors import (
    DeviceAbsentError,
    DeviceFailedError,
    DeviceTimeoutError,
    StateError,
    UsdkError,
)
from usdk_drivers.usb_address import UsbAddress
from usdk_drivers.usb_devices import (
    bulk_endpoints,
    find_devices,
    interface_of,
    release,
    serial_number,
)
from usdk_drivers.usb_errors import EndpointStalledError, import_usb, translated
from usdk_drivers.usb_reads import UsbReads
from usdk_drivers.usb_ring import TRANSFER_BYTES, BulkRing
from usdk_drivers.usb_ring_calls import LibusbCalls, RingUnavailableError, is_libusb

__all__ = ["UsbTransport", "possible_reads"]

CONTROL_TIMEOUT_S = 1.0
# Linux splits a transfer into pieces of 16 KiB; an upload in pieces of this size shows progress.
UPLOAD_BYTES = 64 * 2**10
_VENDOR_IN, _VENDOR_OUT = 0xC0, 0x40
_before_exit: set[UsbTransport] = set()
_log = logging.getLogger(__name__)


def possible_reads(device: Any) -> UsbReads:
    """Return how the data of a device that is claimed would be read."""
    try:
        ring = BulkRing(LibusbCalls.of(device), bulk_endpoints(interface_of(device))[1])
    except (RingUnavailableError, DeviceFailedError) as error:
        return UsbReads(n_transfers=1, obstacle=str(error))
    counts = ring.counts
    ring.close()
    return UsbReads(n_transfers=counts.n_transfers, n_in_device_memory=counts.n_in_device_memory)


class UsbTransport:
    """One claimed interface: control requests on endpoint 0, bulk OUT and bulk IN.

    Reads are a ring of transfers in flight where libusb carries them, else one at a time; `reads`
    tells which, and why. One thread may read while another sends requests or closes; closing waits
    for the transfer that is under way, since libusb must not lose a handle that it works on.

    Parameters
    ----------
    device : usb.core.Device
        As `find_devices` returns it.
    """

    def __init__(self, device: Any) -> None:
        self._usb = import_usb()
        self._device = device
        self._reading, self._requesting = threading.Lock(), threading.Lock()
        self._is_closed = False
        self._ring: BulkRing | None = None
        self._obstacle = ""
        self._buffer = array("B")
        try:
            with translated("opening the device"):
                self._number, self._out, self._in = self._claim()
            self._prepare_reads()
        except BaseException:
            self.close()
            raise

    @classmethod
    def open(cls, address: UsbAddress, backend: Any = None) -> Self:
        """Open the only device at ``address``.

        Raises
        ------
        DeviceAbsentError
            If there is none.
        DeviceFailedError
            If there are several, access is denied, or another program uses it.
        """
        devices = find_devices(address, backend)
        if not devices:
            raise DeviceAbsentError(f"no device answers at {address}: plug it in and switch it on")
        if len(devices) > 1:
            names = ", ".join(sorted(serial_number(device) or "?" for device in devices))
            raise DeviceFailedError(
                f"{len(devices)} devices answer at {address} (serial numbers {names}): "
                "name one as usb:serial=…"
            )
        return cls(devices[0])

    def control_in(self, request: int, *, value: int = 0, index: int = 0, length: int) -> bytes:
        """Return the answer to a vendor request, at most ``length`` bytes."""
        with self._open(self._requesting), translated(f"answering request {int(request):#04x}"):
            answer = self._device.ctrl_transfer(
                _VENDOR_IN, request, value, index, length, _milliseconds(CONTROL_TIMEOUT_S)
            )
        return bytes(answer)

    def control_out(self, request: int, *, value: int = 0) -> None:
        """Send a vendor request without data."""
        with self._open(self._requesting), translated(f"obeying request {int(request):#04x}"):
            self._device.ctrl_transfer(
                _VENDOR_OUT, request, value, 0, None, _milliseconds(CONTROL_TIMEOUT_S)
            )

    def upload(self, data: bytes, deadline_s: float) -> None:
        """Send ``data`` by bulk OUT before ``deadline_s`` on `time.monotonic`'s clock."""
        view = memoryview(data)
        while len(view):
            remaining_s = deadline_s - time.monotonic()
            if remaining_s <= 0:
                raise DeviceTimeoutError("the device did not take the upload in time")
            # pyusb copies anything but an array.array byte by byte.
            piece = array("B", view[:UPLOAD_BYTES].tobytes())
            with self._open(self._requesting):
                try:
                    with translated("taking an upload"):
                        n_sent = self._device.write(self._out, piece, _milliseconds(remaining_s))
                except EndpointStalledError:
                    # Refused; the endpoint must be ready for the next upload.
                    with translated("clearing a halted endpoint"):
                        self._device.clear_halt(self._out)
                    raise
            view = view[n_sent:]

    def read(self, timeout_s: float) -> memoryview:
        """Return what bulk IN brought, at most `TRANSFER_BYTES`; empty after ``timeout_s``.

        The bytes lie in the transport's own memory, until the next call.

        Raises
        ------
        EndpointStalledError
            If the device halted the endpoint: `clear_halt` and go on.
        """
        with self._reading:
            self._require_open()
            if self._ring is not None:
                try:
                    return self._ring.read(timeout_s)
                except RingUnavailableError as error:
                    self._ring.close()
                    self._read_one_at_a_time(str(error))
            return self._read_once(timeout_s)

    @property
    def reads(self) -> UsbReads:
        """How bulk IN is read."""
        ring = self._ring
        if ring is None:
            return UsbReads(n_transfers=1, n_in_device_memory=0, obstacle=self._obstacle)
        counts = ring.counts
        return UsbReads(
            n_transfers=counts.n_transfers, n_in_device_memory=counts.n_in_device_memory
        )

    def clear_halt(self) -> None:
        """Lift the halt of bulk IN."""
        with self._open(self._requesting), translated("clearing a halted endpoint"):
            self._device.clear_halt(self._in)

    def close(self) -> None:
        """Release the interface; works on a device that is gone, and twice."""
        with self._reading, self._requesting:
            if self._is_closed:
                return
            self._is_closed = True
            _before_exit.discard(self)
            try:
                if self._ring is not None:
                    self._ring.close()
            finally:
                release(self._device)

    def _prepare_reads(self) -> None:
        try:
            self._ring = BulkRing(LibusbCalls.of(self._device), self._in)
            _before_exit.add(self)
        except RingUnavailableError as error:
            self._read_one_at_a_time(str(error))
        _log.info("USB data are read by %s", self.reads)

    def _read_one_at_a_time(self, obstacle: str) -> None:
        if self._ring is not None or is_libusb(self._device):
            _log.warning("USB data are read one transfer at a time: %s", obstacle)
        self._ring, self._obstacle = None, obstacle
        self._buffer = array("B", bytes(TRANSFER_BYTES))
        # pyusb reads into an array.array without a copy, and numpy views it without one.
        self._view = np.frombuffer(self._buffer, dtype=np.uint8).data

    def _read_once(self, timeout_s: float) -> memoryview:
        try:
            with translated("sending data"):
                n_bytes = self._device.read(self._in, self._buffer, _milliseconds(timeout_s))
        except DeviceTimeoutError:
            n_bytes = 0
        return self._view[:n_bytes]

    @contextmanager
    def _open(self, lock: threading.Lock) -> Iterator[None]:
        """Hold a lock during a transfer; pyusb would open a closed device again by itself."""
        with lock:
            self._require_open()
            yield

    def _require_open(self) -> None:
        if self._is_closed:
            raise StateError("the front-end is closed: open it again")

    def _claim(self) -> tuple[int, int, int]:
        try:
            self._device.get_active_configuration()
        except self._usb.core.USBError as error:
            # pyusb raises without a code when the device stands unconfigured.
            if error.errno is not None:
                raise
            self._device.set_configuration()
        interface = interface_of(self._device)
        if interface is None:
            raise DeviceFailedError("the device lost its interface: plug it in again")
        number = interface.bInterfaceNumber
        with suppress(NotImplementedError):
            if self._device.is_kernel_driver_active(number):
                self._device.detach_kernel_driver(number)
        self._usb.util.claim_interface(self._device, number)
        return number, *bulk_endpoints(interface)


def _close_before_exit() -> None:
    """Close what has transfers in flight: libusb aborts a program that ends with some."""
    for transport in tuple(_before_exit):
        with suppress(UsdkError):
            transport.close()


atexit.register(_close_before_exit)
if hasattr(os, "register_at_fork"):
    # They are the parent's.
    os.register_at_fork(after_in_child=_before_exit.clear)


def _milliseconds(timeout_s: float) -> int:
    # 0 would mean for ever to libusb.
    return max(1, math.ceil(timeout_s * 1e3))
