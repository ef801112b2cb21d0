"""A serial port that is a USB device: a CDC-ACM adapter with a terminal behind it."""

from __future__ import annotations

import os
import select
import struct

from usdk_drivers.simulator.device_model import Gone, Nak, UsbDevice
from usdk_drivers.simulator.endpoints import BULK_IN, BULK_OUT, ENDPOINTS, INTERRUPT_IN

__all__ = ["CdcAcmDevice"]

_CLASS_REQUEST, _TYPE_MASK = 0x20, 0x60
_GET_LINE_CODING = 0x21
_LINE_CODING = struct.pack("<IBBB", 115200, 0, 0, 8)  # rate, one stop bit, no parity, 8 bits
_COMMUNICATIONS = (0x02, 0x02, 0x00)
_DATA = (0x0A, 0x00, 0x00)
_IDS = (0x1209, 0x0002)


class _Terminal:
    """The far end of the line as a function of a USB device."""

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY)

    def close(self) -> None:
        os.close(self._descriptor)

    def control(self, *, incoming: bool, request: int, value: int, index: int) -> bytes:
        return b""

    def bulk_out(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def bulk_in(self, buffer: memoryview, timeout_s: float) -> int:
        ready, _, _ = select.select([self._descriptor], [], [], timeout_s)
        if not ready:
            raise Nak
        try:
            n_bytes = os.readv(self._descriptor, [buffer])
        except OSError:
            raise Gone from None
        if not n_bytes:
            raise Gone
        return n_bytes


class CdcAcmDevice(UsbDevice):
    """A USB serial adapter (USB CDC 1.2, PSTN subclass 1.2) that carries a terminal's bytes.

    A kernel makes ``/dev/ttyACM0`` of it. The rate that a host sets changes nothing.

    Parameters
    ----------
    terminal : str
        Path of the terminal, such as `SimulatedSerialPort.terminal`; opened here.
    serial_number : str
        Of the adapter.
    """

    def __init__(self, terminal: str, *, serial_number: str = "ACM-1") -> None:
        self._terminal = _Terminal(terminal)
        super().__init__(
            self._terminal,
            vendor_id=_IDS[0],
            product_id=_IDS[1],
            interface_triple=_COMMUNICATIONS,
            strings=("usdk", "serial adapter", serial_number),
        )

    def close(self) -> None:
        """Let the terminal go."""
        self.unplug()
        self._terminal.close()

    @property
    def interfaces(self) -> tuple[tuple[int, int, int], ...]:
        """Communications and data."""
        return (_COMMUNICATIONS, _DATA)

    def interface_of(self, endpoint: int) -> int:
        """Return which interface an endpoint belongs to."""
        return 0 if endpoint == INTERRUPT_IN else 1

    def control(
        self, request_type: int, request: int, value: int, index: int, length: int
    ) -> bytes:
        """Answer a control request; the line's settings are taken and have no effect."""
        if request_type & _TYPE_MASK == _CLASS_REQUEST and self.is_attached:
            return _LINE_CODING[:length] if request == _GET_LINE_CODING else b""
        return super().control(request_type, request, value, index, length)

    def device_descriptor(self) -> bytes:
        """Return the device descriptor, of a device whose interfaces belong together."""
        return (
            super().device_descriptor()[:4]
            + bytes([0xEF, 0x02, 0x01])
            + super().device_descriptor()[7:]
        )

    def configuration_descriptor(self) -> bytes:
        """Return the configuration descriptor with all that belongs to it."""
        of = {endpoint.address: endpoint for endpoint in ENDPOINTS}

        def packed(address: int) -> bytes:
            return of[address].pack() + of[address].pack_companion()

        body = bytes([8, 0x0B, 0, 2, *_COMMUNICATIONS, 0])
        body += bytes([9, 4, 0, 0, 1, *_COMMUNICATIONS, 0])
        # Header, call management, abstract control, union (USB CDC 1.2, 5.2.3).
        body += bytes([5, 0x24, 0x00, 0x20, 0x01]) + bytes([5, 0x24, 0x01, 0x00, 1])
        body += bytes([4, 0x24, 0x02, 0x02]) + bytes([5, 0x24, 0x06, 0, 1])
        body += packed(INTERRUPT_IN)
        body += bytes([9, 4, 1, 0, 2, *_DATA, 0]) + packed(BULK_OUT) + packed(BULK_IN)
        return struct.pack("<BBHBBBBB", 9, 2, 9 + len(body), 2, 1, 0, 0x80, 10) + body
