"""A USB device without a bus: descriptors, endpoint 0, bulk endpoints, stalls and unplugging.

Knows nothing of what carries it to a host, so that the same device can stand behind a pyusb
backend, a USB/IP server or a virtual machine.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Protocol

from usdk_drivers.simulator.binary_object_store import (
    BOS,
    MICROSOFT_DESCRIPTOR_INDEX,
    MICROSOFT_VENDOR_REQUEST,
    binary_object_store,
    microsoft_descriptor_set,
)

__all__ = [
    "BULK_IN",
    "BULK_OUT",
    "INTERRUPT_IN",
    "EndpointDescriptor",
    "Gone",
    "Nak",
    "Stall",
    "UsbDevice",
    "UsbFunction",
]

BULK_OUT, BULK_IN, INTERRUPT_IN = 0x01, 0x81, 0x82
_BULK, _INTERRUPT = 2, 3
_DIRECTION_IN = 0x80
_TYPE_MASK, _STANDARD, _VENDOR = 0x60, 0x00, 0x40
_RECIPIENT_MASK, _WHOLE, _INTERFACE, _ENDPOINT = 0x1F, 0, 1, 2
_ENDPOINT_HALT = 0
_GET_STATUS, _CLEAR_FEATURE, _SET_FEATURE = 0, 1, 3
_GET_DESCRIPTOR, _GET_CONFIGURATION, _SET_CONFIGURATION = 6, 8, 9
_GET_INTERFACE, _SET_INTERFACE = 10, 11
_DEVICE, _CONFIGURATION, _STRING = 1, 2, 3
_ENGLISH = 0x0409
_BUS_POWER_8_MA = 112  # 896 mA, in units of 8 mA


class Stall(Exception):  # noqa: N818  # USB's word: a handshake, not a failure of this program
    """The device refuses; a bulk endpoint stays halted until the host clears it."""


class Gone(Exception):  # noqa: N818
    """The device is not on the bus any more."""


class Nak(Exception):  # noqa: N818
    """The device had nothing to send for the whole time allowed."""


class UsbFunction(Protocol):
    """What a device does on its vendor interface."""

    def control(self, *, incoming: bool, request: int, value: int, index: int) -> bytes:
        """Answer a vendor request; `Stall` to refuse."""

    def bulk_out(self, data: bytes) -> None:
        """Take bytes."""

    def bulk_in(self, buffer: memoryview, timeout_s: float) -> int:
        """Fill the buffer and return how many bytes; fewer end the transfer."""


@dataclass(frozen=True)
class EndpointDescriptor:
    """One endpoint of a SuperSpeed interface."""

    address: int
    transfer_type: int
    max_packet_bytes: int
    interval: int = 0
    max_burst: int = 0

    def pack(self) -> bytes:
        """Return the endpoint descriptor (USB 3.2, 9.6.6)."""
        return struct.pack(
            "<BBBBHB", 7, 5, self.address, self.transfer_type, self.max_packet_bytes, self.interval
        )

    def pack_companion(self) -> bytes:
        """Return the SuperSpeed endpoint companion descriptor (USB 3.2, 9.6.7)."""
        per_interval = self.max_packet_bytes if self.transfer_type == _INTERRUPT else 0
        return struct.pack("<BBBBH", 6, 0x30, self.max_burst, 0, per_interval)


class UsbDevice:
    """A SuperSpeed device with one vendor interface.

    Parameters
    ----------
    function : UsbFunction
        What the interface does.
    vendor_id, product_id : int
    interface_triple : (int, int, int)
        Class, subclass and protocol of the interface.
    strings : (str, str, str)
        Manufacturer, product, serial number.
    """

    endpoints = (
        EndpointDescriptor(BULK_OUT, _BULK, 1024, max_burst=15),
        EndpointDescriptor(BULK_IN, _BULK, 1024, max_burst=15),
        EndpointDescriptor(INTERRUPT_IN, _INTERRUPT, 64, interval=4),
    )

    def __init__(
        self,
        function: UsbFunction,
        *,
        vendor_id: int,
        product_id: int,
        interface_triple: tuple[int, int, int],
        strings: tuple[str, str, str],
    ) -> None:
        self._function = function
        self.vendor_id, self.product_id = vendor_id, product_id
        self.interface_triple = interface_triple
        self.strings = strings
        self.is_attached = True
        self.configuration_value = 1
        self._halted: set[int] = set()

    def unplug(self) -> None:
        """Take the device off the bus; whoever talks to it meets `Gone`."""
        self.is_attached = False

    def plug(self) -> None:
        """Put the device back on the bus."""
        self._halted.clear()
        self.is_attached = True

    def control(
        self, request_type: int, request: int, value: int, index: int, length: int
    ) -> bytes:
        """Answer a control request with at most ``length`` bytes."""
        self._require_attached()
        kind = request_type & _TYPE_MASK
        if kind == _STANDARD:
            return self._standard(request_type, request, value, index)[:length]
        if kind != _VENDOR:
            raise Stall
        incoming = bool(request_type & _DIRECTION_IN)
        if request == MICROSOFT_VENDOR_REQUEST and index == MICROSOFT_DESCRIPTOR_INDEX and incoming:
            return microsoft_descriptor_set()[:length]
        answer = self._function.control(
            incoming=incoming, request=request, value=value, index=index
        )
        return answer[:length]

    def bulk_out(self, endpoint: int, data: bytes) -> int:
        """Take a transfer and return how many bytes were taken."""
        self._require_ready(endpoint)
        try:
            self._function.bulk_out(data)
        except Stall:
            self._halted.add(endpoint)
            raise
        return len(data)

    def bulk_in(self, endpoint: int, buffer: memoryview, timeout_s: float) -> int:
        """Fill the buffer and return how many bytes; `Nak` if none came in time."""
        self._require_ready(endpoint)
        if endpoint != BULK_IN:
            raise Nak
        try:
            return self._function.bulk_in(buffer, timeout_s)
        except Stall:
            self._halted.add(endpoint)
            raise
        except Gone:
            self.unplug()
            raise

    def clear_halt(self, endpoint: int) -> None:
        """Lift an endpoint's halt."""
        self._require_attached()
        self._halted.discard(endpoint)

    def configuration_descriptor(self) -> bytes:
        """Return the configuration descriptor with all that belongs to it."""
        body = struct.pack(
            "<BBBBBBBBB", 9, 4, 0, 0, len(self.endpoints), *self.interface_triple, 0
        ) + b"".join(e.pack() + e.pack_companion() for e in self.endpoints)
        head = struct.pack("<BBHBBBBB", 9, 2, 9 + len(body), 1, 1, 0, 0x80, _BUS_POWER_8_MA)
        return head + body

    def device_descriptor(self) -> bytes:
        """Return the device descriptor (USB 3.2, 9.6.1)."""
        return struct.pack(
            "<BBHBBBBHHHBBBB",
            *(18, 1, 0x0320, 0, 0, 0, 9),
            *(self.vendor_id, self.product_id, 0x0100, 1, 2, 3, 1),
        )

    def _standard(self, request_type: int, request: int, value: int, index: int) -> bytes:
        recipient = request_type & _RECIPIENT_MASK
        if request == _GET_DESCRIPTOR:
            return self._descriptor(value)
        if request == _GET_STATUS:
            return struct.pack("<H", recipient == _ENDPOINT and index in self._halted)
        if recipient == _ENDPOINT and value == _ENDPOINT_HALT:
            return self._set_halt(request, index)
        if recipient == _WHOLE and request == _GET_CONFIGURATION:
            return bytes([self.configuration_value])
        if recipient == _WHOLE and request == _SET_CONFIGURATION and value in (0, 1):
            self.configuration_value = value
        elif recipient == _INTERFACE and request == _GET_INTERFACE and index == 0:
            return b"\0"
        elif not (recipient == _INTERFACE and request == _SET_INTERFACE and value == index == 0):
            raise Stall
        # A configuration or a setting begins with endpoints that are not halted.
        self._halted.clear()
        return b""

    def _set_halt(self, request: int, endpoint: int) -> bytes:
        if endpoint not in {e.address for e in self.endpoints}:
            raise Stall
        if request == _CLEAR_FEATURE:
            self._halted.discard(endpoint)
        elif request == _SET_FEATURE:
            self._halted.add(endpoint)
        else:
            raise Stall
        return b""

    def _descriptor(self, value: int) -> bytes:
        kind, index = value >> 8, value & 0xFF
        if kind == _DEVICE:
            return self.device_descriptor()
        if kind == _CONFIGURATION and index == 0:
            return self.configuration_descriptor()
        if kind == BOS and index == 0:
            return binary_object_store()
        if kind == _STRING and index <= len(self.strings):
            text = self.strings[index - 1].encode("utf-16-le") if index else b""
            body = text if index else struct.pack("<H", _ENGLISH)
            return bytes([2 + len(body), _STRING]) + body
        raise Stall

    def _require_attached(self) -> None:
        if not self.is_attached:
            raise Gone

    def _require_ready(self, endpoint: int) -> None:
        self._require_attached()
        if endpoint in self._halted or endpoint not in {e.address for e in self.endpoints}:
            raise Stall
