"""Which USB device an address means."""

from __future__ import annotations

import re
from dataclasses import dataclass

from usdk.errors import ArgumentError

__all__ = ["PRODUCT_ID", "VENDOR_ID", "UsbAddress"]

# pid.codes' private test id: a product on sale needs its own.
VENDOR_ID = 0x1209
PRODUCT_ID = 0x0001
_IDS = re.compile(r"([0-9a-fA-F]{4}):([0-9a-fA-F]{4})")


@dataclass(frozen=True)
class UsbAddress:
    """Vendor and product id, and a serial number if one is asked for."""

    vendor_id: int = VENDOR_ID
    product_id: int = PRODUCT_ID
    serial_number: str | None = None

    @classmethod
    def parse(cls, address: str) -> UsbAddress:
        """Parse what follows ``usb:``: nothing, ``serial=…`` or ``vvvv:pppp`` in hexadecimal."""
        if not address:
            return cls()
        key, _, serial_number = address.partition("=")
        if key == "serial" and serial_number:
            return cls(serial_number=serial_number)
        if ids := _IDS.fullmatch(address):
            return cls(int(ids[1], 16), int(ids[2], 16))
        raise ArgumentError(
            f"{address!r} is no USB address: write usb: (the only one), usb:serial=XYZ "
            "or usb:1209:0001"
        )

    def __str__(self) -> str:
        if self.serial_number:
            return f"usb:serial={self.serial_number}"
        return f"usb:{self.vendor_id:04x}:{self.product_id:04x}"
