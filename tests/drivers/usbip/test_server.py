"""Shared devices, driven by our own host and by another one."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from usdk.errors import (
    ArgumentError,
    DeviceAbsentError,
    DeviceFailedError,
    DeviceTimeoutError,
    StateError,
    StorageError,
)
from usdk_drivers.simulator import endpoint_worker
from usdk_drivers.simulator.device_model import BULK_IN, Gone, Nak, Stall, UsbDevice
from usdk_drivers.usb_errors import EndpointStalledError
from usdk_drivers.usbip import UsbIpServer
from usdk_drivers.usbip.client import UsbIpClient, list_devices
from usdk_drivers.usbip.messages import Operation, pack_bus_id, pack_operation
from usdk_drivers.usbip.transport import UsbIpTransport

Maker = Callable[..., UsbDevice]
Share = Callable[..., UsbIpServer]


class Script:
    """A function whose bulk IN plays a list: bytes, or an exception to raise."""

    def __init__(self, *steps: Any) -> None:
        self.steps = list(steps)
        self.taken = bytearray()
        self.requests: list[tuple[bool, int, int, int]] = []

    def control(self, *, incoming: bool, request: int, value: int, index: int) -> bytes:
        self.requests.append((incoming, request, value, index))
        if request == 0x99:
            raise Stall
        return b"answer" if incoming else b""

    def bulk_out(self, data: bytes) -> None:
        if data.startswith(b"bad"):
            raise Stall
        self.taken += data

    def bulk_in(self, buffer: memoryview, timeout_s: float) -> int:
        if not self.steps:
            time.sleep(timeout_s)
            raise Nak
        step = self.steps.pop(0)
        if isinstance(step, bytes):
            buffer[: len(step)] = step
            return len(step)
        raise step


def attached(server: UsbIpServer, bus_id: str = "1-1") -> UsbIpTransport:
    return UsbIpTransport.open(*server.address, bus_id)


def test_requests_uploads_and_data_pass_in_order(device: Maker, share: Share) -> None:
    script = Script(*(bytes([n]) * (n + 1) for n in range(20)))
    transport = attached(share(device(script)))
    assert transport.control_in(1, value=7, index=3, length=64) == b"answer"
    transport.control_out(4, value=9)
    assert script.requests == [(True, 1, 7, 3), (False, 4, 9, 0)]
    transport.upload(b"u" * 200_000, time.monotonic() + 5)
    assert script.taken == b"u" * 200_000
    for n in range(20):
        assert bytes(transport.read(5)) == bytes([n]) * (n + 1)
    assert bytes(transport.read(0.05)) == b""
    transport.close()
    transport.close()
    with pytest.raises(StateError):
        transport.read(0.1)


def test_a_refused_request_and_a_halted_endpoint_are_told_apart_from_a_gone_device(
    device: Maker, share: Share
) -> None:
    transport = attached(share(device(Script(b"one", Stall(), b"two", Gone()))))
    with pytest.raises(EndpointStalledError):
        transport.control_in(0x99, length=4)
    with pytest.raises(EndpointStalledError):
        transport.upload(b"bad", time.monotonic() + 5)
    transport.upload(b"good", time.monotonic() + 5)
    assert bytes(transport.read(5)) == b"one"
    with pytest.raises(EndpointStalledError):
        transport.read(5)
    transport.clear_halt()
    assert bytes(transport.read(5)) == b"two"
    with pytest.raises(DeviceAbsentError):
        transport.read(5)
    with pytest.raises(DeviceAbsentError):
        transport.control_in(1, length=4)
    transport.close()


def test_an_unplugged_device_is_missed_within_a_tenth_of_a_second(
    device: Maker, share: Share
) -> None:
    shared = device(Script())
    transport = attached(share(shared))
    unplugged_s = []

    def unplug() -> None:
        time.sleep(0.1)
        shared.unplug()
        unplugged_s.append(time.monotonic())

    thread = threading.Thread(target=unplug)
    thread.start()
    with pytest.raises(DeviceAbsentError):
        transport.read(5)
    assert time.monotonic() - unplugged_s[0] < 0.1
    thread.join()
    transport.close()


def test_what_is_taken_back_does_not_come_and_what_came_is_not_lost(
    device: Maker, share: Share
) -> None:
    script = Script()
    server = share(device(script))
    client = UsbIpClient(*server.address, "1-1")
    buffer = memoryview(bytearray(64))
    waiting = client.submit(BULK_IN & 0xF, is_incoming=True, buffer=buffer)
    queued = client.submit(BULK_IN & 0xF, is_incoming=True, buffer=memoryview(bytearray(64)))
    assert not client.wait(waiting, 0.05)
    client.take_back(queued)
    client.take_back(waiting)
    assert waiting.status is not None
    assert waiting.status < 0
    script.steps.append(b"data")
    late = client.submit(BULK_IN & 0xF, is_incoming=True, buffer=buffer)
    assert client.complete(late, 5, "reading") == 4
    client.take_back(late)
    assert late.status == 0
    slow = client.submit(BULK_IN & 0xF, is_incoming=True, buffer=buffer)
    with pytest.raises(DeviceTimeoutError):
        client.complete(slow, 0.05, "reading")
    client.close()


def test_one_client_at_a_time_has_a_device(device: Maker, share: Share) -> None:
    server = share(device(Script()), device(Script()))
    first = attached(server)
    with pytest.raises(DeviceAbsentError, match="another client"):
        attached(server)
    second = attached(server, "1-2")
    first.close()
    deadline_s = time.monotonic() + 5
    while True:
        try:
            attached(server).close()
            break
        except DeviceAbsentError:
            assert time.monotonic() < deadline_s
    second.close()


def test_a_server_lists_what_is_plugged_in(device: Maker, share: Share) -> None:
    shared = device(Script()), device(Script())
    server = share(*shared)
    assert server.bus_ids == ("1-1", "1-2")
    assert [record.bus_id for record in list_devices(*server.address)] == ["1-1", "1-2"]
    shared[0].unplug()
    assert [record.bus_id for record in list_devices(*server.address)] == ["1-2"]
    with pytest.raises(DeviceAbsentError):
        attached(server, "1-1")
    with pytest.raises(DeviceAbsentError):
        attached(server, "no such device, and a name much too long for the wire")


def test_another_hosts_code_drives_our_server(device: Maker, share: Share) -> None:
    usbip = pytest.importorskip("usbip")
    other_host = pytest.importorskip("usbip.host")
    script = Script(b"x" * 4096, Stall(), b"y")
    server = share(device(script))
    host, port = server.address
    transport = usbip.USBIP(host, port)
    (listed,) = other_host.list_devices(transport)
    assert (listed["busid"], listed["idVendor"], listed["idProduct"]) == ("1-1", 0x1209, 1)
    with usbip.open(0x1209, 0x0001, transport=transport) as handle:
        assert handle.device_descriptor.idVendor == 0x1209
        configuration = handle.control(0x80, 6, 0x0200, 0, 512)
        assert configuration[:2] == b"\x09\x02"
        assert handle.control(0xC0, 1, 0, 0, 64) == b"answer"
        assert handle.bulk_out(0x01, b"upload") == 6
        assert handle.bulk_in(0x81, 2**20) == b"x" * 4096
        with pytest.raises(usbip.Stall):
            handle.bulk_in(0x81, 64)
        with pytest.raises(usbip.Stall):
            handle.bulk_in(0x81, 64)
        handle.clear_halt(0x81)
        assert handle.bulk_in(0x81, 64) == b"y"
        with pytest.raises(usbip.Stall):
            handle.control(0xC0, 0x99, 0, 0, 64)
    assert script.taken == b"upload"


@pytest.fixture
def idle_server(device: Maker, share: Share) -> UsbIpServer:
    return share(device(Script()))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.booleans())
def test_whatever_a_client_sends_the_server_goes_on(
    idle_server: UsbIpServer, data: bytes, is_attached: bool
) -> None:
    with socket.create_connection(idle_server.address, 5) as connection, suppress(ConnectionError):
        if is_attached:
            connection.sendall(pack_operation(Operation.ASK_IMPORT) + pack_bus_id("1-1"))
        connection.sendall(data)
        connection.settimeout(0.01)
        with suppress(TimeoutError):
            while connection.recv(4096):
                pass
    assert [record.bus_id for record in list_devices(*idle_server.address)] == ["1-1"]


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=500))
def test_whatever_a_server_sends_the_host_ends_with_a_typed_error(data: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                connection.settimeout(5)
                while connection.recv(4096):
                    pass

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises((DeviceAbsentError, DeviceFailedError)):
            UsbIpTransport.open(*listener.getsockname(), "1-1")
        thread.join(5)


def test_a_transfer_on_an_endpoint_that_is_not_there_is_refused(
    device: Maker, share: Share
) -> None:
    server = share(device(Script()))
    client = UsbIpClient(*server.address, "1-1")
    for endpoint, is_incoming in ((7, True), (7, False)):
        transfer = client.submit(endpoint, is_incoming=is_incoming, buffer=memoryview(bytearray(8)))
        with pytest.raises(EndpointStalledError):
            client.complete(transfer, 5, "testing")
    client.close()


def test_a_host_that_asks_for_more_and_more_is_dropped(
    device: Maker, share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint_worker, "MAX_WAITING", 50)
    server = share(device(Script()))
    host = UsbIpClient(*server.address, "1-1")
    transfers = [
        host.submit(BULK_IN & 0xF, is_incoming=True, buffer=memoryview(bytearray(8)))
        for _ in range(100)
    ]
    with pytest.raises(DeviceAbsentError):
        host.complete(transfers[-1], 10, "testing")
    host.close()


def test_no_thread_and_no_socket_is_left_behind(device: Maker) -> None:
    before = threading.active_count()
    for _ in range(30):
        with UsbIpServer([device(Script())], port=0) as server:
            transport = attached(server)
            transport.control_in(1, length=8)
            transport.read(0.001)
            transport.close()
    with UsbIpServer([device(Script())], port=0) as server:
        left_open = attached(server)
    with pytest.raises(DeviceAbsentError):
        left_open.read(1)
    left_open.close()
    server.close()
    assert threading.active_count() == before


def test_a_port_in_use_and_a_server_of_nothing_are_refused(device: Maker, share: Share) -> None:
    server = share(device(Script()))
    with pytest.raises(StorageError, match="another port"):
        UsbIpServer([device(Script())], port=server.address[1])
    with pytest.raises(ArgumentError):
        UsbIpServer([], port=0)
    port = server.address[1]
    server.close()
    with pytest.raises(DeviceAbsentError, match="server"):
        list_devices("127.0.0.1", port)
