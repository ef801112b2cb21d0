"""A USB device without a bus: descriptors, endpoint 0, bulk endpoints, stalls and unplugging.

Knows nothing of what carries it to a host, so that the same device can stand behind a pyusb
backend, a USB/IP server or a virtual machine.
"""

from __future__ import annotations

import math
import struct
import threading
import time
from collections.abc import Callable
from typing import Protocol

from usdk_drivers.simulator.binary_object_store import (
    BOS,
    MICROSOFT_DESCRIPTOR_INDEX,
    MICROSOFT_VENDOR_REQUEST,
    binary_object_store,
    microsoft_descriptor_set,
)
from usdk_drivers.simulator.endpoints import (
    BULK_IN,
    BULK_OUT,
    ENDPOINTS,
    INTERRUPT_IN,
    EndpointDescriptor,
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
# A transfer that waits looks so often whether the device is still there.
_LOOK_S = 0.02
_ASK_AGAIN_S = 1e-4


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
    endpoints : tuple of EndpointDescriptor
        Of the interface.
    n_descriptor_bytes : int, optional
        The configuration descriptor is cut off after so many bytes, though it claims its length.
    return_s : float, optional
        When the function takes the device off the bus, it is back after so many seconds; it stays
        away when absent.
    on_return : callable, optional
        Called whenever the device is plugged in again, before anybody sees it.
    """

    def __init__(
        self,
        function: UsbFunction,
        *,
        vendor_id: int,
        product_id: int,
        interface_triple: tuple[int, int, int],
        strings: tuple[str, str, str],
        endpoints: tuple[EndpointDescriptor, ...] = ENDPOINTS,
        n_descriptor_bytes: int | None = None,
        return_s: float | None = None,
        on_return: Callable[[], None] | None = None,
    ) -> None:
        self._function = function
        self.endpoints = endpoints
        self._addresses = frozenset(endpoint.address for endpoint in endpoints)
        self._n_descriptor_bytes = n_descriptor_bytes
        self._return_s, self._on_return = return_s, on_return
        self.vendor_id, self.product_id = vendor_id, product_id
        self.interface_triple = interface_triple
        self.strings = strings
        self._plugging = threading.RLock()
        self._is_attached = True
        self._returns_s = math.inf
        self.n_unplugs = 0
        """How often it went away: a host's handle is void after the next time."""
        self.configuration_value = 1
        self._halted: set[int] = set()

    @property
    def interfaces(self) -> tuple[tuple[int, int, int], ...]:
        """Class, subclass and protocol of each interface."""
        return (self.interface_triple,)

    def interface_of(self, endpoint: int) -> int:
        """Return which interface an endpoint belongs to."""
        return 0

    @property
    def is_attached(self) -> bool:
        """Whether the device is on the bus."""
        if self._returns_s == math.inf:
            # Asked before each transfer: nothing to do, nothing to wait for.
            return self._is_attached
        with self._plugging:
            if time.monotonic() >= self._returns_s:
                self.plug()
            return self._is_attached

    def unplug(self, return_s: float | None = None) -> None:
        """Take the device off the bus, for ``return_s`` if given; its users meet `Gone`."""
        with self._plugging:
            self.n_unplugs += self._is_attached
            self._is_attached = False
            self._returns_s = math.inf if return_s is None else time.monotonic() + return_s

    def plug(self) -> None:
        """Put the device back on the bus, as after power on."""
        with self._plugging:
            self._returns_s = math.inf
            if self._is_attached:
                return
            self._halted.clear()
            self.configuration_value = 1
            if self._on_return is not None:
                self._on_return()
            self._is_attached = True

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
        n_unplugs, end_s = self.n_unplugs, time.monotonic() + timeout_s
        self._require_ready(endpoint)
        if endpoint != BULK_IN:
            raise Nak
        while True:
            slice_s = min(_LOOK_S, max(0.0, end_s - time.monotonic()))
            try:
                return self._function.bulk_in(buffer, slice_s)
            except Stall:
                self._halted.add(endpoint)
                raise
            except Gone:
                self.unplug(self._return_s)
                raise
            except Nak:
                if n_unplugs != self.n_unplugs:
                    raise Gone from None
                if time.monotonic() >= end_s:
                    raise
                # A function that does not wait by itself is not asked without a pause.
                time.sleep(_ASK_AGAIN_S)

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
        return (head + body)[: self._n_descriptor_bytes]

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
        if endpoint not in self._addresses:
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
        if endpoint in self._halted or endpoint not in self._addresses:
            raise Stall
