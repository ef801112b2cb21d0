"""Addresses of devices behind USB/IP."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from usdk.errors import ArgumentError
from usdk_drivers.usbip.messages import DEFAULT_PORT

__all__ = ["UsbIpAddress"]


@dataclass(frozen=True)
class UsbIpAddress:
    """Where a server listens, and which of its devices is meant; the only one when absent."""

    host: str
    port: int = DEFAULT_PORT
    bus_id: str | None = None

    @classmethod
    def parse(cls, address: str) -> UsbIpAddress:
        """Parse what follows ``usbip:``: ``//HOST/1-1``, ``//HOST:PORT/1-1`` or ``//HOST``."""
        try:
            parts = urlsplit(f"usbip:{address}")
            port = parts.port or DEFAULT_PORT
        except ValueError:
            parts, port = urlsplit(""), 0
        bus_id = parts.path.strip("/")
        if not address.startswith("//") or not parts.hostname or parts.query or "/" in bus_id:
            raise ArgumentError(
                f"usbip:{address} is no address: write usbip://HOST/1-1 or usbip://HOST:PORT/1-1"
            )
        return cls(parts.hostname, port, bus_id or None)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == DEFAULT_PORT else f":{self.port}"
        return f"usbip://{host}{port}/{self.bus_id or ''}"
