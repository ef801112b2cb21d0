"""A simulated device as sysfs shows it, in the words of umockdev's device descriptions."""

from __future__ import annotations

from usdk_drivers.simulator.device_model import UsbDevice

__all__ = ["BUS_NUMBER", "device_path", "node_path", "port_description"]

BUS_NUMBER = 2
_MAJOR = 189
_CONTROLLER = "/devices/pci0000:00/0000:00:14.0"


def node_path(number: int) -> str:
    """Return the device node of the device with this number."""
    return f"/dev/bus/usb/{BUS_NUMBER:03d}/{number:03d}"


def device_path(port: int) -> str:
    """Return the path of the device at a port, without ``/sys``."""
    return f"{_CONTROLLER}/usb{BUS_NUMBER}/{BUS_NUMBER}-{port}"


def port_description(device: UsbDevice, port: int, number: int) -> str:
    """Return what umockdev needs to show the device at ``port`` with a device number."""
    manufacturer, product, serial = (_escaped(text) for text in device.strings)
    descriptors = (device.device_descriptor() + device.configuration_descriptor()).hex().upper()
    properties = {
        "SUBSYSTEM": "usb",
        "DEVTYPE": "usb_device",
        "DEVNAME": node_path(number),
        "BUSNUM": f"{BUS_NUMBER:03d}",
        "DEVNUM": f"{number:03d}",
        "MAJOR": _MAJOR,
        "MINOR": (BUS_NUMBER - 1) * 128 + number - 1,
        "PRODUCT": f"{device.vendor_id:x}/{device.product_id:x}/100",
        "TYPE": "0/0/0",
    }
    attributes = {
        "busnum": BUS_NUMBER,
        "devnum": number,
        "devpath": port,
        "speed": 5000,
        "version": " 3.20",
        "maxchild": 0,
        "idVendor": f"{device.vendor_id:04x}",
        "idProduct": f"{device.product_id:04x}",
        "bcdDevice": "0100",
        "bConfigurationValue": device.configuration_value,
        "bNumConfigurations": 1,
        "bNumInterfaces": " 1",
        "manufacturer": manufacturer,
        "product": product,
        "serial": serial,
    }
    lines = [f"P: {device_path(port)}", f"N: {node_path(number).removeprefix('/dev/')}"]
    lines += [f"E: {key}={value}" for key, value in properties.items()]
    lines += [f"A: {key}={value}\\n" for key, value in attributes.items()]
    return "\n".join([*lines, f"H: descriptors={descriptors}"]) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", " ")
