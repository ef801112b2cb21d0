"""Devices that are unplugged and come back: what the reader meets, and that nothing is left."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from usdk.acquisition import Acquisition
from usdk.errors import DeviceAbsentError
from usdk.front_end import DeviceChange, DeviceEvent, DeviceWatcher, Found, FrontEnd, watcher
from usdk_drivers.frame_assembly import FrameAssembler
from usdk_drivers.simulator import SimulatedFrontEnd
from usdk_drivers.simulator.device_model import UsbDevice
from usdk_drivers.simulator.pyusb_backend import SimulatedBackend
from usdk_drivers.usb_front_end import UsbFrontEnd
from usdk_drivers.usb_transport import UsbTransport

N_UNPLUGS = 200
N_OPENINGS = 1000
UNPLUG_LIMIT_S = 0.1
POLL_S = 2e-3


class CountingBus(SimulatedBackend):
    """A bus that knows how many handles are open."""

    n_open = 0

    def open_device(self, dev: UsbDevice) -> Any:
        handle = super().open_device(dev)
        self.n_open += 1
        return handle

    def close_device(self, dev_handle: Any) -> None:
        super().close_device(dev_handle)
        self.n_open -= 1


@pytest.fixture
def device(recording: Callable[..., Acquisition]) -> UsbDevice:
    with SimulatedFrontEnd.playing(recording(), loop=True) as front_end:
        return front_end.device


@pytest.fixture
def bus(device: UsbDevice) -> CountingBus:
    return CountingBus([device])


@pytest.fixture
def watched(bus: CountingBus, monkeypatch: pytest.MonkeyPatch) -> type[FrontEnd]:
    """Return the USB driver, finding what is on the bus, as scheme ``usb``."""

    class OnBus(UsbFrontEnd):
        @classmethod
        def discover(cls) -> list[Found]:
            return cls.discover_on(bus)

    monkeypatch.setattr(watcher, "driver_class", {"usb": OnBus}.__getitem__)
    return OnBus


def n_descriptors() -> int:
    descriptors = Path("/proc/self/fd")
    return len(list(descriptors.iterdir())) if descriptors.is_dir() else 0


def n_living() -> dict[str, int]:
    """Count what holds handles and buffers."""
    gc.collect()
    kinds = (UsbFrontEnd, UsbTransport, FrameAssembler)
    living = [type(thing) for thing in gc.get_objects()]
    return {kind.__name__: sum(issubclass(t, kind) for t in living) for kind in kinds}


@contextmanager
def nothing_left(bus: CountingBus) -> Iterator[None]:
    living, descriptors = n_living(), n_descriptors()
    threads = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) == threads
    assert n_descriptors() == descriptors
    assert bus.n_open == 0
    assert bus._claims == {}
    assert n_living() == living


def read_without_end(front_end: FrontEnd) -> None:
    while True:
        front_end.read(timeout_s=10.0)


def unplug_while_reading(bus: CountingBus, device: UsbDevice) -> float:
    """Return how long a reader took to meet the unplug, s."""
    with UsbFrontEnd.on_backend(bus) as front_end:
        front_end.configure()
        front_end.read()
        device.unplug()
        begun_s = time.monotonic()
        with pytest.raises(DeviceAbsentError, match="plug it in again"):
            read_without_end(front_end)
        return time.monotonic() - begun_s


def unplug_while_waiting(bus: CountingBus, device: UsbDevice) -> float:
    """Return how long a reader took that waited in a transfer when the plug was pulled, s."""
    met_s: list[float] = []

    def read(front_end: FrontEnd) -> None:
        with pytest.raises(DeviceAbsentError, match="plug it in again"):
            read_without_end(front_end)
        met_s.append(time.monotonic())

    with UsbFrontEnd.on_backend(bus) as front_end:
        front_end.configure()
        front_end.start()
        # A device that was stopped behind the driver's back sends nothing.
        front_end._link.stop()
        reader = threading.Thread(target=read, args=(front_end,))
        reader.start()
        time.sleep(0.05)
        unplugged_s = time.monotonic()
        device.unplug()
        reader.join(10.0)
    return met_s[0] - unplugged_s


def test_two_hundred_unplugs_are_errors_in_time_and_leave_nothing(
    bus: CountingBus, device: UsbDevice
) -> None:
    longest_s = 0.0
    with nothing_left(bus):
        for _ in range(N_UNPLUGS):
            longest_s = max(longest_s, unplug_while_reading(bus, device))
            with pytest.raises(DeviceAbsentError, match="no device answers"):
                UsbFrontEnd.on_backend(bus)
            device.plug()
    assert longest_s < UNPLUG_LIMIT_S


def test_a_reader_that_waits_for_data_meets_the_unplug_in_time(
    bus: CountingBus, device: UsbDevice
) -> None:
    with nothing_left(bus):
        took_s = unplug_while_waiting(bus, device)
    assert took_s < UNPLUG_LIMIT_S


def test_the_watcher_sees_each_unplug_and_each_return_and_leaves_nothing(
    bus: CountingBus, device: UsbDevice, watched: type[FrontEnd]
) -> None:
    events: list[DeviceEvent] = []
    with nothing_left(bus):
        with DeviceWatcher(["usb"], events.append, poll_s=POLL_S) as watch:
            for _ in range(N_UNPLUGS):
                found = watch.wait_for("usb:", 5.0)
                assert found.address == "usb:serial=7"
                device.unplug()
                watch.wait_until_gone(found.address, 5.0)
                device.plug()
        del watch
    changes = [event.change for event in events]
    assert changes.count(DeviceChange.ARRIVED) == 1
    assert changes.count(DeviceChange.LEFT) == N_UNPLUGS
    assert N_UNPLUGS - 1 <= changes.count(DeviceChange.RETURNED) <= N_UNPLUGS


def test_a_device_that_leaves_while_it_is_looked_at_is_not_listed(device: UsbDevice) -> None:
    class Leaving(SimulatedBackend):
        def open_device(self, dev: UsbDevice) -> Any:
            dev.unplug()
            return super().open_device(dev)

    assert UsbFrontEnd.discover_on(Leaving([device])) == []


def open_and_close(bus: CountingBus) -> None:
    with UsbFrontEnd.on_backend(bus) as front_end:
        front_end.configure()


def test_a_thousand_openings_leave_nothing(bus: CountingBus) -> None:
    with nothing_left(bus):
        for _ in range(N_OPENINGS):
            open_and_close(bus)


def test_watchers_that_come_and_go_leave_no_thread(
    bus: CountingBus, watched: type[FrontEnd]
) -> None:
    with nothing_left(bus):
        for _ in range(50):
            with DeviceWatcher(["usb"], poll_s=POLL_S) as watch:
                watch.wait_for("usb:", 5.0)


@pytest.mark.parametrize("scheme", ["file", "sim"])
def test_a_file_that_is_waited_for_arrives_leaves_and_returns(scheme: str, tmp_path: Path) -> None:
    path = tmp_path / "recording.usdk"
    with DeviceWatcher([scheme], poll_s=POLL_S) as watch:
        with pytest.raises(DeviceAbsentError):
            watch.wait_for(f"{scheme}:{path}", 0.05)
        for _ in range(2):
            path.touch()
            watch.wait_for(f"{scheme}:{path}", 20)
            path.unlink()
            watch.wait_until_gone(f"{scheme}:{path}", 20)


def test_a_simulated_probe_with_options_is_there() -> None:
    with DeviceWatcher(["sim"], poll_s=POLL_S) as watch:
        assert watch.wait_for("sim:linear-l11-5v?seed=3", 20).description == "simulated L11-5v"
