"""Devices on the bus that carry the interface of the wire protocol."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from usdk.errors import DeviceAbsentError, DeviceFailedError
from usdk_drivers.usb_address import UsbAddress
from usdk_drivers.usb_errors import import_usb, translated

__all__ = [
    "INTERFACE_CLASS",
    "INTERFACE_PROTOCOL",
    "INTERFACE_SUBCLASS",
    "bulk_endpoints",
    "find_devices",
    "interface_number",
    "interface_of",
    "is_gone",
    "release",
    "serial_number",
]

INTERFACE_CLASS = 0xFF  # vendor specific
INTERFACE_SUBCLASS = 0x75
INTERFACE_PROTOCOL = 0x01
_BULK, _DIRECTION_IN = 2, 0x80


def find_devices(address: UsbAddress, backend: Any = None) -> list[Any]:
    """Return pyusb's devices with the ids of ``address`` that carry the interface."""
    usb = import_usb()
    with translated("looking for the device"):
        found = usb.core.find(
            find_all=True,
            idVendor=address.vendor_id,
            idProduct=address.product_id,
            backend=backend,
        )
        devices = [device for device in found if interface_of(device) is not None]
    if address.serial_number is None:
        return devices
    wanted = []
    for device in devices:
        if serial_number(device) == address.serial_number:
            wanted.append(device)
        else:
            release(device)
    return wanted


def serial_number(device: Any) -> str:
    """Return the serial number in the device's descriptor; empty if it cannot be read."""
    usb = import_usb()
    try:
        return device.serial_number or ""
    except (usb.core.USBError, ValueError, NotImplementedError):
        return ""


def interface_number(device: Any) -> int:
    """Return the number of the interface in the active configuration."""
    interface = interface_of(device)
    if interface is None:
        raise DeviceFailedError("the device lost its interface: plug it in again")
    return int(interface.bInterfaceNumber)


def is_gone(device: Any) -> bool:
    """Tell whether a device has left since it was found; gives up what was open of it."""
    release(device)
    try:
        with translated("looking for the device"):
            device.get_active_configuration()
    except DeviceAbsentError:
        return True
    except DeviceFailedError:
        # It is there and lets nobody in.
        pass
    finally:
        release(device)
    return False


def release(device: Any) -> None:
    """Close what is open of a device; pyusb opens it to read a string, and leaves it open."""
    usb = import_usb()
    with suppress(usb.core.USBError):
        usb.util.dispose_resources(device)


def bulk_endpoints(interface: Any) -> tuple[int, int]:
    """Return the addresses of bulk OUT and bulk IN."""
    bulk = [e.bEndpointAddress for e in interface if e.bmAttributes & 3 == _BULK]
    incoming = [endpoint for endpoint in bulk if endpoint & _DIRECTION_IN]
    outgoing = [endpoint for endpoint in bulk if not endpoint & _DIRECTION_IN]
    if len(incoming) != 1 or len(outgoing) != 1:
        raise DeviceFailedError(
            "the interface must have one bulk IN and one bulk OUT endpoint, it has "
            f"{len(incoming)} and {len(outgoing)}"
        )
    return outgoing[0], incoming[0]


def interface_of(device: Any) -> Any:
    """Return pyusb's descriptor of the interface; None if the device has none."""
    wanted = (INTERFACE_CLASS, INTERFACE_SUBCLASS, INTERFACE_PROTOCOL)
    for configuration in device:
        for interface in configuration:
            found = (
                interface.bInterfaceClass,
                interface.bInterfaceSubClass,
                interface.bInterfaceProtocol,
            )
            if found == wanted:
                return interface
    return None
