"""Devices that stay shared: unplugged by their faults, and back."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from usdk.errors import DeviceAbsentError
from usdk.front_end import FrontEnd, open_front_end
from usdk.sequences import plane_waves
from usdk_drivers.simulator import SimulatedFrontEnd
from usdk_drivers.usbip.sharing import RETURN_S, SharedDevices

QUICK = "linear-l11-5v?scene=points"


def share(*options: str) -> SharedDevices:
    addresses = [f"{QUICK}&{option}" for option in options]
    return SimulatedFrontEnd.share(addresses, host="127.0.0.1", port=0)


def opened_within(address: str, limit_s: float) -> tuple[FrontEnd, float]:
    started_s = time.monotonic()
    while True:
        try:
            return open_front_end(address), time.monotonic() - started_s
        except DeviceAbsentError:
            assert time.monotonic() - started_s < limit_s
            time.sleep(0.01)


def read_until_gone(front_end: FrontEnd) -> int:
    front_end.configure(plane_waves(), depth_m=10e-3)
    n_frames = 0
    try:
        for acquisition in front_end.stream():
            n_frames += acquisition.n_frames
    except DeviceAbsentError:
        return n_frames
    raise AssertionError("it ended without an error")


def test_a_device_that_was_unplugged_comes_back_by_itself_each_time() -> None:
    with share("faults=unplug@3&return_s=0.3&firmware_after=2.0") as shared:
        address = shared.front_ends[0].address
        versions = []
        for _ in range(3):
            front_end, waited_s = opened_within(address, 2.0)
            versions.append(front_end.info.firmware_version)
            assert read_until_gone(front_end) == 3
            # Whoever keeps the old handle open does not keep the device from others.
            again, waited_s = opened_within(address, 2.0)
            assert 0.2 < waited_s < 1.0
            again.close()
            front_end.close()
    assert versions == ["1.0.0", "2.0", "2.0"]


def test_without_a_time_of_its_own_it_is_back_after_a_second_or_on_request() -> None:
    with share("faults=unplug@0") as shared:
        address = shared.front_ends[0].address
        front_end = open_front_end(address)
        read_until_gone(front_end)
        assert shared.plug_in() == 1
        assert shared.plug_in() == 0
        front_end.close()
        front_end = open_front_end(address)
        read_until_gone(front_end)
        gone_s = time.monotonic()
        front_end.close()
        opened_within(address, 3.0)[0].close()
        assert time.monotonic() - gone_s > RETURN_S - 0.3


def test_an_idle_client_does_not_survive_an_unplug_that_it_did_not_see() -> None:
    with share("serial=A") as shared:
        front_end = open_front_end(shared.front_ends[0].address)
        device = shared._devices[0]
        device.unplug()
        device.plug()
        with pytest.raises(DeviceAbsentError):
            front_end.status()
        open_front_end(shared.front_ends[0].address).close()
        front_end.close()


def test_it_can_be_shared_by_ip_version_6_and_everywhere() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with SimulatedFrontEnd.share([QUICK], host="::1", port=0) as shared:
        (front_end,) = shared.front_ends
        assert front_end.address == f"usbip://[::1]:{shared.port}/1-1"
        open_front_end(front_end.address).close()
    with SimulatedFrontEnd.share([QUICK], host="0.0.0.0", port=0) as shared:
        # A host's name, not the address that means all of them.
        assert "0.0.0.0" not in shared.front_ends[0].address
        open_front_end(f"usbip://127.0.0.1:{shared.port}/1-1").close()


def test_nothing_is_left_when_sharing_ends() -> None:
    before = threading.active_count()
    for _ in range(10):
        with share("serial=A") as shared:
            front_end = open_front_end(shared.front_ends[0].address)
        with pytest.raises(DeviceAbsentError):
            front_end.status()
        front_end.close()
        shared.close()
    assert threading.active_count() == before
