"""What stands in the way of front-ends on serial ports: pyserial, ports, permissions."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from usdk.errors import MissingExtraError
from usdk.front_end import Finding, Severity
from usdk_drivers.serial_line.port import denied_advice, import_serial
from usdk_drivers.serial_line.port_list import SerialPort, serial_ports

__all__ = ["serial_findings"]

_TOPIC = "serial port"


def serial_findings(
    ports: Callable[[], list[SerialPort]] = serial_ports,
    may_use: Callable[[str], bool] | None = None,
) -> Iterator[Finding]:
    """Look at every serial port without opening one.

    ``ports`` and ``may_use`` stand for the system where they are given.
    """
    try:
        version = getattr(import_serial(), "__version__", "of unknown version")
        found = ports()
    except MissingExtraError as error:
        message = "pyserial is not installed"
        yield _finding(Severity.NOTE, message, str(error), topic="serial library")
        return
    yield _finding(Severity.OK, f"pyserial {version}", topic="serial library")
    if not found:
        yield _finding(Severity.OK, "this machine has no serial port")
    for port in found:
        yield _one_port(port, may_use or _may_use)


def _one_port(port: SerialPort, may_use: Callable[[str], bool]) -> Finding:
    name = f"{port.device} ({port.description})"
    what = "a front-end by its USB ids" if port.is_ours else "not looked into"
    if may_use(port.device):
        return _finding(Severity.OK, f"{name}: {what}, and may be opened")
    severity = Severity.PROBLEM if port.is_ours else Severity.NOTE
    message = f"{name}: {what}, and you have no permission to open it"
    return _finding(severity, message, denied_advice(port.device))


def _may_use(device: str) -> bool:
    # Where names are no files, only opening would tell.
    return not os.path.exists(device) or os.access(device, os.R_OK | os.W_OK)  # noqa: PTH110


def _finding(severity: Severity, message: str, advice: str = "", *, topic: str = _TOPIC) -> Finding:
    return Finding(topic=topic, severity=severity, message=message, advice=advice)
