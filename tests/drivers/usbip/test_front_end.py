"""The USB driver over USB/IP: the same frames as on the simulated bus."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import numpy as np
import pytest

from usdk.errors import (
    ArgumentError,
    DeviceAbsentError,
    DeviceFailedError,
    EndOfRecordingError,
)
from usdk.front_end import DeviceChange, DeviceEvent, DeviceWatcher, open_front_end
from usdk.sequences import plane_waves
from usdk_drivers.simulator import (
    EchoEngine,
    Fault,
    FaultPlan,
    RecordingEngine,
    SceneName,
    SimulatedFrontEnd,
    make_scene,
    simulated_probe,
)
from usdk_drivers.simulator.device_model import UsbDevice
from usdk_drivers.simulator.engine import Engine
from usdk_drivers.simulator.firmware import Firmware
from usdk_drivers.usbip import UsbIpServer
from usdk_drivers.usbip import front_end as front_end_module
from usdk_drivers.usbip.client import ANSWER_TIMEOUT_S
from usdk_drivers.usbip.front_end import UsbIpFrontEnd

Share = Callable[..., UsbIpServer]
Device = Callable[..., UsbDevice]


def url(server: UsbIpServer, bus_id: str = "1-1") -> str:
    host, port = server.address
    return f"usbip://{host}:{port}/{bus_id}"


def points() -> Engine:
    probe = simulated_probe("linear-l11-5v")
    return EchoEngine(probe, make_scene(SceneName.POINTS, probe, 1))


def test_frames_are_those_of_the_simulated_bus(device: Device, share: Share) -> None:
    server = share(device(Firmware(points())))
    acquisitions = []
    for front_end in (open_front_end(url(server)), SimulatedFrontEnd(points())):
        with front_end:
            front_end.configure(plane_waves((-5, 5)), depth_m=20e-3)
            acquisitions.append(front_end.read(3))
    ours, theirs = acquisitions
    assert ours.data.tobytes() == theirs.data.tobytes()
    assert ours.receive == theirs.receive
    assert ours.device == theirs.device


@pytest.mark.parametrize(
    ("fault", "n_lost"),
    [(Fault.DROP, 1), (Fault.CORRUPT, 1), (Fault.TRUNCATE, 1), (Fault.STALL, 1)],
)
def test_losses_are_counted_as_on_any_bus(
    device: Device, share: Share, recording: Callable, fault: Fault, n_lost: int
) -> None:
    plan = FaultPlan(at={4: fault})
    server = share(device(Firmware(RecordingEngine(recording(), loop=False), faults=plan)))
    with open_front_end(url(server)) as front_end:
        front_end.configure()
        acquisition = front_end.read(5, timeout_s=10)
        with pytest.raises(EndOfRecordingError):
            front_end.read()
        status = front_end.status()
    assert acquisition.sequence_numbers.tolist() == [0, 2, 3, 4, 5]
    assert status.n_frames_lost == n_lost


def test_unplugging_is_a_typed_error_and_the_device_can_be_opened_again(
    device: Device, share: Share, recording: Callable
) -> None:
    plan = FaultPlan(at={7: Fault.UNPLUG})
    shared = device(Firmware(RecordingEngine(recording(), loop=False), faults=plan))
    server = share(shared)
    for _ in range(2):
        with open_front_end(url(server)) as front_end:
            front_end.configure()
            assert front_end.read(2).n_frames == 2
            with pytest.raises(DeviceAbsentError):
                front_end.read()
        with pytest.raises(DeviceAbsentError):
            open_front_end(url(server))
        shared.plug()


def test_the_only_device_needs_no_name(device: Device, share: Share) -> None:
    one = share(device(Firmware(points())))
    with open_front_end(url(one, "")) as front_end:
        assert np.isfinite(front_end.probe.pitch_m)
    two = share(device(Firmware(points())), device(Firmware(points())))
    with pytest.raises(DeviceFailedError, match="1-1, 1-2"):
        open_front_end(url(two, ""))
    with pytest.raises(ArgumentError):
        open_front_end("usbip:somewhere")


def test_a_watcher_sees_a_named_device_arrive_leave_and_return(
    device: Device, share: Share
) -> None:
    shared = device(Firmware(points()))
    shared.unplug()
    address = url(share(shared))
    events: list[DeviceEvent] = []
    with DeviceWatcher(["usbip"], on_event=events.append, poll_s=0.01) as watch:
        with pytest.raises(DeviceAbsentError, match="was not there"):
            watch.wait_for(address, 0.1)
        shared.plug()
        found = watch.wait_for(address, 20)
        with open_front_end(found.address) as front_end:
            assert front_end.info.serial_number == "SIM-1"
        shared.unplug()
        watch.wait_until_gone(address, 20)
        shared.plug()
        watch.wait_for(address, 20)
        assert watch.problems == {}
    changes = [DeviceChange.ARRIVED, DeviceChange.LEFT, DeviceChange.RETURNED]
    assert [(event.change, event.found.address) for event in events] == [
        (change, address) for change in changes
    ]


def test_a_server_that_goes_takes_its_devices_along(device: Device, share: Share) -> None:
    server = share(device(Firmware(points())))
    address = url(server, "")
    with DeviceWatcher([], poll_s=0.01, addresses=[address]) as watch:
        watch.wait_for(address, 20)
        server.close()
        watch.wait_until_gone(address, 20)


def test_a_server_that_never_answers_is_looked_at_for_a_bounded_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(front_end_module, "LOOK_TIMEOUT_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        rest = f"//127.0.0.1:{silent.getsockname()[1]}/1-1"
        begun_s = time.monotonic()
        assert UsbIpFrontEnd.discover_at(rest) is None
        assert time.monotonic() - begun_s < ANSWER_TIMEOUT_S


def test_the_only_device_of_a_server_is_there_when_it_is_the_only_one(
    device: Device, share: Share
) -> None:
    one = device(Firmware(points()))
    other = device(Firmware(points()))
    rest = url(share(one, other), "").removeprefix("usbip:")
    assert UsbIpFrontEnd.discover_at(rest) is None
    other.unplug()
    found = UsbIpFrontEnd.discover_at(rest)
    assert found is not None
    assert found.address == f"usbip:{rest}"
    with pytest.raises(ArgumentError):
        UsbIpFrontEnd.discover_at("somewhere")
