"""``usdk simulate``, as a program of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from usdk.errors import DeviceAbsentError
from usdk.front_end import open_front_end
from usdk.sequences import plane_waves

QUICK = "sim:linear-l11-5v?scene=points"
Start = Callable[..., tuple[subprocess.Popen[str], dict[str, Any]]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start ``usdk simulate`` on a free port and return it with what it says is shared."""
    programs: list[subprocess.Popen[str]] = []

    def run(
        *words: str, by: tuple[str, ...] = ("--usbip", "0")
    ) -> tuple[subprocess.Popen[str], dict[str, Any]]:
        command = [sys.executable, "-W", "error", "-m", "usdk.cli", "simulate", *words]
        program = subprocess.Popen(
            [*command, *by, "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        programs.append(program)
        assert program.stdout is not None
        text = ""
        for line in program.stdout:
            text += line
            if line.rstrip() == "}":
                return program, json.loads(text)
        raise AssertionError(program.communicate(timeout=10))

    yield run
    for program in programs:
        program.kill()
        program.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_is_opened_read_and_stopped_cleanly(start: Start, number: signal.Signals) -> None:
    program, listing = start(QUICK, f"{QUICK}&serial=SIM-2")
    assert listing["host"] == "127.0.0.1"
    first, second = listing["shared"]
    assert first["address"] == f"usbip://127.0.0.1:{listing['port']}/1-1"
    with open_front_end(second["address"]) as front_end:
        assert front_end.info.serial_number == "SIM-2"
        front_end.configure(plane_waves(), depth_m=10e-3)
        assert front_end.read(3).n_frames == 3
        # It ends although a client holds a device.
        program.send_signal(number)
        _, errors = program.communicate(timeout=10)
        with pytest.raises(DeviceAbsentError):
            front_end.status()
    assert program.returncode == 0
    assert errors == "usdk: shared until Ctrl-C\n"
    with pytest.raises(DeviceAbsentError):
        open_front_end(first["address"])


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="this system has no SIGUSR1")
@pytest.mark.parametrize("quiet", [(), ("-q",)])
def test_a_device_that_is_gone_comes_back_on_request(start: Start, quiet: tuple[str, ...]) -> None:
    program, listing = start(f"{QUICK}&faults=unplug@1&return_s=600", *quiet)
    (shared,) = listing["shared"]
    with open_front_end(shared["address"]) as front_end:
        front_end.configure(plane_waves(), depth_m=10e-3)
        front_end.read()
        with pytest.raises(DeviceAbsentError):
            front_end.read()
    with pytest.raises(DeviceAbsentError):
        open_front_end(shared["address"])
    program.send_signal(signal.SIGUSR1)
    deadline_s = time.monotonic() + 10
    while True:
        try:
            open_front_end(shared["address"]).close()
            break
        except DeviceAbsentError:
            assert time.monotonic() < deadline_s
            time.sleep(0.02)
    program.send_signal(signal.SIGINT)
    _, errors = program.communicate(timeout=10)
    assert program.returncode == 0
    assert errors == ("" if quiet else "usdk: shared until Ctrl-C\nusdk: 1 plugged in again\n")


def test_a_device_on_a_serial_port_is_scanned_and_goes_with_the_program(
    start: Start, tmp_path: Path
) -> None:
    pytest.importorskip("serial", reason="pyserial is not installed")
    program, listing = start(QUICK, "-q", by=("--serial", str(tmp_path)))
    (shared,) = listing["shared"]
    assert shared["address"] == f"serial:{tmp_path / 'ttyUSDK0'}"
    with open_front_end(f"serial:{shared['terminal']}") as front_end:
        assert front_end.info.serial_number == "SIM-1"
        front_end.configure(plane_waves(), depth_m=10e-3)
        assert front_end.read(3).n_frames == 3
        program.send_signal(signal.SIGTERM)
        _, errors = program.communicate(timeout=10)
        with pytest.raises(DeviceAbsentError):
            front_end.status()
    assert (program.returncode, errors) == (0, "")
    assert list(tmp_path.iterdir()) == []


def test_another_interface_than_the_loopback_is_warned_of(start: Start) -> None:
    program, listing = start(QUICK, "-q", by=("--usbip", "0.0.0.0:0"))
    assert listing["host"] == "0.0.0.0"
    program.send_signal(signal.SIGTERM)
    _, errors = program.communicate(timeout=10)
    assert errors.startswith("usdk: warning: USB/IP has no password and no encryption")
    assert errors.count("\n") == 1


def test_the_text_names_both_ways_to_the_device(usdk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("usdk.cli.simulate._next", lambda signals: signal.SIGINT)
    before = signal.getsignal(signal.SIGTERM)
    outcome = usdk("simulate", QUICK, "--usbip", "localhost:0")
    assert outcome.status == 0
    assert "in usdk:           usbip://127.0.0.1:" in outcome.out
    assert "attach -r 127.0.0.1 -b 1-1" in outcome.out
    assert "warning" not in outcome.err
    assert signal.getsignal(signal.SIGTERM) is before


def test_the_text_names_the_terminal_and_its_link(
    usdk: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("usdk.cli.simulate._next", lambda signals: signal.SIGINT)
    outcome = usdk("simulate", QUICK, "--serial", str(tmp_path))
    assert outcome.status == 0
    assert "in usdk:           serial:/dev/" in outcome.out
    assert f"unplugged or not:  serial:{tmp_path}/ttyUSDK0" in outcome.out


def test_the_text_says_how_a_virtual_machine_gets_the_device(
    usdk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("usdk.cli.simulate._next", lambda signals: signal.SIGINT)
    outcome = usdk("simulate", QUICK, "--usbredir", "0")
    assert outcome.status == 0
    assert "in usdk, there:    usb:serial=SIM-1" in outcome.out
    assert "-device usb-redir,chardev=usdk0" in outcome.out


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("usb:", "--usbredir", "0"), "virtual machines"),
        ((QUICK, "--usbredir", "x"), "write 4000"),
        ((QUICK,), "--usbip"),
        ((QUICK, "--usbip", "--serial"), "not allowed with"),
        (("usb:", "--serial"), "cannot put"),
        ((QUICK, "--usbip", "70000"), "no port"),
        ((QUICK, "--usbip", ":3240"), "no port"),
        ((QUICK, "--usbip", "host:"), "no port"),
        ((QUICK, "--usbip", "9" * 5000), "no port"),
        (("--usbip", QUICK), ""),
        (("usb:", "--usbip", "0"), "cannot share"),
        (("sim:nothing", "--usbip", "0"), "nor a file"),
    ],
)
def test_wrong_use_ends_with_2(usdk: Any, words: tuple[str, ...], hint: str) -> None:
    outcome = usdk("simulate", *words)
    assert outcome.status == 2
    assert hint in outcome.err
    assert outcome.out == ""


def test_a_host_that_is_not_ours_ends_with_7(usdk: Any) -> None:
    assert usdk("simulate", QUICK, "--usbip", "203.0.113.9:0").status == 7


def test_it_stops_at_once_while_nobody_is_there(start: Start) -> None:
    program, _ = start(QUICK)
    started_s = time.monotonic()
    program.send_signal(signal.SIGINT)
    program.communicate(timeout=10)
    assert time.monotonic() - started_s < 3
