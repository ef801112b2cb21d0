"""MockedBus: simulated devices on a USB bus that every program under umockdev takes for real."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from usdk.errors import ArgumentError
from usdk_drivers.simulator.device_model import UsbDevice
from usdk_drivers.umockdev.introspection import PRELOAD, import_umockdev
from usdk_drivers.umockdev.node import DeviceNode, device_node
from usdk_drivers.umockdev.readiness import Readiness
from usdk_drivers.umockdev.sysfs import device_path, node_path, port_description

__all__ = ["MockedBus"]

LOOK_S = 0.01
"""So often the bus looks whether a device has come or gone, s."""

_MAX_DEVICES = 127


class _Port:
    """A place on the bus, and the device that is plugged in there or was."""

    def __init__(self, device: UsbDevice, port: int) -> None:
        self.device, self.port = device, port
        self.n_unplugs = device.n_unplugs
        self.number = 0
        self.node: DeviceNode | None = None
        self.readiness: Readiness | None = None


class MockedBus:
    """Shows simulated devices to unmodified libusb, pyusb and lsusb; a context manager.

    Programs see it that are started with `environment`, and this process if it was itself started
    by ``umockdev-wrapper``. Only then can devices that leave and come back be told by udev
    events, as the kernel does it; without, a program sees what was plugged in when it looked. A
    process keeps to one bus: libusb goes on watching the first one.

    Parameters
    ----------
    devices : iterable of UsbDevice
        Plugged into ports 1, 2, …

    Raises
    ------
    MissingExtraError
        If umockdev is not installed.
    """

    def __init__(self, devices: Iterable[UsbDevice] = ()) -> None:
        umockdev = import_umockdev()
        self._testbed = umockdev.Testbed.new()
        self.root = Path(self._testbed.get_root_dir())
        """Where the mocked ``/sys`` and ``/dev`` lie."""
        self._ports: list[_Port] = []
        self._left: list[DeviceNode] = []
        self._last_number = 0
        self._lock = threading.Lock()
        self._is_closed = threading.Event()
        self._tells = bool(umockdev.in_mock_environment())
        for device in devices:
            self.add(device)
        self._watching = threading.Thread(target=self._watch, name="usdk-mocked-bus", daemon=True)
        self._watching.start()

    @property
    def environment(self) -> Mapping[str, str]:
        """Environment variables of a program that shall see the bus."""
        others = [p for p in os.environ.get("LD_PRELOAD", "").split(":") if p and p != PRELOAD]
        return {
            **os.environ,
            "UMOCKDEV_DIR": str(self.root),
            "LD_PRELOAD": ":".join([PRELOAD, *others]),
        }

    @property
    def devices(self) -> tuple[UsbDevice, ...]:
        """Those that were added, on the bus or away."""
        with self._lock:
            return tuple(port.device for port in self._ports)

    def add(self, device: UsbDevice) -> None:
        """Plug another device in."""
        with self._lock:
            if len(self._ports) == _MAX_DEVICES:
                raise ArgumentError(f"a bus holds {_MAX_DEVICES} devices: make another one")
            used = {port.port for port in self._ports}
            port = _Port(device, min(set(range(1, len(used) + 2)) - used))
            self._ports.append(port)
            if device.is_attached:
                self._arrive(port)

    def remove(self, device: UsbDevice) -> None:
        """Take a device off this bus for good."""
        with self._lock:
            for port in [port for port in self._ports if port.device is device]:
                self._leave(port)
                self._ports.remove(port)

    def look(self) -> None:
        """Follow what came and went, without waiting for the bus to look by itself."""
        with self._lock:
            for port in self._ports:
                self._follow(port)
            nodes = [port.node for port in self._ports if port.node is not None]
            # What was opened before a device left stays open until it is closed.
            self._left = [node for node in self._left if node.forget_closed()]
        for node in nodes:
            node.forget_closed()

    def close(self) -> None:
        """Take every device off the bus; a second call has no effect."""
        if self._is_closed.is_set():
            return
        self._is_closed.set()
        self._watching.join()
        with self._lock:
            for port in self._ports:
                self._leave(port)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _watch(self) -> None:
        while not self._is_closed.wait(LOOK_S):
            self.look()

    def _follow(self, port: _Port) -> None:
        is_attached = port.device.is_attached
        if port.node is not None and (not is_attached or port.n_unplugs != port.device.n_unplugs):
            self._leave(port)
        if port.node is None and is_attached:
            self._arrive(port)

    def _arrive(self, port: _Port) -> None:
        # As the kernel does it: a device that comes back has another number.
        used = {other.number for other in self._ports if other.node is not None}
        following = ((self._last_number + k) % _MAX_DEVICES + 1 for k in range(_MAX_DEVICES))
        port.number = self._last_number = next(n for n in following if n not in used)
        port.n_unplugs = port.device.n_unplugs
        path = node_path(port.number)
        self._testbed.add_from_string(port_description(port.device, port.port, port.number))
        port.readiness = Readiness(self.root / path.removeprefix("/"))
        port.node = DeviceNode(port.device, port.readiness)
        self._testbed.attach_ioctl(path, device_node(port.node))
        self._tell(port, "add")

    def _leave(self, port: _Port) -> None:
        if port.node is None or port.readiness is None:
            return
        self._tell(port, "remove")
        self._testbed.detach_ioctl(node_path(port.number))
        self._testbed.remove_device(f"/sys{device_path(port.port)}")
        port.readiness.close()
        self._left.append(port.node)
        port.node = port.readiness = None

    def _tell(self, port: _Port, change: str) -> None:
        if self._tells:
            self._testbed.uevent(f"/sys{device_path(port.port)}", change)
