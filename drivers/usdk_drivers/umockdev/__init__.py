"""Simulated devices on a mocked kernel: unmodified libusb and lsusb take them for real ones."""

from usdk_drivers.umockdev.bus import MockedBus

__all__ = ["MockedBus"]
