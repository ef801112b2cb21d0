"""Descriptors of a USB device: whatever they hold, how fast it could be is told."""

from __future__ import annotations

from usdk_drivers.simulator.binary_object_store import binary_object_store
from usdk_drivers.usb_speed import connected_speed, could_be_super_speed


class _Device:
    """What pyusb gives, with descriptors of anybody."""

    bcdUSB = 0x0210  # noqa: N815  # pyusb's name

    def __init__(self, speed: int, store: bytes) -> None:
        self.speed, self._store = speed, store

    def ctrl_transfer(self, *_setup: int) -> bytes:
        return self._store


def seeds() -> list[bytes]:
    """Return a store of a device of ours, behind its speed, whole and cut."""
    store = binary_object_store()
    return [b"\4" + store, b"\3" + store[:11], b"\3"]


def one_input(data: bytes) -> None:
    """Ask for both speeds."""
    device = _Device(data[0] if data else 0, data[1:])
    assert connected_speed(device).label
    assert could_be_super_speed(device) in (False, True)
