"""usb-redir: simulated devices plugged into a virtual machine, whose kernel takes them for real."""

from __future__ import annotations

from usdk_drivers.usbredir.port import RedirectedPort

__all__ = ["RedirectedPort"]
