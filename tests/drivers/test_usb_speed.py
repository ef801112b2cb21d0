from __future__ import annotations

import errno
from types import SimpleNamespace
from typing import Any

import pytest
import usb.core

from usdk_drivers.simulator.binary_object_store import binary_object_store
from usdk_drivers.usb_speed import UsbSpeed, connected_speed, could_be_super_speed

USB_2_EXTENSION = bytes.fromhex("07 10 02 02 00 00 00")
SUPER_SPEED = bytes.fromhex("0a 10 03 00 0e 00 01 0a ff 07")
HIGH_SPEED_ALONE = bytes.fromhex("0a 10 03 00 06 00 01 0a ff 07")


def store(*capabilities: bytes) -> bytes:
    body = b"".join(capabilities)
    return bytes([5, 15, 5 + len(body), 0, len(capabilities)]) + body


def device(bos: bytes | Exception, release: int = 0x0210) -> Any:
    def ctrl_transfer(*request: Any) -> bytes:
        assert request[:4] == (0x80, 6, 0x0F00, 0)
        if isinstance(bos, Exception):
            raise bos
        return bos

    return SimpleNamespace(bcdUSB=release, ctrl_transfer=ctrl_transfer)


@pytest.mark.parametrize(
    "bos", [binary_object_store(), store(USB_2_EXTENSION, SUPER_SPEED), store(SUPER_SPEED)]
)
def test_a_device_with_the_capability_could_be_faster(bos: bytes) -> None:
    assert could_be_super_speed(device(bos))


@pytest.mark.parametrize(
    "bos",
    [
        store(USB_2_EXTENSION),
        store(HIGH_SPEED_ALONE),
        store(SUPER_SPEED)[:9],
        store(b"\0\0\0", SUPER_SPEED),
        b"\0",
        b"",
        usb.core.USBError("Pipe error", -9, errno.EPIPE),
    ],
)
def test_a_device_without_it_or_with_a_broken_one_could_not(bos: bytes | Exception) -> None:
    assert not could_be_super_speed(device(bos))


def test_a_device_of_usb_3_need_not_be_asked() -> None:
    assert could_be_super_speed(device(ValueError("not asked"), release=0x0300))


@pytest.mark.parametrize(
    ("told", "speed"),
    [(3, UsbSpeed.HIGH), (4, UsbSpeed.SUPER), (None, UsbSpeed.UNKNOWN), (77, UsbSpeed.UNKNOWN)],
)
def test_the_speed_is_what_libusb_tells(told: int | None, speed: UsbSpeed) -> None:
    assert connected_speed(SimpleNamespace(speed=told)) is speed
    assert connected_speed(SimpleNamespace()) is UsbSpeed.UNKNOWN


def test_every_speed_has_a_name() -> None:
    assert len({speed.label for speed in UsbSpeed}) == len(UsbSpeed)
