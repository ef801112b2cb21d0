"""The kernel's interface to USB devices, as far as a mocked device node answers it.

Source: Linux, ``include/uapi/linux/usbdevice_fs.h``, on machines with pointers of 64 bits.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

__all__ = ["CAPABILITIES", "URB_BYTES", "Urb", "UrbType", "UsbfsRequest", "argument_bytes"]

_NONE, _WRITE, _READ = 0, 1, 2
_POINTER, _UNSIGNED = 8, 4
_URB = struct.Struct("<BBxxiI4xQiiiiiIQ")
URB_BYTES = _URB.size
"""Length of ``struct usbdevfs_urb``."""


def _number(direction: int, number: int, n_bytes: int) -> int:
    return direction << 30 | n_bytes << 16 | ord("U") << 8 | number


class UsbfsRequest(IntEnum):
    """The requests that libusb makes."""

    SET_INTERFACE = _number(_READ, 4, 8)
    SET_CONFIGURATION = _number(_READ, 5, _UNSIGNED)
    GET_DRIVER = _number(_WRITE, 8, 260)
    SUBMIT_URB = _number(_READ, 10, URB_BYTES)
    DISCARD_URB = _number(_NONE, 11, 0)
    REAP_URB_NO_DELAY = _number(_WRITE, 13, _POINTER)
    CLAIM_INTERFACE = _number(_READ, 15, _UNSIGNED)
    RELEASE_INTERFACE = _number(_READ, 16, _UNSIGNED)
    RESET = _number(_NONE, 20, 0)
    CLEAR_HALT = _number(_READ, 21, _UNSIGNED)
    GET_CAPABILITIES = _number(_READ, 26, _UNSIGNED)
    GET_SPEED = _number(_NONE, 31, 0)


_ZERO_PACKET, _NO_PACKET_SIZE_LIMIT = 0x01, 0x04
_SCATTER_GATHER, _REAP_AFTER_DISCONNECT = 0x08, 0x10

CAPABILITIES = _ZERO_PACKET | _NO_PACKET_SIZE_LIMIT | _SCATTER_GATHER | _REAP_AFTER_DISCONNECT
"""One transfer is one URB of any length; what has ended can be fetched from a device that left.
Memory of the device's own, which would be mapped, there is none."""


def argument_bytes(request: int) -> int:
    """Return how many bytes the argument of a request points to; 0 if it is no pointer."""
    return request >> 16 & 0x3FFF


class UrbType(IntEnum):
    """Kinds of transfers."""

    ISOCHRONOUS = 0
    INTERRUPT = 1
    CONTROL = 2
    BULK = 3


@dataclass(frozen=True)
class Urb:
    """What the host asks for in ``struct usbdevfs_urb``, and where the answer goes in it."""

    kind: int
    endpoint: int
    n_bytes: int

    STATUS_PLACE = 4
    BUFFER_PLACE = 16
    ACTUAL_LENGTH_PLACE = 28

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Read one."""
        kind, endpoint, _, _, _, n_bytes, *_ = _URB.unpack(data)
        return cls(kind, endpoint, n_bytes)
