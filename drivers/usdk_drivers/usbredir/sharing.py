"""RedirectedDevices: simulated devices that wait for virtual machines."""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from usdk.errors import StorageError
from usdk.front_end import SharedFrontEnd
from usdk_drivers.simulator.device_model import UsbDevice
from usdk_drivers.simulator.simulated_device import SimulatedDevice
from usdk_drivers.usbredir.port import RedirectedPort

__all__ = ["RETURN_S", "RedirectedDevices"]

RETURN_S = 1.0
"""A device that a fault unplugged is back after so long, unless it says otherwise, s."""

_LOOK_S = 0.2


class RedirectedDevices:
    """Offers simulated devices to virtual machines until closed; a context manager.

    Each device listens for one machine at a time, that is for QEMU's
    ``-chardev socket,host=…,port=… -device usb-redir``; when the machine goes, for the next.

    Parameters
    ----------
    devices : sequence of SimulatedDevice
        The first takes ``port``, each of the others the next one.
    host, port : str and int
        Where to listen; port 0 takes free ones.

    Raises
    ------
    StorageError
        If a port cannot be had.
    """

    def __init__(self, devices: Sequence[SimulatedDevice], *, host: str, port: int) -> None:
        self._devices = [one.on_usb(one.firmware(), return_s=RETURN_S) for one in devices]
        self._is_closed = threading.Event()
        self._listeners: list[socket.socket] = []
        try:
            for k in range(len(self._devices)):
                self._listeners.append(_listen(host, port + k if port else 0))
        except BaseException:
            self._close_listeners()
            raise
        self.host, self.port = self._listeners[0].getsockname()[:2]
        self.front_ends = tuple(
            SharedFrontEnd(
                address=f"usb:serial={device.strings[2]}",
                attach_command="qemu-system-x86_64 … -device qemu-xhci -chardev "
                f"socket,id=usdk{k},host={self.host},port={listener.getsockname()[1]} "
                f"-device usb-redir,chardev=usdk{k}",
                description=", serial number ".join(device.strings[1:]),
            )
            for k, (listener, device) in enumerate(zip(self._listeners, self._devices, strict=True))
        )
        """How each device is reached from within the machine that starts with the command."""
        self._threads = [
            threading.Thread(target=self._serve, args=pair, name="usdk-usbredir", daemon=True)
            for pair in zip(self._listeners, self._devices, strict=True)
        ]
        for thread in self._threads:
            thread.start()

    def plug_in(self) -> int:
        """Put back at once what is unplugged, and return how many devices that were."""
        absent = [device for device in self._devices if not device.is_attached]
        for device in absent:
            device.plug()
        return len(absent)

    def close(self) -> None:
        """Stop listening and unplug every device; a second call has no effect."""
        self._is_closed.set()
        for thread in self._threads:
            thread.join()
        self._close_listeners()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _close_listeners(self) -> None:
        for listener in self._listeners:
            listener.close()

    def _serve(self, listener: socket.socket, device: UsbDevice) -> None:
        while not self._is_closed.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                continue
            self._serve_one(connection, device)

    def _serve_one(self, connection: socket.socket, device: UsbDevice) -> None:
        # A machine that left in the middle of a greeting is no reason to stop listening.
        with suppress(OSError), connection:
            connection.settimeout(None)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with (
                connection.makefile("rwb", buffering=0) as stream,
                RedirectedPort(stream) as port,  # type: ignore[arg-type]  # unbuffered, raw
            ):
                port.add(device)
                while not (self._is_closed.is_set() or port.wait(_LOOK_S)):
                    pass
                port.close()
                # The port's thread waits for the machine's next message: end its wait.
                connection.shutdown(socket.SHUT_RDWR)
                port.wait(_LOOK_S)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.settimeout(_LOOK_S)
        listener.bind((host, port))
        listener.listen(1)
    except OSError as error:
        listener.close()
        raise StorageError(
            f"cannot listen on {host}, port {port}: {error}; take another, or 0 for a free one"
        ) from error
    return listener
