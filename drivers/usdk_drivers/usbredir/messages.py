"""Messages of the USB redirection protocol 0.7, as far as bulk and interrupt endpoints need them.

Source: https://gitlab.freedesktop.org/spice/usbredir, docs/usb-redirection-protocol.md. All numbers
are little-endian. Every message has a header of type, length and id; the id has 64 bits once both
sides said so, except in the first message.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag

from usdk.errors import DataDamagedError
from usdk_drivers.simulator.device_model import UsbDevice
from usdk_drivers.usbip.messages import MAX_TRANSFER_BYTES

__all__ = [
    "FIRST_HEADER_BYTES",
    "HEADER_BYTES",
    "MAX_MESSAGE_BYTES",
    "OURS",
    "BulkHeader",
    "Capability",
    "ControlHeader",
    "Message",
    "Status",
    "device_connect",
    "endpoint_info",
    "hello",
    "interface_info",
    "pack_header",
    "unpack_capabilities",
    "unpack_header",
    "unpack_numbers",
]


class Message(IntEnum):
    """Types of messages."""

    HELLO = 0
    DEVICE_CONNECT = 1
    DEVICE_DISCONNECT = 2
    RESET = 3
    INTERFACE_INFO = 4
    EP_INFO = 5
    SET_CONFIGURATION = 6
    GET_CONFIGURATION = 7
    CONFIGURATION_STATUS = 8
    SET_ALT_SETTING = 9
    GET_ALT_SETTING = 10
    ALT_SETTING_STATUS = 11
    START_INTERRUPT_RECEIVING = 15
    STOP_INTERRUPT_RECEIVING = 16
    INTERRUPT_RECEIVING_STATUS = 17
    CANCEL_DATA_PACKET = 21
    FILTER_REJECT = 22
    DEVICE_DISCONNECT_ACK = 24
    CONTROL_PACKET = 100
    BULK_PACKET = 101
    INTERRUPT_PACKET = 103


class Status(IntEnum):
    """How a transfer ended."""

    SUCCESS = 0
    CANCELLED = 1
    INVALID = 2
    IO_ERROR = 3
    STALL = 4


class Capability(IntFlag):
    """What a side understands beyond the least."""

    CONNECT_DEVICE_VERSION = 1 << 1
    DEVICE_DISCONNECT_ACK = 1 << 3
    EP_INFO_MAX_PACKET_SIZE = 1 << 4
    IDS_64_BITS = 1 << 5
    BULK_LENGTH_32_BITS = 1 << 6


OURS = (
    Capability.CONNECT_DEVICE_VERSION
    | Capability.DEVICE_DISCONNECT_ACK
    | Capability.EP_INFO_MAX_PACKET_SIZE
    | Capability.IDS_64_BITS
    | Capability.BULK_LENGTH_32_BITS
)
"""All of these must be the other side's, too; QEMU has had them since 1.5."""

_KNOWN = sum(Capability)

FIRST_HEADER_BYTES = 12
HEADER_BYTES = 16
MAX_MESSAGE_BYTES = 128 * 2**20
_VERSION_BYTES = 64
_N_PLACES = 32
_NO_ENDPOINT = 255
_SUPER_SPEED = 3


def pack_header(kind: Message, n_bytes: int, number: int) -> bytes:
    """Return the header of a message with so many bytes behind it."""
    return struct.pack("<IIQ", kind, n_bytes, number)


def unpack_header(header: bytes) -> tuple[int, int, int]:
    """Return type, length and id; `DataDamagedError` if no message is so long."""
    kind, n_bytes, number = struct.unpack("<IIQ" if len(header) == HEADER_BYTES else "<III", header)
    if n_bytes > MAX_MESSAGE_BYTES:
        raise DataDamagedError(f"a usb-redir message of {n_bytes} bytes: this is no usb-redir")
    return kind, n_bytes, number


def hello(version: str) -> bytes:
    """Return the first message, header included."""
    body = version.encode("ascii")[: _VERSION_BYTES - 1].ljust(_VERSION_BYTES, b"\0")
    body += struct.pack("<I", OURS)
    return struct.pack("<III", Message.HELLO, len(body), 0) + body


