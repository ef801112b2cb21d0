"""USB/IP messages: what goes over the socket, byte by byte, without a socket.

Every number is big-endian. Source: Linux kernel documentation, "USB/IP protocol"
(Documentation/usb/usbip_protocol.rst), version 1.1.1 of the protocol.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from usdk.errors import DataDamagedError
from usdk_drivers.simulator.endpoint_worker import TransferRequest

__all__ = [
    "BUS_ID_BYTES",
    "DEFAULT_PORT",
    "DEVICE_BYTES",
    "MAX_DEVICES",
    "MAX_TRANSFER_BYTES",
    "OPERATION_BYTES",
    "URB_BYTES",
    "Command",
    "DeviceRecord",
    "Operation",
    "Reply",
    "Submit",
    "UrbCommand",
    "pack_bus_id",
    "pack_operation",
    "pack_unlink",
    "pack_unlinked",
    "unpack_bus_id",
    "unpack_command",
    "unpack_operation",
    "unpack_reply",
]

VERSION = 0x0111
DEFAULT_PORT = 3240
OPERATION_BYTES = 8
BUS_ID_BYTES = 32
DEVICE_BYTES = 312
URB_BYTES = 48
MAX_TRANSFER_BYTES = 64 * 2**20
"""A longer transfer is refused: no host asks for one."""
MAX_DEVICES = 1024
_PATH_BYTES = 256
_IN = 1


class Operation(IntEnum):
    """Codes of the messages before a device is attached."""

    ASK_LIST = 0x8005
    LIST = 0x0005
    ASK_IMPORT = 0x8003
    IMPORT = 0x0003


class UrbCommand(IntEnum):
    """Commands once a device is attached."""

    SUBMIT = 1
    UNLINK = 2
    SUBMITTED = 3
    UNLINKED = 4


@dataclass(frozen=True, kw_only=True)
class DeviceRecord:
    """A device as a server lists it.

    Parameters
    ----------
    bus_id : str
        Name by which it is attached, such as ``1-1``.
    bus_number, device_number, speed : int
        Speed 5 is SuperSpeed.
    vendor_id, product_id, device_release : int
    device_class, device_subclass, device_protocol : int
    configuration_value, n_configurations, n_interfaces : int
    """

    bus_id: str
    bus_number: int
    device_number: int
    speed: int
    vendor_id: int
    product_id: int
    device_release: int
    device_class: int = 0
    device_subclass: int = 0
    device_protocol: int = 0
    configuration_value: int = 1
    n_configurations: int = 1
    n_interfaces: int = 1

    @property
    def device_id(self) -> int:
        """Number by which commands name it."""
        return self.bus_number << 16 | self.device_number

    def pack(self) -> bytes:
        """Return the 312 bytes of the record."""
        path = f"/sys/devices/simulated/usb{self.bus_number}/{self.bus_id}"
        return struct.pack(
            f">{_PATH_BYTES}s{BUS_ID_BYTES}sIIIHHHBBBBBB",
            path.encode("ascii"),
            self.bus_id.encode("ascii"),
            self.bus_number,
            self.device_number,
            self.speed,
            self.vendor_id,
            self.product_id,
            self.device_release,
            self.device_class,
            self.device_subclass,
            self.device_protocol,
            self.configuration_value,
            self.n_configurations,
            self.n_interfaces,
        )

    @classmethod
    def unpack(cls, record: bytes) -> DeviceRecord:
        """Parse a record; `DataDamagedError` if it is none."""
        if len(record) != DEVICE_BYTES:
            raise DataDamagedError(f"a device takes {DEVICE_BYTES} bytes, got {len(record)}")
        _, bus_id, *numbers = struct.unpack(f">{_PATH_BYTES}s{BUS_ID_BYTES}sIIIHHHBBBBBB", record)
        names = tuple(cls.__dataclass_fields__)[1:]
        return cls(bus_id=unpack_bus_id(bus_id), **dict(zip(names, numbers, strict=True)))


@dataclass(frozen=True, kw_only=True)
class Submit(TransferRequest):
    """A transfer that the host asks for, as it goes over the socket.

    Parameters
    ----------
    device_id : int
        As `DeviceRecord.device_id`.
    **others
        Of `TransferRequest`.
    """

    device_id: int

    def pack(self) -> bytes:
        """Return the 48 bytes before the data."""
        return struct.pack(
            ">IIIIIIiiii8s",
            UrbCommand.SUBMIT,
            self.number,
            self.device_id,
            int(self.is_incoming),
            self.endpoint,
            0,
            self.n_bytes,
            0,
            0,
            self.interval,
            self.setup,
        )


@dataclass(frozen=True, kw_only=True)
class Command:
    """What a server was told: a transfer to make, or the number of one to take back."""

    number: int
    submit: Submit | None = None
    unlink: int | None = None


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a server answered.

    Parameters
    ----------
    number : int
        Of the command.
    status : int
        0, or a negative Linux error number.
    n_bytes : int
        Bytes moved.
    is_unlink : bool
        Whether it answers an unlink rather than a transfer.
    """

    number: int
    status: int = 0
    n_bytes: int = 0
    is_unlink: bool = False

    def pack(self) -> bytes:
        """Return the 48 bytes before the data."""
        return struct.pack(
            ">IIIIIiiiii8x",
            UrbCommand.SUBMITTED,
            self.number,
            0,
            0,
            0,
            self.status,
            self.n_bytes,
            0,
            0,
            0,
        )


