from __future__ import annotations

import pytest

from usdk.errors import DataDamagedError
from usdk_drivers.usbip.messages import MAX_TRANSFER_BYTES
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
    unpack_numbers,
)


def test_a_greeting_tells_what_is_understood() -> None:
    greeting = hello("maker")
    kind, n_bytes, number = unpack_header(greeting[:FIRST_HEADER_BYTES])
    assert (kind, n_bytes, number) == (Message.HELLO, len(greeting) - FIRST_HEADER_BYTES, 0)
    assert unpack_capabilities(greeting[FIRST_HEADER_BYTES:]) == OURS
    with pytest.raises(DataDamagedError, match="cut off"):
        unpack_capabilities(greeting[FIRST_HEADER_BYTES:][:63])


def test_a_message_that_is_too_long_is_refused_before_it_is_read() -> None:
    header = pack_header(Message.BULK_PACKET, MAX_MESSAGE_BYTES, 7)
    assert len(header) == HEADER_BYTES
    assert unpack_header(header) == (Message.BULK_PACKET, MAX_MESSAGE_BYTES, 7)
    with pytest.raises(DataDamagedError, match="no usb-redir"):
        unpack_header(pack_header(Message.BULK_PACKET, MAX_MESSAGE_BYTES + 1, 7))


@pytest.mark.parametrize("length", [0, 0xFFFF, 0x10000, MAX_TRANSFER_BYTES])
def test_a_bulk_header_comes_back(length: int) -> None:
    header = BulkHeader(0x81, 0, length)
    assert BulkHeader.unpack(header.pack() + b"data") == header


@pytest.mark.parametrize("length", [MAX_TRANSFER_BYTES + 1, 0xFFFFFFFF])
def test_a_transfer_for_which_no_memory_is_kept_is_refused(length: int) -> None:
    with pytest.raises(DataDamagedError, match="refused"):
        BulkHeader.unpack(BulkHeader(0x81, 0, length).pack())


def test_what_is_cut_off_is_refused() -> None:
    control = ControlHeader(0x80, 6, 0x80, 0, 0x100, 0, 18)
    assert ControlHeader.unpack(control.pack()) == control
    for read in (ControlHeader.unpack, BulkHeader.unpack, lambda body: unpack_numbers(body, 10)):
        with pytest.raises(DataDamagedError, match="cut off"):
            read(bytes(9))
    assert tuple(unpack_numbers(b"\1\2\3", 2)) == (1, 2)
