"""What stands in the way of a port, and what is said of it."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from usdk.acquisition import Acquisition
from usdk.errors import (
    ArgumentError,
    DeviceAbsentError,
    DeviceFailedError,
    DeviceTimeoutError,
    MissingExtraError,
)
from usdk.front_end import open_front_end
from usdk_drivers.serial_line import port
from usdk_drivers.serial_line.address import SerialAddress
from usdk_drivers.serial_line.port import denied_advice, open_port, translated


def test_no_port_is_an_absent_device(tmp_path: Path) -> None:
    with pytest.raises(DeviceAbsentError, match="plug the device in"):
        open_front_end(f"serial:{tmp_path}/ttyACM0")


def test_a_file_or_a_folder_is_no_port(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"precious")
    for wrong in (path, tmp_path):
        with pytest.raises(ArgumentError, match="no serial port"):
            open_front_end(f"serial:{wrong}")
    assert path.read_bytes() == b"precious"


def test_a_port_in_use_is_named_busy(plug: Any, recording: Callable[..., Acquisition]) -> None:
    with (
        open_front_end(f"serial:{plug(recording()).terminal}") as front_end,
        pytest.raises(DeviceFailedError, match="used by another program"),
    ):
        open_front_end(f"serial:{front_end._transport._name}")  # type: ignore[attr-defined]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open everything")
def test_a_port_without_permission_really(tmp_path: Path) -> None:
    path = tmp_path / "port"
    path.touch(mode=0)
    with pytest.raises(DeviceFailedError, match="no permission"):
        open_front_end(f"serial:{path}")


@pytest.mark.parametrize(
    ("number", "text", "error", "message"),
    [
        (errno.EACCES, "", DeviceFailedError, "no permission"),
        (errno.EPERM, "", DeviceFailedError, "no permission"),
        (errno.EBUSY, "", DeviceFailedError, "ModemManager"),
        (None, "could not open port 'COM9': FileNotFoundError(2)", DeviceAbsentError, "COM9"),
        (None, "could not open port 'COM9': PermissionError(13)", DeviceFailedError, "another"),
        (errno.ENOMEM, "out of memory", DeviceFailedError, "out of memory"),
    ],
)
def test_refusals_of_the_system_are_told_apart(
    monkeypatch: pytest.MonkeyPatch,
    number: int | None,
    text: str,
    error: type[Exception],
    message: str,
) -> None:
    import serial

    def refuse(*args: Any, **more: Any) -> None:
        raise serial.SerialException(*((text,) if number is None else (number, text)))

    monkeypatch.setattr(serial, "Serial", refuse)
    with pytest.raises(error, match=message):
        open_port(SerialAddress("COM9"))


def test_a_rate_that_cannot_be_set_is_the_caller_s(monkeypatch: pytest.MonkeyPatch) -> None:
    import serial

    def refuse(*args: Any, **more: Any) -> None:
        raise ValueError("Failed to set custom baud rate")

    monkeypatch.setattr(serial, "Serial", refuse)
    with pytest.raises(ArgumentError, match="another baud"):
        open_port(SerialAddress("COM9", 12_345))


def test_the_advice_names_the_group_of_the_port(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "port"
    path.touch()
    monkeypatch.setattr(port, "_group_of", lambda name: "dialout")
    assert denied_advice(str(path)) == "sudo usermod -aG dialout $USER, then log out and in again"
    monkeypatch.undo()
    path.chmod(0o600)
    assert "administers" in denied_advice(str(path))
    assert "administers" in denied_advice(str(tmp_path / "absent"))


@pytest.mark.parametrize("raised", [OSError(errno.EIO, "gone"), TypeError("closed")])
def test_a_port_that_fails_is_gone(raised: Exception) -> None:
    with pytest.raises(DeviceAbsentError, match="plug it in again"), translated("COM9", "sending"):
        raise raised


def test_a_write_that_hangs_is_a_timeout() -> None:
    import serial

    with pytest.raises(DeviceTimeoutError, match="took nothing"), translated("COM9", "sending"):
        raise serial.SerialTimeoutException("Write timeout")


def test_without_pyserial_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "serial", None)
    with pytest.raises(MissingExtraError, match=r"ultrasound-sdk\[serial\]"):
        open_front_end("serial:/dev/ttyACM0")
