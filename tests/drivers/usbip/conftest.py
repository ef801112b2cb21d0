from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from usdk_drivers.simulator.device_model import UsbDevice, UsbFunction
from usdk_drivers.usb_address import PRODUCT_ID, VENDOR_ID
from usdk_drivers.usb_devices import INTERFACE_CLASS, INTERFACE_PROTOCOL, INTERFACE_SUBCLASS
from usdk_drivers.usbip import UsbIpServer


@pytest.fixture
def device() -> Callable[[UsbFunction], UsbDevice]:
    """Return a maker of devices that do what a function does."""

    def make(function: UsbFunction) -> UsbDevice:
        return UsbDevice(
            function,
            vendor_id=VENDOR_ID,
            product_id=PRODUCT_ID,
            interface_triple=(INTERFACE_CLASS, INTERFACE_SUBCLASS, INTERFACE_PROTOCOL),
            strings=("usdk", "simulated", "S-1"),
        )

    return make


@pytest.fixture
def share() -> Iterator[Callable[..., UsbIpServer]]:
    """Return a maker of servers on free ports of the loopback, closed at the end."""
    servers: list[UsbIpServer] = []

    def start(*devices: UsbDevice) -> UsbIpServer:
        servers.append(UsbIpServer(devices, port=0))
        return servers[-1]

    yield start
    for server in servers:
        server.close()
