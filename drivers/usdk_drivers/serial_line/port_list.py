"""Serial ports that the system knows, by what it says of them: none is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from usdk.errors import MissingExtraError
from usdk.front_end import Found
from usdk_drivers.serial_line.address import SerialAddress
from usdk_drivers.serial_line.port import import_serial
from usdk_drivers.usb_address import PRODUCT_ID, VENDOR_ID

__all__ = ["SerialPort", "is_there", "our_ports", "serial_ports"]


@dataclass(frozen=True, kw_only=True)
class SerialPort:
    """A port, what is said of it, and whether its USB ids are those of a front-end."""

    device: str
    description: str
    is_ours: bool


def serial_ports() -> list[SerialPort]:
    """Return all ports of this machine, in the order of their names.

    Raises
    ------
    MissingExtraError
        If pyserial is not installed.
    """
    import_serial()
    from serial.tools import list_ports

    return sorted(
        (
            SerialPort(
                device=port.device,
                description=", serial number ".join(
                    filter(None, (port.product or port.description, port.serial_number))
                ),
                is_ours=(port.vid, port.pid) == (VENDOR_ID, PRODUCT_ID),
            )
            for port in list_ports.comports()
        ),
        key=lambda port: port.device,
    )


def is_there(port: str) -> bool:
    """Return whether a port is there: ``/dev/ttyACM0``, a link to it, or ``COM3``."""
    try:
        if Path(port).is_char_device():
            return True
    except OSError:
        pass
    try:
        return any(one.device == port for one in serial_ports())
    except MissingExtraError:
        return False


def our_ports() -> list[Found]:
    """Return the ports with a front-end's USB ids; raises as `serial_ports` does."""
    return [
        Found(address=str(SerialAddress(port.device)), description=port.description)
        for port in serial_ports()
        if port.is_ours
    ]
