"""Bytes as docs/usb-redirection-protocol.md of the usbredir project gives them, written by hand."""

from __future__ import annotations

import pytest

from usdk.errors import DataDamagedError
from usdk_drivers.simulator.device_model import UsbDevice
from usdk_drivers.usbip.messages import MAX_TRANSFER_BYTES
from usdk_drivers.usbredir.messages import (
    MAX_MESSAGE_BYTES,
    OURS,
    BulkHeader,
    ControlHeader,
    Message,
    device_connect,
    endpoint_info,
    hello,
    interface_info,
    pack_header,
    unpack_capabilities,
    unpack_header,
    unpack_numbers,
)


def test_the_greeting_is_a_version_of_64_bytes_and_the_capabilities() -> None:
    greeting = hello("usdk 1")
    # Type 0, length 68, an id of 32 bits in this message alone.
    assert greeting[:12] == bytes.fromhex("00000000 44000000 00000000")
    assert greeting[12:76] == b"usdk 1" + bytes(58)
    # Bits 1, 3, 4, 5 and 6: version, acknowledged leaving, packet sizes, long ids, long bulk.
    assert greeting[76:] == bytes.fromhex("7a000000")
    assert len(hello("x" * 100)) == 80
    assert hello("x" * 100)[75] == 0


def test_capabilities_of_other_sides_are_those_that_are_known() -> None:
    assert unpack_capabilities(hello("a")[12:]) == OURS
    # QEMU's: streams, filter and buffered receiving besides.
    assert unpack_capabilities(bytes(64) + bytes.fromhex("ff000000")) == OURS
    # A second word is of later versions; without any word it is one before 0.3.2.
    assert unpack_capabilities(bytes(64) + bytes.fromhex("7a000000 ffffffff")) == OURS
    assert unpack_capabilities(bytes(64)) == 0
    with pytest.raises(DataDamagedError, match="cut off"):
        unpack_capabilities(bytes(63))


def test_headers_have_ids_of_64_bits_after_the_greeting() -> None:
    packed = pack_header(Message.BULK_PACKET, 0x01020304, 0x1122334455667788)
    assert packed == bytes.fromhex("65000000 04030201 8877665544332211")
    assert unpack_header(packed) == (101, 0x01020304, 0x1122334455667788)
    assert unpack_header(bytes.fromhex("01000000 0a000000 07000000")) == (1, 10, 7)


@pytest.mark.parametrize("n_bytes", [MAX_MESSAGE_BYTES + 1, 2**32 - 1])
def test_a_length_that_cannot_be_is_refused_before_memory_is_taken(n_bytes: int) -> None:
    with pytest.raises(DataDamagedError, match="no usb-redir"):
        unpack_header(pack_header(Message.CONTROL_PACKET, n_bytes, 1))


def test_a_control_message_holds_the_setup_packet() -> None:
    # GET_DESCRIPTOR (6) of the configuration (2 << 8), 255 bytes, to endpoint 0x80.
    body = bytes.fromhex("80 06 80 00 0002 0000 ff00".replace(" ", ""))
    header = ControlHeader.unpack(body + b"more")
    assert (header.endpoint, header.request, header.request_type) == (0x80, 6, 0x80)
    assert (header.value, header.index, header.length) == (0x0200, 0, 255)
    assert header.pack() == body
    assert header.setup == bytes.fromhex("80 06 0002 0000 ff00")
    with pytest.raises(DataDamagedError, match="cut off"):
        ControlHeader.unpack(body[:-1])


def test_a_bulk_message_has_its_length_in_two_parts_about_the_stream() -> None:
    header = BulkHeader(0x81, 4, 0x0010_2030)
    assert header.pack() == bytes.fromhex("81 04 3020 00000000 1000")
    assert BulkHeader.unpack(header.pack() + b"data") == header
    with pytest.raises(DataDamagedError, match="cut off"):
        BulkHeader.unpack(header.pack()[:-1])
    with pytest.raises(DataDamagedError, match="refused"):
        BulkHeader.unpack(BulkHeader(1, 0, MAX_TRANSFER_BYTES + 1).pack())


def test_numbers_are_taken_from_bodies_that_have_them() -> None:
    assert unpack_numbers(b"\x01\x02\x03", 2) == b"\x01\x02"
    with pytest.raises(DataDamagedError, match="cut off"):
        unpack_numbers(b"", 1)


def test_a_device_is_described_as_the_machine_expects(plain: UsbDevice) -> None:
    # SuperSpeed (3), class per interface, 1209:0001, bcdDevice 1.00.
    assert device_connect(plain) == bytes.fromhex("03 00 00 00 0912 0100 0001".replace(" ", ""))
    interfaces = interface_info(plain)
    assert len(interfaces) == 4 + 4 * 32
    assert interfaces[:4] == bytes.fromhex("01000000")
    assert [interfaces[4 + 32 * k] for k in range(4)] == [0, 0xFF, 0x75, 0x01]
    endpoints = endpoint_info(plain)
    assert len(endpoints) == 3 * 32 + 2 * 32
    kinds, sizes = endpoints[:32], endpoints[96:]
    # OUT endpoints 0 to 15, then IN; 255 is none, 0 control, 2 bulk, 3 interrupt.
    expected = [255] * 32
    expected[0], expected[1], expected[16], expected[17], expected[18] = 0, 2, 0, 2, 3
    assert list(kinds) == expected
    assert endpoints[32 + 18] == 4
    assert int.from_bytes(sizes[2 * 17 : 2 * 17 + 2], "little") == 1024
    assert int.from_bytes(sizes[2 * 18 : 2 * 18 + 2], "little") == 64
