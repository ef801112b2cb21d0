"""UsbIpTransport: a claimed interface of a device behind USB/IP, several transfers in flight."""

from __future__ import annotations

import struct
import threading
import time
from collections import deque
from typing import Self

from usdk.errors import (
    DeviceAbsentError,
    DeviceFailedError,
    DeviceTimeoutError,
    StateError,
)
from usdk_drivers.usb_devices import INTERFACE_CLASS, INTERFACE_PROTOCOL, INTERFACE_SUBCLASS
from usdk_drivers.usb_errors import EndpointStalledError
from usdk_drivers.usb_reads import UsbReads
from usdk_drivers.usb_ring import TRANSFER_BYTES
from usdk_drivers.usb_transport import CONTROL_TIMEOUT_S, UPLOAD_BYTES
from usdk_drivers.usbip.client import Transfer, UsbIpClient

__all__ = ["N_TRANSFERS", "UsbIpTransport"]

N_TRANSFERS = 4
"""Reads in flight: while one is looked at, the others go on."""

_VENDOR_IN, _VENDOR_OUT = 0xC0, 0x40
_STANDARD_IN, _TO_ENDPOINT, _TO_DEVICE = 0x80, 0x02, 0x00
_GET_DESCRIPTOR, _SET_CONFIGURATION, _CLEAR_FEATURE = 6, 9, 1
_CONFIGURATION, _INTERFACE, _ENDPOINT = 2, 4, 5
_BULK, _DIRECTION_IN = 2, 0x80
_MAX_DESCRIPTOR_BYTES = 4096


