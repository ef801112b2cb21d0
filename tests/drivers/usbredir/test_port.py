"""A port of a virtual machine, against the messages that the machine's side sends."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from usdk_drivers.simulator.device_model import UsbDevice
from usdk_drivers.usbredir import RedirectedPort
from usdk_drivers.usbredir.messages import (
    MAX_MESSAGE_BYTES,
    OURS,
    BulkHeader,
    Message,
    Status,
    device_connect,
    endpoint_info,
    hello,
    interface_info,
    pack_header,
    unpack_capabilities,
)

Connect = Callable[[], tuple[RedirectedPort, Any]]
IN_VENDOR, OUT_VENDOR = 0xC0, 0x40


def shown(connect: Connect, device: UsbDevice) -> tuple[RedirectedPort, Any]:
    """Return a port and the machine that knows of its device."""
    port, machine = connect()
    machine.greet()
    port.add(device)
    machine.until(Message.DEVICE_CONNECT)
    return port, machine


def test_both_sides_greet_and_a_device_is_described_before_it_is_connected(
    connect: Connect, plain: UsbDevice
) -> None:
    port, machine = connect()
    port.add(plain)
    assert unpack_capabilities(machine.greet()) == OURS
    assert machine.message()[::2] == (Message.INTERFACE_INFO, interface_info(plain))
    assert machine.message()[::2] == (Message.EP_INFO, endpoint_info(plain))
    assert machine.message() == (Message.DEVICE_CONNECT, 0, device_connect(plain))
    assert port.devices == (plain,)
    port.remove(plain)
    assert machine.message() == (Message.DEVICE_DISCONNECT, 0, b"")
    machine.send(Message.DEVICE_DISCONNECT_ACK)
    assert port.devices == ()


@pytest.mark.parametrize(
    "greeting",
    [
        pytest.param(
            hello("old")[:4] + bytes([64, 0, 0, 0]) + hello("old")[8:76], id="before 0.3.2"
        ),
        pytest.param(hello("short ids")[:-4] + bytes([0x5A, 0, 0, 0]), id="ids of 32 bits"),
        pytest.param(bytes([1]) + hello("no greeting")[1:], id="another message first"),
        pytest.param(hello("long")[:4] + b"\xff\xff\xff\xff" + hello("long")[8:], id="too long"),
    ],
)
def test_a_side_that_cannot_do_what_is_needed_is_shown_nothing(
    connect: Connect, plain: UsbDevice, greeting: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    port, machine = connect()
    port.add(plain)
    machine.greet(greeting)
    assert port.wait(20.0)
    assert "stopped listening" in caplog.text
    port.look()
    machine.socket.settimeout(0.1)
    with pytest.raises(TimeoutError):
        machine.take(1)


def test_control_transfers_reach_the_device_and_refusals_are_stalls(
    connect: Connect, plain: UsbDevice, function: Any
) -> None:
    _, machine = shown(connect, plain)
    assert machine.control(IN_VENDOR, 1, 7, 64) == (Status.SUCCESS, b"answer")
    assert machine.control(IN_VENDOR, 1, 7, 3) == (Status.SUCCESS, b"ans")
    assert machine.control(OUT_VENDOR, 2, 5, 0) == (Status.SUCCESS, b"")
    assert machine.control(IN_VENDOR, 9, 0, 64) == (Status.STALL, b"")
    assert function.requests[0] == (True, 1, 7, 0)
    # A standard request: the device descriptor.
    status, descriptor = machine.control(0x80, 6, 0x0100, 18)
    assert (status, len(descriptor), descriptor[1]) == (Status.SUCCESS, 18, 1)


def test_bulk_data_go_both_ways_and_a_short_transfer_says_its_length(
    connect: Connect, plain: UsbDevice, function: Any
) -> None:
    _, machine = shown(connect, plain)
    sent = machine.bulk_out(b"upload" * 1000)
    assert machine.bulk() == (sent, Status.SUCCESS, 6000, b"")
    assert function.taken == [b"upload" * 1000]
    wanted = [machine.bulk_in(2**20) for _ in range(3)]
    for data in (b"one", b"", b"x" * 2**20):
        function.send(data)
    assert machine.bulk() == (wanted[0], Status.SUCCESS, 3, b"one")
    assert machine.bulk() == (wanted[1], Status.SUCCESS, 0, b"")
    assert machine.bulk() == (wanted[2], Status.SUCCESS, 2**20, b"x" * 2**20)


def test_a_stalled_endpoint_stays_halted_until_it_is_cleared(
    connect: Connect, plain: UsbDevice, function: Any, stall_in: type[Exception]
) -> None:
    _, machine = shown(connect, plain)
    function.send(stall_in)
    first = machine.bulk_in(64)
    assert machine.bulk()[:2] == (first, Status.STALL)
    function.send(b"after")
    second = machine.bulk_in(64)
    assert machine.bulk()[:2] == (second, Status.STALL)
    # CLEAR_FEATURE (1) of ENDPOINT_HALT (0), to the endpoint of wIndex.
    clear = bytes([0, 1, 0x02, 0]) + (0).to_bytes(2, "little") + b"\x81\x00" + bytes(2)
    machine.send(Message.CONTROL_PACKET, clear)
    assert machine.until(Message.CONTROL_PACKET)[1][3] == Status.SUCCESS
    third = machine.bulk_in(64)
    assert machine.bulk() == (third, Status.SUCCESS, 5, b"after")


def test_a_transfer_that_waits_is_cancelled_and_the_next_gets_the_data(
    connect: Connect, plain: UsbDevice, function: Any
) -> None:
    _, machine = shown(connect, plain)
    first, second, third = (machine.bulk_in(64) for _ in range(3))
    # The one under way and one that waits in line; cancelling is answered, whichever it was.
    for number in (second, first):
        machine.send(Message.CANCEL_DATA_PACKET, number=number)
        assert machine.bulk()[:3] == (number, Status.CANCELLED, 0)
    # What is not known any more is not answered.
    machine.send(Message.CANCEL_DATA_PACKET, number=second)
    function.send(b"data")
    assert machine.bulk() == (third, Status.SUCCESS, 4, b"data")


def test_configurations_and_settings_are_answered_with_what_is_set(
    connect: Connect, plain: UsbDevice
) -> None:
    _, machine = shown(connect, plain)
    number = machine.send(Message.SET_CONFIGURATION, bytes([1]))
    assert machine.message()[0] == Message.INTERFACE_INFO
    assert machine.message()[0] == Message.EP_INFO
    assert machine.message() == (Message.CONFIGURATION_STATUS, number, bytes([0, 1]))
    machine.send(Message.GET_CONFIGURATION)
    assert machine.until(Message.CONFIGURATION_STATUS)[1] == bytes([0, 1])
    machine.send(Message.SET_CONFIGURATION, bytes([7]))
    assert machine.until(Message.CONFIGURATION_STATUS)[1][0] == Status.STALL
    machine.send(Message.SET_ALT_SETTING, bytes([0, 0]))
    assert machine.until(Message.ALT_SETTING_STATUS)[1] == bytes(3)
    machine.send(Message.GET_ALT_SETTING, bytes([0]))
    assert machine.until(Message.ALT_SETTING_STATUS)[1] == bytes(3)
    machine.send(Message.START_INTERRUPT_RECEIVING, bytes([0x82]))
    assert machine.until(Message.INTERRUPT_RECEIVING_STATUS)[1] == bytes([0, 0x82])


def test_a_reset_forgets_transfers_and_the_device_goes_on(
    connect: Connect, plain: UsbDevice, function: Any
) -> None:
    _, machine = shown(connect, plain)
    machine.bulk_in(64)
    machine.send(Message.RESET)
    wanted = machine.bulk_in(64)
    # Its answer tells that the reset, which has none, is over.
    machine.control(0xC0, 3, 0, 8)
    function.send(b"after the reset")
    assert machine.bulk() == (wanted, Status.SUCCESS, 15, b"after the reset")


def test_a_device_that_goes_is_disconnected_and_connected_when_it_returns(
    connect: Connect, plain: UsbDevice, function: Any
) -> None:
    port, machine = shown(connect, plain)
    machine.bulk_in(64)
    plain.unplug()
    machine.until(Message.DEVICE_DISCONNECT)
    plain.plug()
    machine.until(Message.DEVICE_CONNECT)
    # Gone and back between two looks: it is another device to the machine.
    plain.unplug()
    plain.plug()
    port.look()
    machine.until(Message.DEVICE_DISCONNECT)
    machine.until(Message.DEVICE_CONNECT)
    wanted = machine.bulk_in(64)
    function.send(b"back")
    assert machine.bulk() == (wanted, Status.SUCCESS, 4, b"back")


def test_a_device_that_goes_in_the_middle_of_a_transfer_is_disconnected(
    connect: Connect, plain: UsbDevice, function: Any, gone_in: type[Exception]
) -> None:
    _, machine = shown(connect, plain)
    machine.bulk_in(64)
    function.send(gone_in)
    machine.until(Message.DEVICE_DISCONNECT)


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param(pack_header(Message.BULK_PACKET, MAX_MESSAGE_BYTES + 1, 1), id="message"),
        pytest.param(
            pack_header(Message.BULK_PACKET, 10, 1) + BulkHeader(0x81, 0, 2**32 - 1).pack(),
            id="transfer",
        ),
        pytest.param(pack_header(Message.CONTROL_PACKET, 3, 1) + bytes(3), id="cut control"),
        pytest.param(pack_header(Message.BULK_PACKET, 0, 1), id="cut bulk"),
        pytest.param(pack_header(Message.SET_ALT_SETTING, 1, 1) + bytes(1), id="cut setting"),
        pytest.param(pack_header(Message.SET_CONFIGURATION, 0, 1), id="cut configuration"),
    ],
)
def test_damage_ends_the_port_and_nothing_else(
    connect: Connect, plain: UsbDevice, hostile: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    port, machine = shown(connect, plain)
    machine.socket.sendall(hostile)
    assert port.wait(20.0)
    assert "stopped listening" in caplog.text
    port.close()
    port.close()
    again, other = shown(connect, plain)
    assert other.control(IN_VENDOR, 1, 0, 64) == (Status.SUCCESS, b"answer")
    assert not again.wait(0.0)


def test_messages_that_are_not_known_are_passed_over(connect: Connect, plain: UsbDevice) -> None:
    _, machine = shown(connect, plain)
    machine.socket.sendall(pack_header(Message.FILTER_REJECT, 0, 0))
    machine.socket.sendall((b"\xc8" + pack_header(Message.HELLO, 5, 0)[1:]) + b"later")
    assert machine.control(IN_VENDOR, 1, 0, 64) == (Status.SUCCESS, b"answer")


def test_a_machine_that_leaves_ends_the_port(connect: Connect, plain: UsbDevice) -> None:
    port, machine = shown(connect, plain)
    assert not port.wait(0.0)
    machine.socket.close()
    assert port.wait(20.0)
    started_s = time.monotonic()
    port.close()
    assert time.monotonic() - started_s < 10
