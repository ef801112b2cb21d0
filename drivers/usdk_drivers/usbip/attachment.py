"""Attachment: one client that has one device, until either goes away."""

from __future__ import annotations

import errno
import socket
import threading
from contextlib import suppress

from usdk.errors import DataDamagedError
from usdk_drivers.simulator.device_model import UsbDevice
from usdk_drivers.simulator.endpoint_worker import GONE, EndpointWorker, TransferRequest
from usdk_drivers.usbip.messages import (
    URB_BYTES,
    Reply,
    Submit,
    pack_unlinked,
    unpack_command,
)
from usdk_drivers.usbip.sockets import receive

__all__ = ["Attachment"]

UNLINKED = -errno.ECONNRESET


class Attachment:
    """Serves the transfers of one client; every endpoint has a thread.

    Parameters
    ----------
    connection : socket
        After the device was attached.
    device : UsbDevice
        What is attached.
    n_unplugs : int
        How often it had been away when it was attached.
    """

    def __init__(self, connection: socket.socket, device: UsbDevice, n_unplugs: int) -> None:
        self._connection, self._device = connection, device
        self._n_unplugs = n_unplugs
        self._sending = threading.Lock()
        self._workers: dict[tuple[int, bool], EndpointWorker] = {}
        self._owners: dict[int, EndpointWorker] = {}
        self._owning = threading.Lock()

    def run(self) -> None:
        """Serve until the client closes, or the device is unplugged."""
        try:
            while True:
                command = unpack_command(receive(self._connection, URB_BYTES))
                if command.submit is not None:
                    self._submit(command.submit)
                elif command.unlink is not None:
                    self._unlink(command.number, command.unlink)
        finally:
            with suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)
            for worker in self._workers.values():
                worker.close()

    def _submit(self, submit: Submit) -> None:
        data = b"" if submit.is_incoming else receive(self._connection, submit.n_bytes)
        # Endpoint 0 has one line for both directions.
        key = (submit.endpoint, submit.is_incoming and submit.endpoint != 0)
        if key not in self._workers:
            name = f"usdk-usbip-endpoint-{submit.endpoint}"
            self._workers[key] = EndpointWorker(self._device, self._n_unplugs, self._answer, name)
        with self._owning:
            self._owners[submit.number] = self._workers[key]
        if not self._workers[key].submit(submit, data):
            raise DataDamagedError("a host that asks for more and more, and waits for nothing")

    def _unlink(self, number: int, unlink: int) -> None:
        with self._owning:
            owner = self._owners.get(unlink)
        is_taken_back = owner is not None and owner.take_back(unlink)
        with self._owning:
            self._owners.pop(unlink, None)
        with self._sending:
            self._connection.sendall(pack_unlinked(number, UNLINKED if is_taken_back else 0))

    def _answer(self, submit: TransferRequest, status: int, data: memoryview | bytes) -> None:
        with self._owning:
            self._owners.pop(submit.number, None)
        n_bytes = len(data) if submit.is_incoming or submit.endpoint == 0 else submit.n_bytes
        reply = Reply(number=submit.number, status=status, n_bytes=0 if status else n_bytes)
        with suppress(OSError), self._sending:
            # Too long for one call, the rest follows by itself.
            n_sent = self._connection.sendmsg((reply.pack(), data))
            if n_sent < URB_BYTES:
                self._connection.sendall(reply.pack()[n_sent:])
                n_sent = URB_BYTES
            if n_sent < URB_BYTES + len(data):
                self._connection.sendall(memoryview(data)[n_sent - URB_BYTES :])
        if status == GONE:
            # That is how the other side learns of it, and closes. To close here as well would take
            # away what it has not read yet.
            with suppress(OSError):
                self._connection.shutdown(socket.SHUT_WR)
