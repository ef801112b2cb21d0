"""What a person may want to know of USB/IP on this machine."""

from __future__ import annotations

import sys
from pathlib import Path

from usdk.front_end import Finding, Severity

__all__ = ["VHCI_MODULE", "kernel_module_finding"]

VHCI_MODULE = Path("/sys/module/vhci_hcd")


def kernel_module_finding(path: Path = VHCI_MODULE, platform: str = sys.platform) -> Finding:
    """Tell whether the kernel could attach a shared device; usdk itself needs no module."""
    if platform != "linux":
        message = "usbip:// addresses work without a kernel module"
    elif path.is_dir():
        message = "usbip:// addresses work; the kernel module vhci_hcd is loaded for usbip attach"
    else:
        message = (
            "usbip:// addresses work; the kernel module vhci_hcd, which only usbip attach needs "
            "(sudo modprobe vhci-hcd), is not loaded"
        )
    return Finding(topic="USB/IP", severity=Severity.OK, message=message)
