"""SerialFrontEnd: a front-end on a serial port that speaks the wire protocol."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Self

from usdk.errors import DeviceAbsentError, DeviceFailedError, DeviceTimeoutError, MissingExtraError
from usdk.front_end import Finding, Found
from usdk_drivers.serial_line.address import SerialAddress
from usdk_drivers.serial_line.diagnosis import serial_findings
from usdk_drivers.serial_line.port_list import is_there, our_ports
from usdk_drivers.serial_line.transport import SerialTransport
from usdk_drivers.wire_front_end import WireFrontEnd

__all__ = ["SerialFrontEnd"]


class SerialFrontEnd(WireFrontEnd):
    """A front-end on a serial port: a CDC-ACM device on USB, or a line with a converter.

    Addresses: ``serial:/dev/ttyACM0``, ``serial:/dev/serial/by-id/…``, ``serial:COM3``, with
    ``?baud=3000000`` and ``&rtscts=1`` where there is a line between device and converter.

    Notes
    -----
    A port is opened, and written to, only when its address is given: a greeting may be a command
    to whatever else stands behind a port, and opening alone restarts some boards. `discover`
    therefore lists by what the system knows, and `discover_on` asks the ports that it is given.
    """

    scheme: ClassVar[str] = "serial"

    @classmethod
    def open(cls, address: str) -> Self:
        """Open the device at ``address`` (what follows ``serial:``)."""
        return cls(SerialTransport.open(SerialAddress.parse(address)))

    @classmethod
    def discover(cls) -> list[Found]:
        """Return the ports whose USB ids are those of a front-end; none of them is opened."""
        try:
            return our_ports()
        except MissingExtraError:
            return []

    @classmethod
    def discover_at(cls, address: str) -> Found | None:
        """Return the port at ``address`` if it is there; it is not opened.

        What stands behind it is known when it is opened.
        """
        port = SerialAddress.parse(address).port
        if not is_there(port):
            return None
        return Found(address=f"{cls.scheme}:{address}", description=f"serial port {port}")

    @classmethod
    def discover_on(cls, ports: Iterable[str]) -> list[Found]:
        """Open the ports that are named, greet, and return those that a front-end answers on.

        Parameters
        ----------
        ports : iterable of str
            As in an address: ``/dev/ttyUSB0?baud=3000000``.
        """
        found = []
        for port in ports:
            address = SerialAddress.parse(port)
            try:
                with cls.open(port) as front_end:
                    info = front_end.info
            except (DeviceAbsentError, DeviceFailedError, DeviceTimeoutError):
                continue
            name = f"{info.manufacturer} {info.model}, serial number {info.serial_number or '?'}"
            found.append(Found(address=str(address), description=name))
        return found

    @classmethod
    def diagnose(cls) -> list[Finding]:
        """Return what stands in the way of serial ports; none is opened."""
        return list(serial_findings())
