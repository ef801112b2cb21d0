"""UsbIpServer: simulated devices for any machine on the network."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import Self

from usdk.errors import ArgumentError, DataDamagedError, StorageError
from usdk_drivers.simulator.device_model import UsbDevice
from usdk_drivers.usbip.attachment import Attachment
from usdk_drivers.usbip.messages import (
    BUS_ID_BYTES,
    DEFAULT_PORT,
    OPERATION_BYTES,
    DeviceRecord,
    Operation,
    pack_operation,
    unpack_bus_id,
    unpack_operation,
)
from usdk_drivers.usbip.sockets import receive, set_up

__all__ = ["UsbIpServer"]

HANDSHAKE_TIMEOUT_S = 10.0
"""A client that has not said what it wants by then is dropped."""

MAX_CONNECTIONS = 64
LOOPBACK = "127.0.0.1"
_SUPER_SPEED = 5
_BUS = 1
_FAILED = 1
_log = logging.getLogger(__name__)


class UsbIpServer:
    """Shares simulated devices by USB/IP; a context manager.

    ``usbip attach -r HOST -b 1-1`` makes a device a real one on any Linux machine with root;
    ``usbip://HOST/1-1`` opens it in usdk without.

    Parameters
    ----------
    devices : iterable of UsbDevice
        Shared as ``1-1``, ``1-2``, …
    host, port : str and int
        Where to listen; port 0 takes a free one. USB/IP knows no password and no encryption:
        listen on another interface than the loopback only in a network that is your own.

    Notes
    -----
    One client at a time has a device; others are refused until it lets go.
    """

    def __init__(
        self, devices: Iterable[UsbDevice], *, host: str = LOOPBACK, port: int = DEFAULT_PORT
    ) -> None:
        self._devices = {f"{_BUS}-{n}": device for n, device in enumerate(devices, start=1)}
        if not self._devices:
            raise ArgumentError("a USB/IP server needs at least one device")
        # Each device's client has it for as long as the device stays on the bus.
        self._busy: dict[str, int] = {}
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._threads: set[threading.Thread] = set()
        self._is_closed = False
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self._listener = socket.create_server((host, port), family=family)
        except (OSError, OverflowError) as error:
            raise StorageError(
                f"cannot listen on {host}:{port}: {error}; take another port"
            ) from error
        self.address: tuple[str, int] = self._listener.getsockname()[:2]
        """Host and port on which it listens."""
        self._accepting = threading.Thread(target=self._accept, name="usdk-usbip", daemon=True)
        self._accepting.start()

    @property
    def bus_ids(self) -> tuple[str, ...]:
        """Names of the devices."""
        return tuple(self._devices)

    def close(self) -> None:
        """Stop listening and drop every client; a second call has no effect."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            connections, threads = set(self._connections), set(self._threads)
        # A thread that waits in accept does not notice that its socket is closed.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        for thread in threads:
            thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                if self._is_closed:
                    return
                continue
            with self._lock:
                if self._is_closed or len(self._connections) >= MAX_CONNECTIONS:
                    connection.close()
                    continue
                self._connections.add(connection)
                thread = threading.Thread(
                    target=self._serve, args=(connection,), name="usdk-usbip-client", daemon=True
                )
                self._threads.add(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection:
                set_up(connection)
                connection.settimeout(HANDSHAKE_TIMEOUT_S)
                self._answer(connection)
        except (OSError, DataDamagedError) as error:
            _log.info("a USB/IP client was dropped: %s", error)
        finally:
            with self._lock:
                self._connections.discard(connection)
                self._threads.discard(threading.current_thread())

    def _answer(self, connection: socket.socket) -> None:
        """Answer one operation, as the kernel's daemon does, and end with it."""
        end_s = time.monotonic() + HANDSHAKE_TIMEOUT_S
        code, _ = unpack_operation(receive(connection, OPERATION_BYTES, end_s))
        if code == Operation.ASK_LIST:
            connection.sendall(self._listing())
        elif code == Operation.ASK_IMPORT:
            bus_id = unpack_bus_id(receive(connection, BUS_ID_BYTES, end_s))
            self._attach(connection, bus_id)
        else:
            raise DataDamagedError(f"{code:#06x} is no request of a USB/IP client")

    def _listing(self) -> bytes:
        shared = [
            (self._record(bus_id), device)
            for bus_id, device in self._devices.items()
            if device.is_attached
        ]
        reply = pack_operation(Operation.LIST) + len(shared).to_bytes(4, "big")
        return reply + b"".join(
            record.pack() + bytes(device.interface_triple) + b"\0" for record, device in shared
        )

    def _attach(self, connection: socket.socket, bus_id: str) -> None:
        with self._lock:
            device = self._devices.get(bus_id)
            is_free = device is not None and device.is_attached
            if device is not None and is_free:
                n_unplugs = device.n_unplugs
                is_free = self._busy.get(bus_id) != n_unplugs
                if is_free:
                    self._busy[bus_id] = n_unplugs
        if device is None or not is_free:
            connection.sendall(pack_operation(Operation.IMPORT, _FAILED))
            return
        try:
            record = self._record(bus_id)
            connection.sendall(pack_operation(Operation.IMPORT) + record.pack())
            connection.settimeout(None)
            Attachment(connection, device, n_unplugs).run()
        finally:
            with self._lock:
                if self._busy.get(bus_id) == n_unplugs:
                    del self._busy[bus_id]

    def _record(self, bus_id: str) -> DeviceRecord:
        device = self._devices[bus_id]
        return DeviceRecord(
            bus_id=bus_id,
            bus_number=_BUS,
            device_number=list(self._devices).index(bus_id) + 1,
            speed=_SUPER_SPEED,
            vendor_id=device.vendor_id,
            product_id=device.product_id,
            device_release=0x0100,
        )
