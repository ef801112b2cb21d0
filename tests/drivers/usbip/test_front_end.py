"""The USB driver over USB/IP: the same frames as on the simulated bus."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from usdk.errors import (
    ArgumentError,
    DeviceAbsentError,
    DeviceFailedError,
    EndOfRecordingError,
)
from usdk.front_end import open_front_end
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
