"""A port of a virtual machine: whatever the machine sends, the port answers or ends."""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable
from typing import Any

from usdk_drivers.simulator.device_model import Nak, UsbDevice
from usdk_drivers.simulator.endpoints import BULK_IN, BULK_OUT
from usdk_drivers.usbredir.messages import (
    BulkHeader,
    ControlHeader,
    Message,
    hello,
    pack_header,
)
from usdk_drivers.usbredir.port import RedirectedPort

_STEP = struct.Struct("<BH")
_KINDS = tuple(Message)
_HOLD_S = 10.0
_GREETING_BYTES = len(hello(""))


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


class _Machine:
    """A stream that gives the machine's bytes, then ends, and takes what the port sends."""

    def __init__(self, sent: bytes) -> None:
        self._sent, self._place = sent, 0
        self.has_greeted = threading.Event()
        self.may_go_on = threading.Event()

    def read(self, n_bytes: int) -> bytes:
        if self._place >= _GREETING_BYTES:
            # The device is to be there before it is asked for.
            self.has_greeted.set()
            self.may_go_on.wait(_HOLD_S)
        part = self._sent[self._place : self._place + n_bytes]
        self._place += len(part)
        return part

    def write(self, data: bytes | memoryview) -> int:
        return len(data)


def _step(kind: Message, body: bytes) -> bytes:
    return _STEP.pack(_KINDS.index(kind), len(body)) + body


def seeds() -> list[bytes]:
    """Return what a machine does: it sets up, asks, reads, writes, cancels."""
    control = ControlHeader(0x80, 6, 0x80, 0, 0x100, 0, 18).pack()
    setup = _step(Message.SET_CONFIGURATION, b"\1") + _step(Message.SET_ALT_SETTING, b"\0\0")
    setup += _step(Message.CONTROL_PACKET, control) + _step(Message.RESET, b"")
    setup += _step(Message.GET_CONFIGURATION, b"") + _step(Message.GET_ALT_SETTING, b"\0")
    moves = _step(Message.BULK_PACKET, BulkHeader(BULK_IN, 0, 512).pack())
    moves += _step(Message.BULK_PACKET, BulkHeader(BULK_OUT, 0, 4).pack() + b"data")
    moves += _step(Message.CANCEL_DATA_PACKET, b"")
    moves += _step(Message.START_INTERRUPT_RECEIVING, b"\x83")
    return [b"\0" + setup, b"\0" + moves, b"\1" + hello("raw") + setup]


def _stream(data: bytes) -> bytes:
    if data[:1] != b"\0":
        return data[1:]
    sent, place, number = hello("fuzz"), 1, 1
    while place + _STEP.size <= len(data):
        kind, n_bytes = _STEP.unpack_from(data, place)
        body = data[place + _STEP.size : place + _STEP.size + n_bytes]
        place += _STEP.size + n_bytes
        sent += pack_header(_KINDS[kind % len(_KINDS)], len(body), number) + body
        number += 1
    return sent


def one_input(data: bytes) -> None:
    """Serve one machine to its end; a thread that fails is a finding."""
    failures: list[BaseException | None] = []
    before: Callable[[Any], object] = threading.excepthook
    threading.excepthook = lambda failure: failures.append(failure.exc_value)
    device = UsbDevice(
        _Function(),
        vendor_id=1,
        product_id=2,
        interface_triple=(255, 1, 1),
        strings=("m", "p", "s"),
    )
    try:
        machine = _Machine(_stream(data))
        port = RedirectedPort(machine)  # type: ignore[arg-type]
        with port:
            port.add(device)
            while port._reading.is_alive() and not machine.has_greeted.wait(0.001):
                pass
            port.look()
            machine.may_go_on.set()
            port._reading.join(_HOLD_S)
            assert not port._reading.is_alive()
    finally:
        threading.excepthook = before
    for failure in failures:
        if failure is not None:
            raise failure
