"""How fast a device is connected, and how fast it could be."""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Any

from usdk_drivers.usb_errors import import_usb

__all__ = ["UsbSpeed", "connected_speed", "could_be_super_speed"]

_BOS, _DEVICE_CAPABILITY, _SUPER_SPEED_USB = 0x0F, 0x10, 0x03
_SUPER_SPEED_BIT = 0x08
_STANDARD_IN, _GET_DESCRIPTOR = 0x80, 6
_LONGEST_BOS, _TIMEOUT_MS = 4096, 500
_USB_3_0 = 0x0300


class UsbSpeed(IntEnum):
    """The speeds, as libusb numbers them."""

    UNKNOWN = 0
    LOW = 1
    FULL = 2
    HIGH = 3
    SUPER = 4
    SUPER_PLUS = 5
    SUPER_PLUS_X2 = 6

    @property
    def label(self) -> str:
        """Its name in the standard and its signalling rate."""
        return _LABELS[self]


_LABELS = {
    UsbSpeed.UNKNOWN: "unknown speed",
    UsbSpeed.LOW: "low speed (1.5 Mbit/s)",
    UsbSpeed.FULL: "full speed (12 Mbit/s)",
    UsbSpeed.HIGH: "high speed (480 Mbit/s)",
    UsbSpeed.SUPER: "SuperSpeed (5 Gbit/s)",
    UsbSpeed.SUPER_PLUS: "SuperSpeedPlus (10 Gbit/s)",
    UsbSpeed.SUPER_PLUS_X2: "SuperSpeedPlus (20 Gbit/s)",
}


def connected_speed(device: Any) -> UsbSpeed:
    """Return the speed at which the device was enumerated."""
    try:
        return UsbSpeed(device.speed)
    except (AttributeError, TypeError, ValueError):
        # Old backends do not tell, and new ones may know faster ones.
        return UsbSpeed.UNKNOWN


def could_be_super_speed(device: Any) -> bool:
    """Tell whether the device says that it has SuperSpeed.

    At high speed such a device reports USB 2.1 and a SuperSpeed capability in its BOS descriptor
    (USB 3.2, 9.6.2.2), of which the bit for 5 Gbit/s is looked at.
    """
    usb = import_usb()
    if device.bcdUSB >= _USB_3_0:
        return True
    try:
        store = bytes(
            device.ctrl_transfer(
                _STANDARD_IN, _GET_DESCRIPTOR, _BOS << 8, 0, _LONGEST_BOS, _TIMEOUT_MS
            )
        )
    except (usb.core.USBError, ValueError, NotImplementedError):
        return False
    place = store[0] if store else 0
    while place + 6 <= len(store) and store[place] >= 3:
        if store[place + 1 : place + 3] == bytes((_DEVICE_CAPABILITY, _SUPER_SPEED_USB)):
            (speeds,) = struct.unpack_from("<H", store, place + 4)
            return bool(speeds & _SUPER_SPEED_BIT)
        place += store[place]
    return False
