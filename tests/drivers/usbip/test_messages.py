"""USB/IP messages against bytes written by hand and against another implementation."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usdk.errors import DataDamagedError
from usdk_drivers.usbip.messages import (
    DEVICE_BYTES,
    MAX_TRANSFER_BYTES,
    URB_BYTES,
    DeviceRecord,
    Operation,
    Reply,
    Submit,
    pack_bus_id,
    pack_operation,
    pack_unlink,
    pack_unlinked,
    unpack_command,
    unpack_operation,
    unpack_reply,
)

RECORD = DeviceRecord(
    bus_id="1-1",
    bus_number=1,
    device_number=2,
    speed=5,
    vendor_id=0x1209,
    product_id=0x0001,
    device_release=0x0100,
)
U32 = st.integers(0, 2**32 - 1)


def test_the_request_for_a_list_is_the_kernels_example() -> None:
    assert pack_operation(Operation.ASK_LIST) == bytes.fromhex("0111 8005 0000 0000")
    assert unpack_operation(bytes.fromhex("0111 0003 0000 0001")) == (3, 1)


def test_a_record_has_its_fields_where_the_kernel_has_them() -> None:
    packed = RECORD.pack()
    assert len(packed) == DEVICE_BYTES
    assert packed[256:260] == b"1-1\0"
    assert struct.unpack_from(">III", packed, 288) == (1, 2, 5)
    assert struct.unpack_from(">HHH", packed, 300) == (0x1209, 1, 0x0100)
    assert packed[309:] == b"\x01\x01\x01"
    assert DeviceRecord.unpack(packed) == RECORD
    assert RECORD.device_id == 0x10002


def test_a_bulk_read_of_one_mebibyte_is_these_bytes() -> None:
    submit = Submit(
        number=13, device_id=0x10002, endpoint=1, is_incoming=True, n_bytes=2**20, interval=4
    )
    assert submit.pack() == bytes.fromhex(
        "00000001 0000000d 00010002 00000001 00000001"
        "00000000 00100000 00000000 00000000 00000004 0000000000000000"
    )
    assert unpack_command(submit.pack()).submit == submit


@given(U32, U32, st.integers(0, 15), st.booleans(), st.integers(0, MAX_TRANSFER_BYTES))
def test_every_transfer_comes_back(
    number: int, device_id: int, endpoint: int, is_incoming: bool, n_bytes: int
) -> None:
    submit = Submit(
        number=number,
        device_id=device_id,
        endpoint=endpoint,
        is_incoming=is_incoming,
        n_bytes=n_bytes,
        setup=b"\x80\x06\x00\x01\x00\x00\x12\x00",
    )
    assert unpack_command(submit.pack()).submit == submit


@given(U32, st.integers(-133, 0), st.integers(0, MAX_TRANSFER_BYTES))
def test_every_answer_comes_back(number: int, status: int, n_bytes: int) -> None:
    reply = Reply(number=number, status=status, n_bytes=n_bytes)
    assert unpack_reply(reply.pack()) == reply


def test_taking_back_and_its_answer() -> None:
    command = unpack_command(pack_unlink(14, 0x10002, 13))
    assert (command.number, command.unlink, command.submit) == (14, 13, None)
    assert unpack_reply(pack_unlinked(14, -104)) == Reply(number=14, status=-104, is_unlink=True)


@given(st.binary(max_size=400))
def test_any_bytes_are_parsed_or_refused(data: bytes) -> None:
    for parse in (unpack_command, unpack_reply, unpack_operation, DeviceRecord.unpack):
        with contextlib.suppress(DataDamagedError):
            parse(data)


@given(st.binary(min_size=URB_BYTES - 4, max_size=URB_BYTES - 4), st.integers(1, 4))
def test_any_body_of_a_known_command_is_parsed_or_refused(body: bytes, code: int) -> None:
    for parse in (unpack_command, unpack_reply):
        with contextlib.suppress(DataDamagedError):
            parse(code.to_bytes(4, "big") + body)


@pytest.mark.parametrize("n_bytes", [-1, MAX_TRANSFER_BYTES + 1])
def test_a_length_that_nobody_means_is_refused(n_bytes: int) -> None:
    submit = Submit(number=1, device_id=1, endpoint=1, is_incoming=True, n_bytes=n_bytes)
    with pytest.raises(DataDamagedError):
        unpack_command(submit.pack())
    with pytest.raises(DataDamagedError):
        unpack_reply(Reply(number=1, n_bytes=n_bytes).pack())


@pytest.mark.parametrize("bus_id", ["", "1" * 32])
def test_a_name_that_does_not_fit_is_refused(bus_id: str) -> None:
    with pytest.raises(DataDamagedError):
        pack_bus_id(bus_id)