def pack_operation(operation: Operation, status: int = 0) -> bytes:
    """Return the 8 bytes that begin a message before a device is attached."""
    return struct.pack(">HHI", VERSION, operation, status)


def unpack_operation(header: bytes) -> tuple[int, int]:
    """Return (code, status); `DataDamagedError` if it is of another version or no header."""
    if len(header) != OPERATION_BYTES:
        raise DataDamagedError(f"an operation takes {OPERATION_BYTES} bytes, got {len(header)}")
    version, code, status = struct.unpack(">HHI", header)
    if version != VERSION:
        raise DataDamagedError(f"USB/IP version {version:#06x} is not spoken, only {VERSION:#06x}")
    return code, status


def pack_bus_id(bus_id: str) -> bytes:
    """Return a bus id as 32 bytes; `DataDamagedError` if it does not fit."""
    encoded = bus_id.encode("ascii", "replace")
    if not 0 < len(encoded) < BUS_ID_BYTES:
        raise DataDamagedError(f"a bus id has 1 to {BUS_ID_BYTES - 1} letters, such as 1-1")
    return encoded.ljust(BUS_ID_BYTES, b"\0")


def unpack_bus_id(encoded: bytes) -> str:
    """Return the text of a bus id."""
    return encoded.split(b"\0", 1)[0].decode("ascii", "replace")


def unpack_command(header: bytes) -> Command:
    """Parse what a host sends once a device is attached; `DataDamagedError` if it is nothing."""
    if len(header) != URB_BYTES:
        raise DataDamagedError(f"a command takes {URB_BYTES} bytes, got {len(header)}")
    code, number, device_id, direction, endpoint = struct.unpack_from(">IIIII", header)
    if code == UrbCommand.UNLINK:
        return Command(number=number, unlink=struct.unpack_from(">I", header, 20)[0])
    if code != UrbCommand.SUBMIT:
        raise DataDamagedError(f"{code:#x} is no command of a USB/IP host")
    _, n_bytes, _, _, interval, setup = struct.unpack_from(">Iiiii8s", header, 20)
    if not 0 <= n_bytes <= MAX_TRANSFER_BYTES or endpoint > 15:
        raise DataDamagedError(f"a transfer of {n_bytes} bytes on endpoint {endpoint} is refused")
    submit = Submit(
        number=number,
        device_id=device_id,
        endpoint=endpoint,
        is_incoming=direction == _IN,
        n_bytes=n_bytes,
        setup=setup,
        interval=interval,
    )
    return Command(number=number, submit=submit)


def unpack_reply(header: bytes) -> Reply:
    """Parse what a server sends once a device is attached; `DataDamagedError` if it is nothing."""
    if len(header) != URB_BYTES:
        raise DataDamagedError(f"a reply takes {URB_BYTES} bytes, got {len(header)}")
    code, number = struct.unpack_from(">II", header)
    status, n_bytes = struct.unpack_from(">ii", header, 20)
    if code == UrbCommand.UNLINKED:
        return Reply(number=number, status=status, is_unlink=True)
    if code != UrbCommand.SUBMITTED:
        raise DataDamagedError(f"{code:#x} is no reply of a USB/IP server")
    if not 0 <= n_bytes <= MAX_TRANSFER_BYTES:
        raise DataDamagedError(f"a transfer of {n_bytes} bytes cannot be")
    return Reply(number=number, status=status, n_bytes=n_bytes)


def pack_unlink(number: int, device_id: int, unlink: int) -> bytes:
    """Return the command that takes a transfer back."""
    return struct.pack(">IIIIII24x", UrbCommand.UNLINK, number, device_id, 0, 0, unlink)


def pack_unlinked(number: int, status: int) -> bytes:
    """Return the answer to an unlink."""
    return struct.pack(">IIIIIi24x", UrbCommand.UNLINKED, number, 0, 0, 0, status)
