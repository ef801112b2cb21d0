"""Standard requests of the simulated device, as USB 3.2 chapter 9 has them."""

from __future__ import annotations

import threading
import time

import pytest

from usdk_drivers.simulator.device_model import (
    BULK_IN,
    BULK_OUT,
    Gone,
    Nak,
    Stall,
    UsbDevice,
)

IN, OUT = 0x80, 0x00
WHOLE, INTERFACE, ENDPOINT = 0, 1, 2
GET_STATUS, CLEAR_FEATURE, SET_FEATURE = 0, 1, 3
GET_DESCRIPTOR, GET_CONFIGURATION, SET_CONFIGURATION = 6, 8, 9
GET_INTERFACE, SET_INTERFACE = 10, 11


class Silent:
    def control(self, *, incoming: bool, request: int, value: int, index: int) -> bytes:
        return b""

    def bulk_out(self, data: bytes) -> None:
        raise Stall

    def bulk_in(self, buffer: memoryview, timeout_s: float) -> int:
        raise Nak


@pytest.fixture
def device() -> UsbDevice:
    return UsbDevice(
        Silent(),
        vendor_id=0x1209,
        product_id=1,
        interface_triple=(0xFF, 0x75, 1),
        strings=("maker", "thing", "S-1"),
    )


def test_a_halt_is_seen_and_lifted_by_standard_requests(device: UsbDevice) -> None:
    with pytest.raises(Stall):
        device.bulk_out(BULK_OUT, b"x")
    assert device.control(IN | ENDPOINT, GET_STATUS, 0, BULK_OUT, 2) == b"\x01\x00"
    assert device.control(OUT | ENDPOINT, CLEAR_FEATURE, 0, BULK_OUT, 0) == b""
    assert device.control(IN | ENDPOINT, GET_STATUS, 0, BULK_OUT, 2) == b"\x00\x00"
    device.control(OUT | ENDPOINT, SET_FEATURE, 0, BULK_IN, 0)
    with pytest.raises(Stall):
        device.bulk_in(BULK_IN, memoryview(bytearray(4)), 0.0)
    device.control(OUT | INTERFACE, SET_INTERFACE, 0, 0, 0)
    with pytest.raises(Nak):
        device.bulk_in(BULK_IN, memoryview(bytearray(4)), 0.0)


def test_configuration_and_setting_are_what_was_set(device: UsbDevice) -> None:
    device.control(OUT, SET_CONFIGURATION, 0, 0, 0)
    assert device.control(IN, GET_CONFIGURATION, 0, 0, 1) == b"\x00"
    device.control(OUT, SET_CONFIGURATION, 1, 0, 0)
    assert device.control(IN, GET_CONFIGURATION, 0, 0, 1) == b"\x01"
    assert device.control(IN | INTERFACE, GET_INTERFACE, 0, 0, 1) == b"\x00"
    assert device.control(IN, GET_STATUS, 0, 0, 2) == b"\x00\x00"


@pytest.mark.parametrize(
    "request_",
    [
        (OUT, SET_CONFIGURATION, 2, 0),
        (OUT | INTERFACE, SET_INTERFACE, 1, 0),
        (OUT | INTERFACE, SET_INTERFACE, 0, 1),
        (IN | INTERFACE, GET_INTERFACE, 0, 1),
        (OUT | ENDPOINT, CLEAR_FEATURE, 0, 0x83),
        (OUT | ENDPOINT, SET_INTERFACE, 0, BULK_IN),
        (IN, GET_DESCRIPTOR, 0x2200, 0),
        (IN, 0x55, 0, 0),
        (0x20, 1, 0, 0),
    ],
)
def test_what_the_device_does_not_know_it_refuses(
    device: UsbDevice, request_: tuple[int, int, int, int]
) -> None:
    with pytest.raises(Stall):
        device.control(*request_, 64)


def test_endpoints_that_are_not_there_are_refused(device: UsbDevice) -> None:
    with pytest.raises(Stall):
        device.bulk_in(0x87, memoryview(bytearray(4)), 0.0)
    with pytest.raises(Stall):
        device.bulk_out(0x07, b"x")


def test_texts_come_as_utf_16(device: UsbDevice) -> None:
    assert device.control(IN, GET_DESCRIPTOR, 0x0300, 0, 255) == b"\x04\x03\x09\x04"
    assert device.control(IN, GET_DESCRIPTOR, 0x0303, 0x409, 255) == b"\x08\x03S\x00-\x001\x00"
    with pytest.raises(Stall):
        device.control(IN, GET_DESCRIPTOR, 0x0304, 0x409, 255)


def test_an_unplugged_device_answers_nothing(device: UsbDevice) -> None:
    device.unplug()
    with pytest.raises(Gone):
        device.control(IN, GET_STATUS, 0, 0, 2)
    device.plug()
    assert device.control(IN, GET_STATUS, 0, 0, 2) == b"\x00\x00"


def test_a_device_that_takes_itself_off_the_bus_is_back_when_it_is_due() -> None:
    class Fleeting(Silent):
        def bulk_in(self, buffer: memoryview, timeout_s: float) -> int:
            raise Gone

    returns: list[int] = []
    device = UsbDevice(
        Fleeting(),
        vendor_id=0x1209,
        product_id=1,
        interface_triple=(0xFF, 0x75, 1),
        strings=("maker", "thing", "S-1"),
        return_s=0.1,
        on_return=lambda: returns.append(device.n_unplugs),
    )
    for n in (1, 2):
        device.control(OUT | ENDPOINT, SET_FEATURE, 0, BULK_OUT, 0)
        with pytest.raises(Gone):
            device.bulk_in(BULK_IN, memoryview(bytearray(4)), 1.0)
        assert not device.is_attached
        assert device.n_unplugs == n
        time.sleep(0.12)
        assert device.is_attached
        # As after power on: nothing is halted.
        assert device.control(IN | ENDPOINT, GET_STATUS, 0, BULK_OUT, 2) == b"\x00\x00"
    assert returns == [1, 2]
    device.unplug()
    time.sleep(0.12)
    assert not device.is_attached
    device.plug()
    device.plug()
    assert returns == [1, 2, 3]


def test_a_transfer_that_waits_ends_soon_after_an_unplug(device: UsbDevice) -> None:
    gone_s: list[float] = []

    def unplug() -> None:
        time.sleep(0.1)
        device.unplug()
        device.plug()
        gone_s.append(time.monotonic())

    thread = threading.Thread(target=unplug)
    thread.start()
    # Also when it is back before the transfer looks again.
    with pytest.raises(Gone):
        device.bulk_in(BULK_IN, memoryview(bytearray(4)), 5.0)
    assert time.monotonic() - gone_s[0] < 0.1
    thread.join()


def test_a_transfer_waits_as_long_as_it_may(device: UsbDevice) -> None:
    started_s = time.monotonic()
    with pytest.raises(Nak):
        device.bulk_in(BULK_IN, memoryview(bytearray(4)), 0.1)
    assert 0.1 <= time.monotonic() - started_s < 0.5
