"""The bytes that the specifications print, written out here by hand."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from uuid import UUID

import pytest

from usdk_drivers.simulator.binary_object_store import (
    MICROSOFT_VENDOR_REQUEST,
    binary_object_store,
    microsoft_descriptor_set,
)
from usdk_drivers.simulator.device_model import Nak, Stall, UsbDevice
from usdk_drivers.wire.protocol import Request

GET_DESCRIPTOR = 6


class Refusing:
    def control(self, *, incoming: bool, request: int, value: int, index: int) -> bytes:
        raise Stall

    def bulk_out(self, data: bytes) -> None:
        raise Stall

    def bulk_in(self, buffer: memoryview, timeout_s: float) -> int:
        raise Nak


@pytest.fixture
def device() -> UsbDevice:
    return UsbDevice(
        Refusing(),
        vendor_id=0x1209,
        product_id=1,
        interface_triple=(0xFF, 0x75, 1),
        strings=("maker", "thing", "S-1"),
    )


def parts(descriptors: bytes) -> Iterator[bytes]:
    """Cut a chain of BOS descriptors at the length that each tells in its first byte."""
    while descriptors:
        yield descriptors[: descriptors[0]]
        descriptors = descriptors[descriptors[0] :]


def test_the_store_is_as_usb_3_2_has_it() -> None:
    head, usb_2, super_speed, _ = parts(binary_object_store())
    assert head == bytes.fromhex("05 0f 32 00 03")
    assert usb_2 == bytes.fromhex("07 10 02 02 00 00 00")
    assert super_speed == bytes.fromhex("0a 10 03 00 0c 00 03 0a 00 02")


def test_the_platform_capability_is_as_microsoft_has_it() -> None:
    *_, platform = parts(binary_object_store())
    assert platform == bytes.fromhex(
        "1c 10 05 00"
        "df 60 dd d8 89 45 c7 4c 9c d2 65 9d 9e 64 8a 9f"  # D8DD60DF-4589-4CC7-9CD2-659D9E648A9F
        "00 00 03 06 a2 00 20 00"
    )


def test_the_set_asks_for_winusb_by_a_guid() -> None:
    descriptors = microsoft_descriptor_set()
    assert descriptors[:10] == bytes.fromhex("0a 00 00 00 00 00 03 06 a2 00")
    assert descriptors[10:30] == bytes.fromhex("14 00 03 00") + b"WINUSB".ljust(16, b"\0")
    assert descriptors[30:38] == bytes.fromhex("84 00 04 00 07 00 2a 00")
    assert descriptors[38:80].decode("utf-16-le") == "DeviceInterfaceGUIDs\0"
    assert struct.unpack_from("<H", descriptors, 80) == (0x50,)
    guid = descriptors[82:].decode("utf-16-le")
    assert guid.endswith("}\0\0")
    assert f"{{{UUID(guid[1:-3])}}}\0\0".upper() == guid
    assert len(descriptors) == 0xA2


def test_the_device_answers_with_both_and_no_more_than_asked_for(device: UsbDevice) -> None:
    store, microsoft = binary_object_store(), microsoft_descriptor_set()
    assert device.control(0x80, GET_DESCRIPTOR, 0x0F00, 0, 255) == store
    assert device.control(0x80, GET_DESCRIPTOR, 0x0F00, 0, 5) == store[:5]
    assert device.control(0xC0, MICROSOFT_VENDOR_REQUEST, 0, 7, 512) == microsoft
    assert device.control(0xC0, MICROSOFT_VENDOR_REQUEST, 0, 7, 10) == microsoft[:10]
    with pytest.raises(Stall):
        device.control(0x80, GET_DESCRIPTOR, 0x0F01, 0, 255)
    for request_type, index in ((0xC0, 8), (0x40, 7)):
        with pytest.raises(Stall):
            device.control(request_type, MICROSOFT_VENDOR_REQUEST, 0, index, 512)


def test_the_vendor_request_is_none_of_the_wire_protocol() -> None:
    assert MICROSOFT_VENDOR_REQUEST not in set(Request)
