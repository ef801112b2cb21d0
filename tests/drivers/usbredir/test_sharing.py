"""Devices that wait for virtual machines."""

from __future__ import annotations

import socket
from contextlib import closing
from typing import Any

import pytest

from usdk.errors import ArgumentError, StorageError
from usdk.front_end.sharing import redirect_front_ends
from usdk_drivers.usbredir.messages import Message, Status

QUICK = "sim:linear-l11-5v?scene=points"


def machine_of(machine_class: Any, port: int) -> Any:
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    machine = machine_class(connection)
    machine.greet()
    machine.until(Message.DEVICE_CONNECT)
    return machine


def test_each_device_has_a_port_and_serves_one_machine_after_the_other(machine: Any) -> None:
    addresses = [f"{QUICK}&serial={serial}" for serial in ("A", "B")]
    with closing(redirect_front_ends(addresses, host="127.0.0.1", port=0)) as shared:
        assert [one.address for one in shared.front_ends] == ["usb:serial=A", "usb:serial=B"]
        ports = [int(one.attach_command.split("port=")[1].split()[0]) for one in shared.front_ends]
        assert shared.port == ports[0] != ports[1]
        for port in (*ports, ports[0]):
            guest = machine_of(machine, port)
            # GET_VERSION: the wire protocol's own greeting.
            assert guest.control(0xC0, 1, 0, 8) == (Status.SUCCESS, b"USDK\x01\x00\x01\x00")
            guest.socket.close()


def test_a_machine_sees_the_device_go_with_the_program(machine: Any) -> None:
    shared = redirect_front_ends([QUICK], host="127.0.0.1", port=0)
    guest = machine_of(machine, shared.port)
    assert shared.plug_in() == 0
    shared.close()
    guest.until(Message.DEVICE_DISCONNECT)
    assert guest.socket.recv(1) == b""
    guest.socket.close()
    shared.close()


def test_a_port_that_is_taken_and_a_driver_without_devices_are_refused() -> None:
    with (
        closing(redirect_front_ends([QUICK], host="127.0.0.1", port=0)) as shared,
        pytest.raises(StorageError, match="cannot listen"),
    ):
        redirect_front_ends([QUICK], host="127.0.0.1", port=shared.port)
    with pytest.raises(ArgumentError, match="virtual machines"):
        redirect_front_ends(["usb:"], host="127.0.0.1", port=0)
