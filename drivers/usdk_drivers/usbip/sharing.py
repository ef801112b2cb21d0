"""SharedDevices: simulated devices on a USB/IP server, and how each of them is reached."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from usdk.front_end import SharedFrontEnd
from usdk_drivers.simulator.simulated_device import SimulatedDevice
from usdk_drivers.usbip.address import UsbIpAddress
from usdk_drivers.usbip.messages import DEFAULT_PORT
from usdk_drivers.usbip.server import UsbIpServer

__all__ = ["RETURN_S", "SharedDevices"]

RETURN_S = 1.0
"""A shared device that a fault unplugged is back after so long, unless it says otherwise, s."""

_EVERYWHERE = ("0.0.0.0", "::")  # nosec B104


class SharedDevices:
    """Shares simulated devices by USB/IP until closed; a context manager.

    A device that its faults unplug comes back by itself, `RETURN_S` later or when its own
    ``return_s`` says, and can be attached again.

    Parameters
    ----------
    devices : sequence of SimulatedDevice
        Shared as ``1-1``, ``1-2``, …
    host, port : str and int
        Where to listen; port 0 takes a free one.

    Raises
    ------
    ArgumentError
        If there is no device.
    StorageError
        If the port cannot be had.
    """

    def __init__(self, devices: Sequence[SimulatedDevice], *, host: str, port: int) -> None:
        self._devices = [one.on_usb(one.firmware(), return_s=RETURN_S) for one in devices]
        self._server = UsbIpServer(self._devices, host=host, port=port)
        self.host, self.port = self._server.address
        reached = socket.gethostname() if self.host in _EVERYWHERE else self.host
        tcp_port = "" if self.port == DEFAULT_PORT else f"--tcp-port {self.port} "
        self.front_ends = tuple(
            SharedFrontEnd(
                address=str(UsbIpAddress(reached, self.port, bus_id)),
                attach_command=f"usbip {tcp_port}attach -r {reached} -b {bus_id}",
                description=", serial number ".join(device.strings[1:]),
            )
            for bus_id, device in zip(self._server.bus_ids, self._devices, strict=True)
        )
        """How each device is reached."""

    def plug_in(self) -> int:
        """Put back at once what is unplugged, and return how many devices that were."""
        absent = [device for device in self._devices if not device.is_attached]
        for device in absent:
            device.plug()
        return len(absent)

    def close(self) -> None:
        """Stop sharing and drop every client; a second call has no effect."""
        self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
