"""Ports are listed by what the system says of them, and none is opened."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from usdk.errors import ArgumentError
from usdk.front_end import Found, discover
from usdk_drivers.serial_line import SerialFrontEnd
from usdk_drivers.serial_line.port_list import serial_ports


def info(device: str, vid: int | None = None, pid: int | None = None, **more: Any) -> Any:
    nothing = {"product": None, "description": "n/a", "serial_number": None}
    return SimpleNamespace(device=device, vid=vid, pid=pid, **(nothing | more))


@pytest.fixture(autouse=True)
def ports(monkeypatch: pytest.MonkeyPatch) -> None:
    import serial
    from serial.tools import list_ports

    known = [
        info("/dev/ttyACM1", 0x1209, 0x0001, product="Scanner", serial_number="S-7"),
        info("/dev/ttyACM0", 0x2341, 0x0043, product="Somebody else's"),
        info("/dev/ttyS0"),
    ]
    monkeypatch.setattr(list_ports, "comports", lambda: known)

    def opened(*args: Any, **more: Any) -> None:
        raise AssertionError("a port was opened")

    monkeypatch.setattr(serial, "Serial", opened)


def test_only_what_the_system_knows_to_be_a_front_end_is_found() -> None:
    found = [Found(address="serial:/dev/ttyACM1", description="Scanner, serial number S-7")]
    assert SerialFrontEnd.discover() == found
    assert discover(["serial"]) == found


def test_all_ports_are_listed_in_order() -> None:
    ports = serial_ports()
    assert [port.device for port in ports] == ["/dev/ttyACM0", "/dev/ttyACM1", "/dev/ttyS0"]
    assert [port.is_ours for port in ports] == [False, True, False]


def test_without_pyserial_nothing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "serial", None)
    assert SerialFrontEnd.discover() == []


def test_a_port_that_is_named_is_there_when_the_system_has_it(plug: Any, recording: Any) -> None:
    # The list of ports is stood in for; the terminal is a real one.
    port = plug(recording())
    for name in (str(port.terminal), "/dev/ttyS0"):
        found = SerialFrontEnd.discover_at(f"{name}?baud=115200")
        assert found is not None
        assert found.address == f"serial:{name}?baud=115200"
    assert SerialFrontEnd.discover_at("/dev/ttyNONE") is None
    assert SerialFrontEnd.discover_at("/dev/" + "x" * 5000) is None
    with pytest.raises(ArgumentError):
        SerialFrontEnd.discover_at("/dev/ttyS0?speed=7")


def test_without_pyserial_a_port_of_another_name_is_not_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "serial", None)
    assert SerialFrontEnd.discover_at("COM3") is None
