"""A device's terminal comes and goes with it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("termios", reason="this system has no pseudo-terminals")

from usdk.acquisition import Acquisition
from usdk.errors import StorageError
from usdk_drivers.serial_line.frames import FrameDecoder, FrameKind, Greeting, encode_frame
from usdk_drivers.simulator import RecordingEngine
from usdk_drivers.simulator.device_model import UsbDevice
from usdk_drivers.simulator.serial_port import FORGET_S, SimulatedSerialPort
from usdk_drivers.simulator.simulated_device import SimulatedDevice


@pytest.fixture
def device(recording: Callable[..., Acquisition]) -> UsbDevice:
    simulated = SimulatedDevice(engine=RecordingEngine(recording(), loop=False))
    return simulated.on_usb(simulated.firmware())


def wait_until(is_so: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < end_s
        time.sleep(0.005)


def test_the_link_follows_the_device(device: UsbDevice, tmp_path: Path) -> None:
    link = tmp_path / "port"
    link.symlink_to(tmp_path / "left by an earlier program")
    with SimulatedSerialPort(device, link=link) as port:
        assert link.readlink() == Path(port.terminal)
        device.unplug()
        wait_until(lambda: not link.is_symlink())
        assert port.terminal == ""
        device.plug()
        wait_until(link.exists)
        assert link.readlink() == Path(port.terminal)
    assert not link.is_symlink()
    port.close()


def test_a_file_that_is_there_is_not_overwritten(device: UsbDevice, tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("precious")
    with pytest.raises(StorageError):
        SimulatedSerialPort(device, link=path)
    assert path.read_text() == "precious"


def test_a_frame_that_was_left_unfinished_does_not_swallow_a_greeting(device: UsbDevice) -> None:
    with SimulatedSerialPort(device) as port:
        terminal = os.open(port.terminal, os.O_RDWR | os.O_NOCTTY)
        try:
            os.write(terminal, encode_frame(FrameKind.UPLOAD, 1, bytes(4000))[:2000])
            time.sleep(2 * FORGET_S)
            os.write(terminal, encode_frame(FrameKind.HELLO, 0, Greeting(3).pack()))
            decoder = FrameDecoder()
            decoder.receive(os.read(terminal, 1000))
        finally:
            os.close(terminal)
    frame = decoder.next_frame()
    assert frame is not None
    assert frame.kind == FrameKind.WELCOME


def test_it_ends_although_nobody_reads_what_it_sends(device: UsbDevice) -> None:
    with SimulatedSerialPort(device) as port:
        terminal = os.open(port.terminal, os.O_RDWR | os.O_NOCTTY)
        hello = encode_frame(FrameKind.HELLO, 0, Greeting(3).pack())
        for _ in range(1000):
            os.write(terminal, hello)
        time.sleep(0.1)
        started_s = time.monotonic()
    assert time.monotonic() - started_s < 5
    os.close(terminal)
