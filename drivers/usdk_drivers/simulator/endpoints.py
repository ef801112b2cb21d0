"""The endpoints of a simulated device: bulk OUT, bulk IN and interrupt IN."""

from __future__ import annotations

import struct
from dataclasses import dataclass

__all__ = ["BULK_IN", "BULK_OUT", "ENDPOINTS", "INTERRUPT_IN", "EndpointDescriptor"]

BULK_OUT, BULK_IN, INTERRUPT_IN = 0x01, 0x81, 0x82
_BULK, _INTERRUPT = 2, 3


@dataclass(frozen=True)
class EndpointDescriptor:
    """One endpoint of a SuperSpeed interface."""

    address: int
    transfer_type: int
    max_packet_bytes: int
    interval: int = 0
    max_burst: int = 0

    def pack(self) -> bytes:
        """Return the endpoint descriptor (USB 3.2, 9.6.6)."""
        return struct.pack(
            "<BBBBHB", 7, 5, self.address, self.transfer_type, self.max_packet_bytes, self.interval
        )

    def pack_companion(self) -> bytes:
        """Return the SuperSpeed endpoint companion descriptor (USB 3.2, 9.6.7)."""
        per_interval = self.max_packet_bytes if self.transfer_type == _INTERRUPT else 0
        return struct.pack("<BBBBH", 6, 0x30, self.max_burst, 0, per_interval)


ENDPOINTS = (
    EndpointDescriptor(BULK_OUT, _BULK, 1024, max_burst=15),
    EndpointDescriptor(BULK_IN, _BULK, 1024, max_burst=15),
    EndpointDescriptor(INTERRUPT_IN, _INTERRUPT, 64, interval=4),
)
"""As every front-end of this kind has them."""
