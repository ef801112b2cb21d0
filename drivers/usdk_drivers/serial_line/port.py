"""pyserial at the border: how it is imported, a port opened, and what its errors become."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from usdk.errors import (
    ArgumentError,
    DeviceAbsentError,
    DeviceFailedError,
    DeviceTimeoutError,
    MissingExtraError,
    UsdkError,
)
from usdk_drivers.serial_line.address import SerialAddress

__all__ = [
    "SLICE_S",
    "WRITE_TIMEOUT_S",
    "denied_advice",
    "import_serial",
    "open_port",
    "translated",
]

SLICE_S = 0.02
"""A wait for bytes looks so often whether it is still wanted."""

WRITE_TIMEOUT_S = 1.0
_ABSENT = (errno.ENOENT, errno.ENXIO, errno.ENODEV, errno.EIO, errno.EBADF)
_BUSY = (errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK)
_DENIED = (errno.EACCES, errno.EPERM)
_NO_PORT = (errno.ENOTTY, errno.EISDIR, errno.EINVAL)


def import_serial() -> Any:
    """Return the package ``serial``; `MissingExtraError` without pyserial."""
    try:
        import serial
    except ImportError as error:
        raise MissingExtraError.for_extra("serial", "a serial port") from error
    return serial


def open_port(address: SerialAddress) -> Any:
    """Open a port for this program alone, as ``serial.Serial``.

    Opening raises the line DTR, as devices on USB expect; it restarts some boards.

    Raises
    ------
    ArgumentError
        If it is no serial port, or cannot be set to the rate.
    DeviceAbsentError
        If there is no such port.
    DeviceFailedError
        If access is denied, or another program uses it.
    """
    serial = import_serial()
    try:
        return serial.Serial(
            address.port,
            baudrate=address.baud,
            rtscts=address.rtscts,
            timeout=SLICE_S,
            write_timeout=WRITE_TIMEOUT_S,
            exclusive=True,
        )
    except (ValueError, OverflowError) as error:
        raise ArgumentError(
            f"{address.port} cannot be set to {address.baud} bit/s: ask for another baud"
        ) from error
    except OSError as error:
        raise _refusal(address.port, error) from error
    except Exception as error:
        # termios.error is no OSError.
        if type(error).__module__ != "termios":
            raise
        raise ArgumentError(f"{address.port} is no serial port: {error.args[-1]}") from error


@contextmanager
def translated(port: str, doing: str) -> Iterator[None]:
    """Turn what an open port raises into errors of `usdk.errors`; ``doing`` ends the message."""
    serial = import_serial()
    try:
        yield
    except UsdkError:
        raise
    except serial.SerialTimeoutException as error:
        raise DeviceTimeoutError(
            f"{port} took nothing for {WRITE_TIMEOUT_S:g} s while {doing}: check that it is the "
            "right port, and that the device runs"
        ) from error
    # A port that another thread closes has no descriptor any more, which is a TypeError.
    except (OSError, TypeError) as error:
        raise DeviceAbsentError(
            f"the device on {port} went away (or lost power) while {doing}: plug it in again, "
            "close the front-end and open it anew"
        ) from error


def _group_of(port: str) -> str | None:
    """Return the group that may use a port, None where there is none or everybody may."""
    try:
        import grp

        seen = os.stat(port)  # noqa: PTH116  # a name as pyserial gives it, also on Windows
        may = stat.S_IRGRP | stat.S_IWGRP
        return grp.getgrgid(seen.st_gid).gr_name if seen.st_mode & may == may else None
    except (ImportError, OSError, KeyError):
        return None


def denied_advice(port: str) -> str:
    """Return what to do where a port may not be opened."""
    group = _group_of(port)
    if group is None or group == "root":
        return "ask whoever administers this machine for access to it"
    return f"sudo usermod -aG {group} $USER, then log out and in again"


def _refusal(port: str, error: OSError) -> UsdkError:
    number, text = error.errno, str(error)
    # On Windows the cause is in the text alone.
    if number in _ABSENT or "FileNotFoundError" in text:
        return DeviceAbsentError(f"there is no port {port}: plug the device in and switch it on")
    if number in _DENIED:
        return DeviceFailedError(f"no permission to open {port}: {denied_advice(port)}")
    if number in _BUSY or "PermissionError" in text:
        return DeviceFailedError(
            f"{port} is used by another program (ModemManager tries new ports, too): close that one"
        )
    if number in _NO_PORT or "Could not configure port" in text:
        return ArgumentError(f"{port} is no serial port: check the address")
    return DeviceFailedError(f"{port} cannot be opened: {text}; plug the device in again")
