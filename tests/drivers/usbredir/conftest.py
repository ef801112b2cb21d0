from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import pytest

from usdk_drivers.simulator.device_model import Gone, Nak, Stall, UsbDevice
from usdk_drivers.usb_address import PRODUCT_ID, VENDOR_ID
from usdk_drivers.usb_devices import INTERFACE_CLASS, INTERFACE_PROTOCOL, INTERFACE_SUBCLASS
from usdk_drivers.usbredir import RedirectedPort
from usdk_drivers.usbredir.messages import (
    FIRST_HEADER_BYTES,
    HEADER_BYTES,
    BulkHeader,
    ControlHeader,
    Message,
    hello,
    pack_header,
    unpack_header,
)

WITHIN_S = 20.0


class Function:
    """Sends what is put into it, keeps what it gets, and refuses request 9."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.requests: list[tuple[bool, int, int, int]] = []
        self.to_send: list[bytes | type[Exception]] = []
        self.changed = threading.Condition()

    def send(self, what: bytes | type[Exception]) -> None:
        with self.changed:
            self.to_send.append(what)
            self.changed.notify_all()

    def control(self, *, incoming: bool, request: int, value: int, index: int) -> bytes:
        self.requests.append((incoming, request, value, index))
        if request == 9:
            raise Stall
        return b"answer" if incoming else b""

    def bulk_out(self, data: bytes) -> None:
        self.taken.append(bytes(data))

    def bulk_in(self, buffer: memoryview, timeout_s: float) -> int:
        with self.changed:
            if not self.changed.wait_for(lambda: self.to_send, timeout_s):
                raise Nak
            what = self.to_send.pop(0)
        if isinstance(what, bytes):
            buffer[: len(what)] = what
            return len(what)
        raise what


@dataclass
class Machine:
    """The other side of the port: a virtual machine that does what a test says."""

    socket: socket.socket
    number: int = field(default=0)

    def greet(self, greeting: bytes = hello("machine")) -> bytes:
        self.socket.sendall(greeting)
        kind, n_bytes, _ = unpack_header(self.take(FIRST_HEADER_BYTES))
        assert kind == Message.HELLO
        return self.take(n_bytes)

    def take(self, n_bytes: int) -> bytes:
        parts = b""
        while len(parts) < n_bytes:
            part = self.socket.recv(n_bytes - len(parts))
            assert part, "the port closed the connection"
            parts += part
        return parts

    def message(self) -> tuple[int, int, bytes]:
        """Return type, id and body of the next message."""
        kind, n_bytes, number = unpack_header(self.take(HEADER_BYTES))
        return kind, number, self.take(n_bytes)

    def until(self, wanted: Message) -> tuple[int, bytes]:
        """Pass over messages up to the first of a type."""
        while True:
            kind, number, body = self.message()
            if kind == wanted:
                return number, body

    def send(self, kind: Message, body: bytes = b"", number: int | None = None) -> int:
        self.number += 1
        number = self.number if number is None else number
        self.socket.sendall(pack_header(kind, len(body), number) + body)
        return number

    def control(self, kind: int, request: int, value: int, length: int) -> tuple[int, bytes]:
        """Make a control transfer; return status and data."""
        header = ControlHeader(kind & 0x80, request, kind, 0, value, 0, length)
        sent = self.send(Message.CONTROL_PACKET, header.pack())
        number, body = self.until(Message.CONTROL_PACKET)
        assert number == sent
        return ControlHeader.unpack(body).status, body[ControlHeader.N_BYTES :]

    def bulk_in(self, n_bytes: int) -> int:
        return self.send(Message.BULK_PACKET, BulkHeader(0x81, 0, n_bytes).pack())

    def bulk_out(self, data: bytes) -> int:
        return self.send(Message.BULK_PACKET, BulkHeader(0x01, 0, len(data)).pack() + data)

    def bulk(self) -> tuple[int, int, int, bytes]:
        """Return id, status, length and data of the next bulk message."""
        number, body = self.until(Message.BULK_PACKET)
        header = BulkHeader.unpack(body)
        return number, header.status, header.length, body[BulkHeader.N_BYTES :]


@pytest.fixture
def function() -> Function:
    return Function()


@pytest.fixture
def plain(function: Function) -> UsbDevice:
    return UsbDevice(
        function,
        vendor_id=VENDOR_ID,
        product_id=PRODUCT_ID,
        interface_triple=(INTERFACE_CLASS, INTERFACE_SUBCLASS, INTERFACE_PROTOCOL),
        strings=("usdk", "simulated", "S-1"),
    )


@pytest.fixture
def stall_in() -> type[Exception]:
    return Stall


@pytest.fixture
def gone_in() -> type[Exception]:
    return Gone


@pytest.fixture
def connect() -> Iterator[Callable[[], tuple[RedirectedPort, Machine]]]:
    """Return a maker of ports, and of the machines at their other ends."""
    opened: list[tuple[RedirectedPort, BinaryIO, socket.socket]] = []

    def make() -> tuple[RedirectedPort, Machine]:
        ours, theirs = socket.socketpair()
        theirs.settimeout(WITHIN_S)
        with ours:
            stream = ours.makefile("rwb", buffering=0)
        port = RedirectedPort(stream)
        opened.append((port, stream, theirs))
        return port, Machine(theirs)

    yield make
    for port, stream, theirs in opened:
        port.close()
        theirs.close()
        assert port.wait(WITHIN_S)
        stream.close()


@pytest.fixture
def machine() -> type[Machine]:
    return Machine
