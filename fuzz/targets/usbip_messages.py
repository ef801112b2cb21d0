"""USB/IP, the server's side and the client's: every message is read or refused, and bounded."""

from __future__ import annotations

from collections.abc import Callable

from usdk.errors import DataDamagedError
from usdk_drivers.usbip.messages import (
    BUS_ID_BYTES,
    DEVICE_BYTES,
    MAX_TRANSFER_BYTES,
    OPERATION_BYTES,
    URB_BYTES,
    DeviceRecord,
    Operation,
    Reply,
    Submit,
    pack_bus_id,
    pack_operation,
    pack_unlink,
    pack_unlinked,
    unpack_bus_id,
    unpack_command,
    unpack_operation,
    unpack_reply,
)

_RECORD = DeviceRecord(
    bus_id="1-1",
    bus_number=1,
    device_number=2,
    speed=5,
    vendor_id=1,
    product_id=2,
    device_release=3,
)
_SUBMIT = Submit(number=9, device_id=0x10002, endpoint=1, is_incoming=True, n_bytes=512)


def _command(message: bytes) -> None:
    command = unpack_command(message)
    if command.submit is not None:
        assert 0 <= command.submit.n_bytes <= MAX_TRANSFER_BYTES
        assert unpack_command(command.submit.pack()) == command
    else:
        assert command.unlink is not None


def _reply(message: bytes) -> None:
    reply = unpack_reply(message)
    assert 0 <= reply.n_bytes <= MAX_TRANSFER_BYTES
    if not reply.is_unlink:
        assert unpack_reply(reply.pack()) == reply


def _record(message: bytes) -> None:
    record = DeviceRecord.unpack(message)
    if record.bus_id.isascii():
        assert DeviceRecord.unpack(record.pack()) == record


def _bus_id(message: bytes) -> None:
    text = unpack_bus_id(message[:BUS_ID_BYTES])
    assert unpack_bus_id(pack_bus_id(text)) == text.encode("ascii", "replace").decode("ascii")


_READERS: tuple[tuple[int, Callable[[bytes], object]], ...] = (
    (OPERATION_BYTES, unpack_operation),
    (URB_BYTES, _command),
    (URB_BYTES, _reply),
    (DEVICE_BYTES, _record),
    (BUS_ID_BYTES, _bus_id),
)


_ANY_LENGTH = 0x80
"""Of the first byte: the message is as long as it is, not as long as it should be."""


def seeds() -> list[bytes]:
    """Return one of each message, behind the number of its reader."""
    return [
        b"\0" + pack_operation(Operation.IMPORT, 1),
        b"\1" + _SUBMIT.pack(),
        b"\1" + pack_unlink(3, 0x10002, 9),
        b"\2" + Reply(number=9, n_bytes=512).pack(),
        b"\2" + pack_unlinked(3, -104),
        b"\3" + _RECORD.pack(),
        b"\4" + pack_bus_id("1-1"),
    ]


def one_input(data: bytes) -> None:
    """Read the rest as the message that the first byte names."""
    if not data:
        return
    n_bytes, reader = _READERS[(data[0] & ~_ANY_LENGTH) % len(_READERS)]
    message = data[1:]
    if not data[0] & _ANY_LENGTH:
        message = message[:n_bytes].ljust(n_bytes, b"\0")
    try:
        reader(message)
    except DataDamagedError:
        return
