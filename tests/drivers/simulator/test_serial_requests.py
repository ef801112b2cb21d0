"""The device's side of a serial line: each request once, whatever the line does."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from usdk.acquisition import Acquisition
from usdk_drivers.serial_line.frames import Answer, Frame, FrameDecoder, FrameKind, Greeting, Setup
from usdk_drivers.simulator import RecordingEngine
from usdk_drivers.simulator.device_model import UsbDevice
from usdk_drivers.simulator.endpoints import BULK_IN
from usdk_drivers.simulator.serial_requests import SerialRequests
from usdk_drivers.simulator.simulated_device import SimulatedDevice
from usdk_drivers.wire import DeviceState, DeviceStatus, Request


@pytest.fixture
def device(recording: Callable[..., Acquisition]) -> UsbDevice:
    simulated = SimulatedDevice(engine=RecordingEngine(recording(), loop=False))
    return simulated.on_usb(simulated.firmware())


def hello(nonce: int = 5) -> Frame:
    return Frame(FrameKind.HELLO, 0, Greeting(nonce).pack())


def ask(tag: int, setup: Setup) -> Frame:
    return Frame(FrameKind.REQUEST, tag, setup.pack())


def only(data: bytes) -> Frame:
    decoder = FrameDecoder()
    decoder.receive(data)
    frame = decoder.next_frame()
    assert frame is not None
    assert not decoder.is_within_frame
    return frame


def state(requests: SerialRequests, tag: int) -> DeviceState:
    frame = only(requests.carry_out(ask(tag, Setup(0xC0, Request.GET_STATUS, length=512))))
    assert frame.tag == tag
    return DeviceStatus.unpack(Answer.unpack(frame.body).data[: DeviceStatus.N_BYTES]).state


def test_nothing_is_heeded_before_a_greeting(device: UsbDevice) -> None:
    requests = SerialRequests(device)
    assert requests.carry_out(ask(1, Setup(0xC0, Request.GET_STATUS, length=512))) == b""
    assert not requests.may_send
    welcome = only(requests.carry_out(hello(77)))
    assert (welcome.kind, Greeting.unpack(welcome.body).nonce) == (FrameKind.WELCOME, 77)
    assert requests.may_send
    assert state(requests, 1) is DeviceState.CONFIGURED


def test_a_request_that_comes_twice_is_carried_out_once(device: UsbDevice) -> None:
    requests = SerialRequests(device)
    requests.carry_out(hello())
    start = ask(1, Setup(0x40, Request.START, 9))
    assert requests.begins_run(start)
    first = requests.carry_out(start)
    n_stops = requests.n_stops
    assert requests.carry_out(start) == first
    assert requests.n_stops == n_stops
    assert state(requests, 2) is DeviceState.RUNNING
    # A greeting stops the device and forgets the tags.
    requests.carry_out(hello())
    assert state(requests, 2) is DeviceState.CONFIGURED


def test_a_refused_upload_halts_nothing(device: UsbDevice) -> None:
    requests = SerialRequests(device)
    requests.carry_out(hello())
    for tag in (1, 2):
        frame = only(requests.carry_out(Frame(FrameKind.UPLOAD, tag, b"no message at all")))
        assert Answer.unpack(frame.body).is_refused


def test_a_halt_is_lifted_by_its_own_request_alone(device: UsbDevice) -> None:
    requests = SerialRequests(device)
    requests.carry_out(hello())
    requests.is_halted = True
    state(requests, 1)
    assert not requests.may_send
    requests.carry_out(ask(2, Setup(0x02, 1, 0, BULK_IN)))
    assert requests.may_send


def test_what_makes_no_sense_is_not_answered(device: UsbDevice) -> None:
    requests = SerialRequests(device)
    assert requests.carry_out(Frame(FrameKind.HELLO, 0, b"short")) == b""
    requests.carry_out(hello())
    assert requests.carry_out(Frame(FrameKind.REQUEST, 1, b"short")) == b""
    assert requests.carry_out(Frame(FrameKind.DATA, 1, b"")) == b""
    assert not requests.begins_run(Frame(FrameKind.REQUEST, 1, b"short"))
    device.unplug()
    assert requests.carry_out(ask(1, Setup(0xC0, Request.GET_STATUS, length=512))) == b""
