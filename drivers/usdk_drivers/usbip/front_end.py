"""UsbIpFrontEnd: a front-end on another machine's USB, or a simulated one that is shared."""

from __future__ import annotations

from typing import ClassVar, Self

from usdk.errors import DeviceAbsentError, DeviceFailedError
from usdk.front_end import Finding, Found
from usdk_drivers.usb_front_end import UsbFrontEnd
from usdk_drivers.usbip.address import UsbIpAddress
from usdk_drivers.usbip.client import list_devices
from usdk_drivers.usbip.diagnosis import kernel_module_finding
from usdk_drivers.usbip.transport import UsbIpTransport

__all__ = ["LOOK_TIMEOUT_S", "UsbIpFrontEnd"]

LOOK_TIMEOUT_S = 1.0
"""How long a server may take to tell whether a device is there, s."""


class UsbIpFrontEnd(UsbFrontEnd):
    """A front-end that a USB/IP server shares.

    Addresses: ``usbip://HOST/1-1``, ``usbip://HOST:PORT/1-1``, and ``usbip://HOST`` for a server
    that shares one device. No kernel module and no root are needed.
    """

    scheme: ClassVar[str] = "usbip"

    @classmethod
    def open(cls, address: str) -> Self:
        """Open the device at ``address`` (what follows ``usbip:``)."""
        parsed = UsbIpAddress.parse(address)
        bus_id = parsed.bus_id or cls._only_device(parsed)
        return cls(UsbIpTransport.open(parsed.host, parsed.port, bus_id))

    @classmethod
    def discover(cls) -> list[Found]:
        """Return nothing: servers are not looked for, an address names them."""
        return []

    @classmethod
    def discover_at(cls, address: str) -> Found | None:
        """Return the device at ``address`` if its server answers and lists it.

        Servers on Linux list what nobody has attached.
        """
        parsed = UsbIpAddress.parse(address)
        try:
            records = list_devices(parsed.host, parsed.port, timeout_s=LOOK_TIMEOUT_S)
        except DeviceAbsentError:
            return None
        bus_ids = [record.bus_id for record in records]
        is_there = parsed.bus_id in bus_ids if parsed.bus_id else len(bus_ids) == 1
        if not is_there:
            return None
        name = f"USB device shared by {parsed.host}"
        return Found(address=f"{cls.scheme}:{address}", description=name)

    @classmethod
    def diagnose(cls) -> list[Finding]:
        """Return what the kernel could do beside; nothing stands in the way."""
        return [kernel_module_finding()]

    @staticmethod
    def _only_device(address: UsbIpAddress) -> str:
        bus_ids = [record.bus_id for record in list_devices(address.host, address.port)]
        if not bus_ids:
            raise DeviceAbsentError(f"{address} shares no device: plug one in there")
        if len(bus_ids) > 1:
            raise DeviceFailedError(
                f"{address} shares {len(bus_ids)} devices: name one of {', '.join(bus_ids)}"
            )
        return bus_ids[0]
