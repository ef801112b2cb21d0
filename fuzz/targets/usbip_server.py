"""A USB/IP server: whatever a client sends, it is answered or dropped, and nothing is left."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from typing import Any

from usdk.errors import DataDamagedError
from usdk_drivers.simulator.device_model import Nak, UsbDevice
from usdk_drivers.simulator.endpoints import BULK_IN, BULK_OUT
from usdk_drivers.usbip.attachment import Attachment
from usdk_drivers.usbip.messages import URB_BYTES, Submit, pack_unlink

_HOLD_S = 10.0
_MOST_ANSWERED = 1 << 16


class _Function:
    """Takes all and gives zeros."""

    def control(self, *, incoming: bool, request: int, value: int, index: int) -> bytes:
        return bytes(8)

    def bulk_out(self, data: bytes) -> None:
        pass

    def bulk_in(self, buffer: memoryview, timeout_s: float) -> int:
        if not len(buffer):
            raise Nak
        return min(len(buffer), 512)


def seeds() -> list[bytes]:
    """Return what a host does: it asks, reads, writes, takes back, and breaks off."""
    setup = struct.pack("<BBHHH", 0x80, 6, 0x100, 0, 18)
    ask = Submit(number=1, device_id=1, endpoint=0, is_incoming=True, n_bytes=18, setup=setup)
    read = Submit(number=2, device_id=1, endpoint=BULK_IN & 0x0F, is_incoming=True, n_bytes=512)
    write = Submit(number=3, device_id=1, endpoint=BULK_OUT, is_incoming=False, n_bytes=4)
    talk = ask.pack() + read.pack() + write.pack() + b"data" + pack_unlink(4, 1, 2)
    return [talk, talk[: URB_BYTES + 9], write.pack() + b"da"]


def _swallow(end: socket.socket) -> None:
    """Take what the server answers, so that it is never held up."""
    with suppress(OSError):
        while end.recv(_MOST_ANSWERED):
            pass


def one_input(data: bytes) -> None:
    """Serve one client to its end; a thread that fails is a finding."""
    failures: list[BaseException | None] = []
    before = threading.excepthook

    def keep(failure: Any) -> None:
        failures.append(failure.exc_value)

    threading.excepthook = keep
    device = UsbDevice(
        _Function(),
        vendor_id=1,
        product_id=2,
        interface_triple=(255, 1, 1),
        strings=("m", "p", "s"),
    )
    ours, theirs = socket.socketpair()
    reader = threading.Thread(target=_swallow, args=(theirs,), daemon=True)
    try:
        with ours, theirs:
            theirs.settimeout(_HOLD_S)
            ours.settimeout(_HOLD_S)
            reader.start()
            theirs.sendall(data)
            theirs.shutdown(socket.SHUT_WR)
            with suppress(DataDamagedError, ConnectionError):
                Attachment(ours, device, device.n_unplugs).run()
        reader.join(_HOLD_S)
        assert not reader.is_alive()
    finally:
        threading.excepthook = before
    for failure in failures:
        if failure is not None:
            raise failure
