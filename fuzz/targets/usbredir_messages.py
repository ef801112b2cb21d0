"""usb-redir: what the virtual machine sends is read or refused, and bounded."""

from __future__ import annotations

from usdk.errors import DataDamagedError
from usdk_drivers.usbredir.messages import (
    FIRST_HEADER_BYTES,
    HEADER_BYTES,
    MAX_MESSAGE_BYTES,
    OURS,
    BulkHeader,
    ControlHeader,
    Message,
    hello,
    pack_header,
    unpack_capabilities,
    unpack_header,
)


def seeds() -> list[bytes]:
    """Return one of each message, behind the number of its reader."""
    greeting = hello("fuzz")
    control = ControlHeader(0x80, 6, 0x80, 0, 0x100, 0, 18)
    return [
        b"\0" + greeting[:FIRST_HEADER_BYTES],
        b"\0" + pack_header(Message.BULK_PACKET, 10, 7),
        b"\1" + greeting[FIRST_HEADER_BYTES:],
        b"\2" + control.pack() + bytes(18),
        b"\3" + BulkHeader(0x81, 0, 1 << 20).pack(),
    ]


def one_input(data: bytes) -> None:
    """Read the rest as the message that the first byte names."""
    if not data:
        return
    message = data[1:]
    try:
        match data[0] % 4:
            case 0:
                # A port reads so many bytes, and no other number.
                if len(message) in (FIRST_HEADER_BYTES, HEADER_BYTES):
                    assert unpack_header(message)[1] <= MAX_MESSAGE_BYTES
            case 1:
                assert unpack_capabilities(message) & ~OURS & OURS == 0
            case 2:
                control = ControlHeader.unpack(message)
                assert message.startswith(control.pack())
                assert len(control.setup) == 8
            case _:
                bulk = BulkHeader.unpack(message)
                assert BulkHeader.unpack(bulk.pack()) == bulk
    except DataDamagedError:
        return