def unpack_capabilities(body: bytes) -> Capability:
    """Return what the other side's first message says that it understands."""
    if len(body) < _VERSION_BYTES:
        raise DataDamagedError(f"a usb-redir greeting of {len(body)} bytes is cut off")
    words = body[_VERSION_BYTES:]
    return Capability(int.from_bytes(words[:4], "little") & _KNOWN)


def unpack_numbers(body: bytes, n_bytes: int) -> bytes:
    """Return the numbers of one byte each that a body begins with; `DataDamagedError` if cut."""
    if len(body) < n_bytes:
        raise DataDamagedError(f"a usb-redir message of {len(body)} bytes is cut off")
    return body[:n_bytes]


def device_connect(device: UsbDevice) -> bytes:
    """Return the body that says what was plugged in."""
    ids = (device.vendor_id, device.product_id, 0x0100)
    return struct.pack("<BBBBHHH", _SUPER_SPEED, 0, 0, 0, *ids)


def interface_info(device: UsbDevice) -> bytes:
    """Return the body that lists the interfaces."""
    interfaces = device.interfaces
    columns = zip(*((n, *triple) for n, triple in enumerate(interfaces)), strict=True)
    return struct.pack("<I", len(interfaces)) + b"".join(
        bytes(column).ljust(_N_PLACES, b"\0") for column in columns
    )


def endpoint_info(device: UsbDevice) -> bytes:
    """Return the body that lists the endpoints, OUT first, then IN."""
    kinds, intervals, interfaces = [_NO_ENDPOINT] * _N_PLACES, [0] * _N_PLACES, [0] * _N_PLACES
    packet_bytes = [0] * _N_PLACES
    for place in (0, 16):
        kinds[place], packet_bytes[place] = 0, 512
    for endpoint in device.endpoints:
        place = (endpoint.address & 0x80) >> 3 | endpoint.address & 0x0F
        kinds[place], intervals[place] = endpoint.transfer_type, endpoint.interval
        interfaces[place] = device.interface_of(endpoint.address)
        packet_bytes[place] = endpoint.max_packet_bytes
    columns = bytes(kinds) + bytes(intervals) + bytes(interfaces)
    return columns + struct.pack(f"<{_N_PLACES}H", *packet_bytes)


@dataclass(frozen=True)
class ControlHeader:
    """A control transfer, before its data."""

    endpoint: int
    request: int
    request_type: int
    status: int
    value: int
    index: int
    length: int

    N_BYTES = 10

    def pack(self) -> bytes:
        """Return the bytes of it."""
        return struct.pack(
            "<BBBBHHH",
            *(self.endpoint, self.request, self.request_type, self.status),
            *(self.value, self.index, self.length),
        )

    @classmethod
    def unpack(cls, body: bytes) -> ControlHeader:
        """Return what the bytes say; `DataDamagedError` if there are too few."""
        if len(body) < cls.N_BYTES:
            raise DataDamagedError("a usb-redir control message is cut off")
        return cls(*struct.unpack_from("<BBBBHHH", body))

    @property
    def setup(self) -> bytes:
        """The setup packet (USB 3.2, 9.3)."""
        return struct.pack(
            "<BBHHH", self.request_type, self.request, self.value, self.index, self.length
        )


@dataclass(frozen=True)
class BulkHeader:
    """A bulk transfer, before its data."""

    endpoint: int
    status: int
    length: int

    N_BYTES = 10

    def pack(self) -> bytes:
        """Return the bytes of it."""
        low, high = self.length & 0xFFFF, self.length >> 16
        return struct.pack("<BBHIH", self.endpoint, self.status, low, 0, high)

    @classmethod
    def unpack(cls, body: bytes) -> BulkHeader:
        """Return what the bytes say.

        Raises
        ------
        DataDamagedError
            If there are too few, or the transfer is longer than `MAX_TRANSFER_BYTES`.
        """
        if len(body) < cls.N_BYTES:
            raise DataDamagedError("a usb-redir bulk message is cut off")
        endpoint, status, low, _, high = struct.unpack_from("<BBHIH", body)
        length = high << 16 | low
        if length > MAX_TRANSFER_BYTES:
            raise DataDamagedError(f"a usb-redir transfer of {length} bytes is refused")
        return cls(endpoint, status, length)
