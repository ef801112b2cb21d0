from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator

import pytest

from usdk_drivers.simulator import simulated_device
from usdk_drivers.usbredir.messages import (
    FIRST_HEADER_BYTES,
    HEADER_BYTES,
    BulkHeader,
    Message,
    hello,
    pack_header,
    unpack_header,
)
from usdk_drivers.usbredir.port import RedirectedPort

DEADLINE_S = 30.0


class Machine:
    """The virtual machine's end of the connection."""

    def __init__(self, end: socket.socket) -> None:
        end.settimeout(DEADLINE_S)
        self._stream = end.makefile("rwb", buffering=0)
        self._send(hello("machine"))
        self._take(unpack_header(self._take(FIRST_HEADER_BYTES))[1])

    def say(self, kind: Message, body: bytes) -> None:
        self._send(pack_header(kind, len(body), 1) + body)

    def hear(self, wanted: Message) -> bytes:
        while True:
            kind, n_bytes, _ = unpack_header(self._take(HEADER_BYTES))
            body = self._take(n_bytes)
            if kind == wanted:
                return body

    def _send(self, data: bytes) -> None:
        assert self._stream.write(data) == len(data)

    def _take(self, n_bytes: int) -> bytes:
        taken = b""
        while len(taken) < n_bytes:
            part = self._stream.read(n_bytes - len(taken))
            assert part
            taken += part
        return taken


@pytest.fixture
def machine() -> Iterator[Machine]:
    simulated = simulated_device("linear-l11-5v?frames=1")
    ours, theirs = socket.socketpair()
    with (
        ours,
        theirs,
        ours.makefile("rwb", buffering=0) as stream,
        RedirectedPort(stream) as port,
    ):
        machine = Machine(theirs)
        port.add(simulated.on_usb(simulated.firmware()))
        machine.hear(Message.DEVICE_CONNECT)
        yield machine
        # The port's reading thread is let go.
        theirs.shutdown(socket.SHUT_RDWR)


def test_a_machine_sets_up_the_device(machine: Machine) -> None:
    machine.say(Message.SET_CONFIGURATION, b"\1")
    assert machine.hear(Message.CONFIGURATION_STATUS) == b"\0\1"
    machine.say(Message.SET_ALT_SETTING, b"\0\0")
    assert machine.hear(Message.ALT_SETTING_STATUS) == b"\0\0\0"
    machine.say(Message.START_INTERRUPT_RECEIVING, b"\x83")
    assert machine.hear(Message.INTERRUPT_RECEIVING_STATUS) == b"\0\x83"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (Message.SET_CONFIGURATION, b""),
        (Message.SET_ALT_SETTING, b"\0"),
        (Message.GET_ALT_SETTING, b""),
        (Message.START_INTERRUPT_RECEIVING, b""),
        (Message.CONTROL_PACKET, bytes(9)),
        (Message.BULK_PACKET, BulkHeader(0x81, 0, 0xFFFFFFFF).pack()),
    ],
)
def test_a_message_that_cannot_be_ends_the_conversation_and_is_told(
    kind: Message, body: bytes, machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "usdk_drivers.usbredir.port"):
        machine.say(kind, body)
        for _ in range(int(DEADLINE_S / 0.01)):
            if caplog.records:
                break
            time.sleep(0.01)
    assert "stopped listening" in caplog.text