class UsbIpTransport:
    """`usdk_drivers.usb_link.Transport` over a `UsbIpClient`.

    One thread may read while another sends requests or closes.

    Parameters
    ----------
    client : UsbIpClient
        Attached; closed by this.
    """

    def __init__(self, client: UsbIpClient) -> None:
        self._client = client
        self._reading, self._requesting = threading.Lock(), threading.Lock()
        self._in_flight: deque[Transfer] = deque()
        self._buffers = [memoryview(bytearray(TRANSFER_BYTES)) for _ in range(N_TRANSFERS)]
        self._is_closed = False
        try:
            self._number, self._out, self._in = self._claim()
        except BaseException:
            client.close()
            raise

    @classmethod
    def open(cls, host: str, port: int, bus_id: str) -> Self:
        """Attach a device; raises as `UsbIpClient` does."""
        return cls(UsbIpClient(host, port, bus_id))

    def control_in(self, request: int, *, value: int = 0, index: int = 0, length: int) -> bytes:
        """Return the answer to a vendor request, at most ``length`` bytes."""
        return self._control(_VENDOR_IN, request, value, index, length)

    def control_out(self, request: int, *, value: int = 0) -> None:
        """Send a vendor request without data."""
        self._control(_VENDOR_OUT, request, value, 0, 0)

    def upload(self, data: bytes, deadline_s: float) -> None:
        """Send ``data`` by bulk OUT before ``deadline_s`` on `time.monotonic`'s clock."""
        view = memoryview(data)
        while len(view):
            remaining_s = deadline_s - time.monotonic()
            if remaining_s <= 0:
                raise DeviceTimeoutError("the device did not take the upload in time")
            with self._requesting:
                self._require_open()
                piece = view[:UPLOAD_BYTES]
                transfer = self._client.submit(self._out & 0xF, is_incoming=False, buffer=piece)
                try:
                    n_sent = self._client.complete(transfer, remaining_s, "taking an upload")
                except EndpointStalledError:
                    self._clear_halt(self._out)
                    raise
            if not n_sent:
                raise DeviceFailedError("the device took nothing of an upload: plug it in again")
            view = view[n_sent:]

    def read(self, timeout_s: float) -> memoryview:
        """Return what bulk IN brought; empty after ``timeout_s``.

        The bytes are valid until the next call.

        Raises
        ------
        EndpointStalledError
            If the device halted the endpoint: `clear_halt` and go on.
        """
        with self._reading:
            self._require_open()
            while self._buffers:
                self._in_flight.append(
                    self._client.submit(
                        self._in & 0xF, is_incoming=True, buffer=self._buffers.pop()
                    )
                )
            first = self._in_flight[0]
            if not self._client.wait(first, max(timeout_s, 1e-3)):
                return memoryview(b"")
            self._in_flight.popleft()
            self._buffers.append(first.buffer)
            try:
                return first.buffer[: self._client.n_moved(first, "sending data")]
            except EndpointStalledError:
                self._take_all_back()
                raise
            except DeviceAbsentError:
                # What was closed by another thread looks like what is gone.
                self._require_open()
                raise

    @property
    def reads(self) -> UsbReads:
        """How bulk IN is read."""
        return UsbReads(n_transfers=N_TRANSFERS)

    def clear_halt(self) -> None:
        """Lift the halt of bulk IN."""
        with self._requesting:
            self._require_open()
            self._clear_halt(self._in)

    def close(self) -> None:
        """Let the device go; works on one that is gone, and twice."""
        self._is_closed = True
        self._client.close()

    def _take_all_back(self) -> None:
        # What stands behind a halt met it, too, and would be taken for more of them.
        for transfer in reversed(self._in_flight):
            self._client.take_back(transfer)
            self._buffers.append(transfer.buffer)
        self._in_flight.clear()

    def _control(self, kind: int, request: int, value: int, index: int, length: int) -> bytes:
        with self._requesting:
            self._require_open()
            return self._request(kind, request, value, index, length)

    def _request(self, kind: int, request: int, value: int, index: int, length: int) -> bytes:
        buffer = memoryview(bytearray(length))
        setup = struct.pack("<BBHHH", kind, int(request), int(value), int(index), length)
        transfer = self._client.submit(
            0, is_incoming=bool(kind & _DIRECTION_IN), buffer=buffer, setup=setup
        )
        doing = f"answering request {int(request):#04x}"
        n_bytes = self._client.complete(transfer, CONTROL_TIMEOUT_S, doing)
        return bytes(buffer[:n_bytes])

    def _clear_halt(self, endpoint: int) -> None:
        self._request(_TO_ENDPOINT, _CLEAR_FEATURE, 0, endpoint, 0)

    def _claim(self) -> tuple[int, int, int]:
        descriptor = self._request(
            _STANDARD_IN, _GET_DESCRIPTOR, _CONFIGURATION << 8, 0, _MAX_DESCRIPTOR_BYTES
        )
        found = _find_interface(descriptor)
        self._request(_TO_DEVICE, _SET_CONFIGURATION, descriptor[5], 0, 0)
        return found

    def _require_open(self) -> None:
        if self._is_closed:
            raise StateError("the front-end is closed: open it again")


def _find_interface(descriptor: bytes) -> tuple[int, int, int]:
    """Return number, bulk OUT and bulk IN of the interface that speaks the wire protocol."""
    wanted = bytes((INTERFACE_CLASS, INTERFACE_SUBCLASS, INTERFACE_PROTOCOL))
    number: int | None = None
    endpoints: list[int] = []
    place = 0
    while place + 2 <= len(descriptor):
        length, kind = descriptor[place], descriptor[place + 1]
        part = descriptor[place : place + length]
        if length < 2 or len(part) < length:
            raise DeviceFailedError("the device's descriptors are damaged: update its firmware")
        if kind == _INTERFACE and length >= 9:
            if number is not None:
                break
            number = part[2] if part[5:8] == wanted else None
        elif kind == _ENDPOINT and length >= 7 and number is not None and part[3] & 3 == _BULK:
            endpoints.append(part[2])
        place += length
    outgoing = [endpoint for endpoint in endpoints if not endpoint & _DIRECTION_IN]
    incoming = [endpoint for endpoint in endpoints if endpoint & _DIRECTION_IN]
    if number is None or len(outgoing) != 1 or len(incoming) != 1 or len(descriptor) < 9:
        raise DeviceFailedError(
            "the device has no interface that speaks the wire protocol with one bulk IN and one "
            "bulk OUT endpoint: it is another kind of device"
        )
    return number, outgoing[0], incoming[0]
