"""What stands in the way of front-ends on USB: libraries, devices, permissions, speed, memory."""

from __future__ import annotations

import ctypes
import errno
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from usdk.errors import MissingExtraError, UsdkError
from usdk.front_end import Finding, Severity
from usdk_drivers.udev_rule import UDEV_RULE_ADVICE
from usdk_drivers.usb_address import UsbAddress
from usdk_drivers.usb_devices import (
    find_devices,
    interface_number,
    release,
    serial_number,
)
from usdk_drivers.usb_errors import import_usb, no_libusb_error
from usdk_drivers.usb_reads import UsbReads
from usdk_drivers.usb_ring import N_TRANSFERS, TRANSFER_BYTES
from usdk_drivers.usb_ring_calls import is_libusb
from usdk_drivers.usb_speed import UsbSpeed, connected_speed, could_be_super_speed
from usdk_drivers.usb_transport import possible_reads

__all__ = ["USBFS_MEMORY", "device_findings", "library_findings", "usbfs_finding"]

USBFS_MEMORY = Path("/sys/module/usbcore/parameters/usbfs_memory_mb")
"""Where Linux says how much memory all USB transfers of all programs may hold at once, MiB."""

ADVISED_USBFS_MIB = 256
"""Room for the transfers of several front-ends beside cameras and other programs."""


def library_findings(backend: Any = None) -> Iterator[Finding]:
    """Look for pyusb and libusb; ``backend`` stands for libusb where it is given."""
    try:
        usb = import_usb()
    except MissingExtraError as error:
        yield _finding("USB library", Severity.NOTE, "pyusb is not installed", str(error))
        return
    version = getattr(usb, "__version__", "of unknown version")
    if backend is None:
        from usb.backend import libusb1

        backend = libusb1.get_backend()
    if backend is None:
        message = f"pyusb {version} finds no libusb"
        yield _finding("USB library", Severity.PROBLEM, message, str(no_libusb_error()))
        return
    name = getattr(getattr(backend, "lib", None), "_name", None)
    library = type(backend).__name__ if name is None else f"libusb {_libusb_version(name)} ({name})"
    yield _finding("USB library", Severity.OK, f"pyusb {version} on {library}")


def device_findings(backend: Any = None) -> Iterator[Finding]:
    """Look at every front-end that is plugged in."""
    try:
        devices = find_devices(UsbAddress(), backend)
    except MissingExtraError:
        return  # said by `library_findings`
    except UsdkError as error:
        yield _finding("USB device", Severity.PROBLEM, str(error))
        return
    if not devices:
        yield _finding(
            "USB device",
            Severity.NOTE,
            "no front-end is plugged in",
            "plug one in and switch it on; if it is, try another cable and port, and look for it "
            "with lsusb",
        )
    for device in devices:
        try:
            yield from _one_device(device)
        finally:
            release(device)


def usbfs_finding(path: Path = USBFS_MEMORY, platform: str = sys.platform) -> Finding | None:
    """Compare Linux's limit of USB memory with what transfers need; None where there is none."""
    if platform != "linux":
        return None
    try:
        limit_mib = int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    need_mib = N_TRANSFERS * TRANSFER_BYTES / 2**20
    advice = (
        f"echo {ADVISED_USBFS_MIB} | sudo tee {path} until the next start, "
        f"usbcore.usbfs_memory_mb={ADVISED_USBFS_MIB} on the kernel's command line for good"
    )
    if limit_mib == 0:
        return _finding("USB memory", Severity.OK, "the kernel sets no limit to USB transfers")
    message = (
        f"the kernel lets all USB transfers hold {limit_mib} MiB at once; a front-end that is read "
        f"keeps {need_mib:g} MiB in flight"
    )
    if limit_mib < need_mib:
        message += ", or as much of it as there is room for, and loses data more easily"
        return _finding("USB memory", Severity.PROBLEM, message, advice)
    if limit_mib < ADVISED_USBFS_MIB:
        message += ", and shares them with cameras and other programs"
        return _finding(
            "USB memory", Severity.NOTE, message, f"with several devices at once: {advice}"
        )
    return _finding("USB memory", Severity.OK, message)


def _one_device(device: Any) -> Iterator[Finding]:
    usb = import_usb()
    speed = connected_speed(device)
    name = str(UsbAddress(serial_number=serial_number(device) or None))
    try:
        device.get_active_configuration()
        number = interface_number(device)
        usb.util.claim_interface(device, number)
        reads = possible_reads(device) if is_libusb(device) else None
        usb.util.release_interface(device, number)
    except (usb.core.USBError, NotImplementedError) as error:
        yield _refusal(name, getattr(error, "errno", None), error)
    else:
        yield _finding("USB device", Severity.OK, f"{name} can be opened")
        if reads is not None:
            yield _transfers(name, reads)
    if speed >= UsbSpeed.SUPER:
        yield _finding("USB speed", Severity.OK, f"{name} is connected at {speed.label}")
    elif speed is UsbSpeed.UNKNOWN:
        message = f"{name}: the system does not tell at which speed it is connected"
        yield _finding("USB speed", Severity.NOTE, message)
    elif could_be_super_speed(device):
        yield _finding(
            "USB speed",
            Severity.PROBLEM,
            f"{name} is connected at {speed.label}, and could be at {UsbSpeed.SUPER.label}",
            "use a cable and a port for USB 3 (often blue inside, or marked SS), without a hub; "
            "push the plug in fully and quickly",
        )
    else:
        message = f"{name} is connected at {speed.label}, the fastest that it says it can"
        yield _finding("USB speed", Severity.NOTE, message)


def _transfers(name: str, reads: UsbReads) -> Finding:
    message = f"{name} is read by {reads}"
    if not reads.obstacle:
        return _finding("USB transfers", Severity.OK, message)
    return _finding(
        "USB transfers",
        Severity.PROBLEM,
        message,
        "between two transfers the device must hold its data: install libusb 1.0.21 or newer, and "
        'pyusb by `pip install "ultrasound-sdk[usb]"`',
    )


def _refusal(name: str, number: int | None, error: Exception) -> Finding:
    if number == errno.EACCES:
        return _finding(
            "USB device",
            Severity.PROBLEM,
            f"{name} is plugged in, and you have no permission to open it",
            f"{UDEV_RULE_ADVICE}, then plug the device in again",
        )
    if number == errno.EBUSY:
        message = f"{name} is used by another program"
        return _finding("USB device", Severity.NOTE, message, "close that one to use it here")
    if number in (errno.ENODEV, errno.ESHUTDOWN):
        message = f"{name} went away while it was looked at"
        return _finding("USB device", Severity.NOTE, message, "plug it in again")
    advice = "plug it in again, try another cable and port"
    return _finding("USB device", Severity.PROBLEM, f"{name} cannot be opened: {error}", advice)


def _finding(topic: str, severity: Severity, message: str, advice: str = "") -> Finding:
    return Finding(topic=topic, severity=severity, message=message, advice=advice)


class _Version(ctypes.Structure):
    """``struct libusb_version``, as far as it is read."""

    _fields_ = [(name, ctypes.c_uint16) for name in ("major", "minor", "micro", "nano")]


def _libusb_version(name: str) -> str:
    try:
        ask = ctypes.CDLL(name).libusb_get_version
        ask.restype = ctypes.POINTER(_Version)
        version = ask().contents
    except (OSError, AttributeError, ValueError):
        return "of unknown version"
    return f"{version.major}.{version.minor}.{version.micro}"
