"""USB/IP: simulated devices shared over a network, and shared devices opened without root."""

from usdk_drivers.usbip.front_end import UsbIpFrontEnd
from usdk_drivers.usbip.server import UsbIpServer

__all__ = ["UsbIpFrontEnd", "UsbIpServer"]
