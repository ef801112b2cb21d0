"""The host's side, against servers that lie, hang, and leave in the middle of an answer."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from usdk.errors import (
    DeviceAbsentError,
    DeviceFailedError,
    DeviceTimeoutError,
)
from usdk_drivers.usbip import client
from usdk_drivers.usbip.client import UsbIpClient, list_devices
from usdk_drivers.usbip.messages import (
    BUS_ID_BYTES,
    OPERATION_BYTES,
    URB_BYTES,
    DeviceRecord,
    Operation,
    Reply,
    pack_operation,
)
from usdk_drivers.usbip.sockets import receive

Serve = Callable[[socket.socket], None]
WAIT_S = 10.0
RECORD = DeviceRecord(
    bus_id="1-1",
    bus_number=1,
    device_number=1,
    speed=5,
    vendor_id=1,
    product_id=2,
    device_release=0x0100,
)


@pytest.fixture
def server() -> Iterator[Callable[[Serve], tuple[str, int]]]:
    """Return a maker of servers that do what a function does with their only client."""
    threads: list[threading.Thread] = []
    listeners: list[socket.socket] = []

    def make(serve: Serve) -> tuple[str, int]:
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(WAIT_S)
        listeners.append(listener)

        def run() -> None:
            with suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(WAIT_S)
                    serve(connection)

        threads.append(threading.Thread(target=run, daemon=True))
        threads[-1].start()
        address: tuple[str, int] = listener.getsockname()
        return address

    yield make
    for thread in threads:
        thread.join(2 * WAIT_S)
        assert not thread.is_alive()
    for listener in listeners:
        listener.close()


def attach(connection: socket.socket) -> None:
    receive(connection, OPERATION_BYTES + BUS_ID_BYTES)
    connection.sendall(pack_operation(Operation.IMPORT) + RECORD.pack())


def until_closed(connection: socket.socket) -> None:
    with suppress(OSError):
        while connection.recv(65536):
            pass


def test_a_server_that_leaves_in_the_middle_of_an_answer_is_gone(
    server: Callable[[Serve], tuple[str, int]],
) -> None:
    def serve(connection: socket.socket) -> None:
        attach(connection)
        receive(connection, URB_BYTES)
        connection.sendall(Reply(number=1, n_bytes=100).pack() + bytes(40))

    host = UsbIpClient(*server(serve), "1-1")
    transfer = host.submit(1, is_incoming=True, buffer=memoryview(bytearray(200)))
    with pytest.raises(DeviceAbsentError):
        host.complete(transfer, WAIT_S, "testing")
    host.close()


def test_a_server_that_answers_nothing_is_given_up_with_all_its_transfers(
    server: Callable[[Serve], tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "UNLINK_TIMEOUT_S", 0.1)

    def serve(connection: socket.socket) -> None:
        attach(connection)
        until_closed(connection)

    host = UsbIpClient(*server(serve), "1-1")
    first, second = (
        host.submit(1, is_incoming=True, buffer=memoryview(bytearray(64))) for _ in range(2)
    )
    with pytest.raises(DeviceTimeoutError):
        host.complete(first, 0.05, "testing")
    # Nobody writes to their buffers any more.
    assert not host._thread.is_alive()
    with pytest.raises(DeviceAbsentError):
        host.complete(second, WAIT_S, "testing")
    later = host.submit(1, is_incoming=True, buffer=memoryview(bytearray(64)))
    with pytest.raises(DeviceAbsentError):
        host.complete(later, WAIT_S, "testing")
    host.close()


def test_a_server_that_takes_nothing_does_not_hold_its_host_up(
    server: Callable[[Serve], tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "SEND_TIMEOUT_S", 0.1)
    is_done = threading.Event()

    def serve(connection: socket.socket) -> None:
        attach(connection)
        is_done.wait(WAIT_S)

    host = UsbIpClient(*server(serve), "1-1")
    began_s = time.monotonic()
    piece = memoryview(bytes(2**20))
    transfers = [host.submit(1, is_incoming=False, buffer=piece) for _ in range(64)]
    assert time.monotonic() - began_s < WAIT_S
    with pytest.raises(DeviceAbsentError):
        host.complete(transfers[-1], WAIT_S, "testing")
    is_done.set()
    host.close()


@pytest.mark.parametrize("code", [Operation.LIST, Operation.IMPORT])
def test_a_server_that_trickles_is_not_waited_for(
    server: Callable[[Serve], tuple[str, int]], monkeypatch: pytest.MonkeyPatch, code: Operation
) -> None:
    monkeypatch.setattr(client, "ANSWER_TIMEOUT_S", 0.2)

    def serve(connection: socket.socket) -> None:
        with suppress(OSError):
            for byte in pack_operation(code) + bytes(400):
                connection.sendall(bytes([byte]))
                time.sleep(0.02)

    ask = {Operation.LIST: list_devices, Operation.IMPORT: lambda *at: UsbIpClient(*at, "1-1")}
    address = server(serve)
    with pytest.raises((DeviceAbsentError, DeviceFailedError)):
        ask[code](*address)
