"""The reference driver: a front-end on USB that speaks the wire protocol."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from usdk.errors import MissingExtraError
from usdk.front_end import Finding, Found, FrontEnd
from usdk_drivers.udev_rule import udev_rule
from usdk_drivers.usb_address import UsbAddress
from usdk_drivers.usb_devices import (
    find_devices,
    is_gone,
    release,
    serial_number,
)
from usdk_drivers.usb_diagnosis import device_findings, library_findings, usbfs_finding
from usdk_drivers.usb_reads import UsbReads
from usdk_drivers.usb_transport import UsbTransport
from usdk_drivers.wire_front_end import WireFrontEnd

__all__ = ["UsbFrontEnd"]


class UsbFrontEnd(WireFrontEnd):
    """A front-end on USB.

    Addresses: ``usb:`` (the only one), ``usb:serial=XYZ``, ``usb:1209:0001`` (vendor and product
    id in hexadecimal).

    Parameters
    ----------
    transport : Transport
        An open transport, which the front-end closes.
    """

    scheme: ClassVar[str] = "usb"

    @classmethod
    def open(cls, address: str) -> FrontEnd:
        """Open the device at ``address`` (what follows ``usb:``)."""
        return cls.on_backend(None, address)

    @classmethod
    def on_backend(cls, backend: Any, address: str = "") -> Self:
        """Open a device that a pyusb backend finds; None is libusb."""
        return cls(UsbTransport.open(UsbAddress.parse(address), backend))

    @classmethod
    def discover(cls) -> list[Found]:
        """Return the devices that are plugged in; none where USB is not installed."""
        try:
            return cls.discover_on(None)
        except MissingExtraError:
            return []

    @classmethod
    def discover_on(cls, backend: Any) -> list[Found]:
        """Return the devices that a pyusb backend finds; None is libusb."""
        found = []
        for device in find_devices(UsbAddress(), backend):
            serial = serial_number(device) or None
            if serial is None and is_gone(device):
                continue
            release(device)
            name = "ultrasound front-end" + (f", serial number {serial}" if serial else "")
            found.append(Found(address=str(UsbAddress(serial_number=serial)), description=name))
        return found

    @classmethod
    def diagnose(cls) -> list[Finding]:
        """Return what stands in the way of front-ends on USB, and what does not."""
        memory = usbfs_finding()
        return [
            *library_findings(),
            *device_findings(),
            *((memory,) if memory is not None else ()),
        ]

    @property
    def reads(self) -> UsbReads | None:
        """How data are read, with what stands in the way; None where the bus does not tell."""
        return getattr(self._transport, "reads", None)

    @classmethod
    def udev_rule(cls) -> str:
        """Return the rules file that lets users open the devices on Linux."""
        return udev_rule()
