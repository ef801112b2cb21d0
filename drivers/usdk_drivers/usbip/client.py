"""UsbIpClient: the host's side of USB/IP, in user space, with any number of transfers in flight."""

from __future__ import annotations

import errno
import socket
import threading
import time
from contextlib import suppress

from usdk.errors import (
    DataDamagedError,
    DeviceAbsentError,
    DeviceFailedError,
    DeviceTimeoutError,
    StateError,
)
from usdk_drivers.usb_errors import EndpointStalledError
from usdk_drivers.usbip.messages import (
    DEVICE_BYTES,
    MAX_DEVICES,
    OPERATION_BYTES,
    URB_BYTES,
    DeviceRecord,
    Operation,
    Submit,
    pack_bus_id,
    pack_operation,
    pack_unlink,
    unpack_operation,
    unpack_reply,
)
from usdk_drivers.usbip.sockets import limit_sending, receive, receive_into, set_up

__all__ = ["Transfer", "UsbIpClient", "list_devices"]

CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 5.0
"""How long a server may take to list its devices, or to attach one."""

UNLINK_TIMEOUT_S = 5.0
SEND_TIMEOUT_S = 5.0
"""A server that takes nothing of what is sent for so long is as good as gone."""

_INTERFACE_BYTES = 4
_GONE = (-errno.ENODEV, -errno.ESHUTDOWN, -errno.ENOENT)


class Transfer:
    """A transfer in flight, and what became of it."""

    def __init__(self, submit: Submit, buffer: memoryview) -> None:
        self.submit, self.buffer = submit, buffer
        self.n_bytes = 0
        self.status: int | None = None
        """None in flight; 0 or a negative Linux error number after it."""


def list_devices(host: str, port: int, *, timeout_s: float | None = None) -> list[DeviceRecord]:
    """Return the devices that a server shares, within ``timeout_s``, or `ANSWER_TIMEOUT_S`.

    Raises
    ------
    DeviceAbsentError
        If no server answers.
    DeviceFailedError
        If it does not speak USB/IP.
    """
    timeout_s = ANSWER_TIMEOUT_S if timeout_s is None else timeout_s
    end_s = time.monotonic() + timeout_s
    with _connected(host, port, min(timeout_s, CONNECT_TIMEOUT_S)) as connection:
        try:
            connection.sendall(pack_operation(Operation.ASK_LIST))
            refusal = f"{host}:{port} refused to list its devices"
            _require(connection, Operation.LIST, refusal, end_s)
            n_devices = int.from_bytes(receive(connection, 4, end_s), "big")
            if n_devices > MAX_DEVICES:
                raise DataDamagedError(f"a list of {n_devices} devices cannot be")
            records = []
            for _ in range(n_devices):
                record = DeviceRecord.unpack(receive(connection, DEVICE_BYTES, end_s))
                receive(connection, _INTERFACE_BYTES * record.n_interfaces, end_s)
                records.append(record)
        except DataDamagedError as error:
            raise DeviceFailedError(f"{host}:{port} does not speak USB/IP: {error}") from error
        except OSError as error:
            raise DeviceAbsentError(f"{host}:{port} stopped answering: {error}") from error
    return records


class UsbIpClient:
    """One attached device.

    Parameters
    ----------
    host, port : str and int
        Where the server listens.
    bus_id : str
        Of the device, such as ``1-1``.

    Raises
    ------
    DeviceAbsentError
        If no server answers, or it has no such device to give.
    """

    def __init__(self, host: str, port: int, bus_id: str) -> None:
        try:
            name = pack_bus_id(bus_id)
        except DataDamagedError as error:
            raise DeviceAbsentError(f"{bus_id!r} cannot be a device: {error}") from error
        end_s = time.monotonic() + ANSWER_TIMEOUT_S
        self._connection = _connected(host, port)
        try:
            self._connection.sendall(pack_operation(Operation.ASK_IMPORT) + name)
            _require(
                self._connection,
                Operation.IMPORT,
                f"{host}:{port} has no device {bus_id}, or another client has it: look with "
                "`usbip list`, or close the other one",
                end_s,
            )
            self.record = DeviceRecord.unpack(receive(self._connection, DEVICE_BYTES, end_s))
        except DataDamagedError as error:
            self._connection.close()
            raise DeviceFailedError(f"{host}:{port} does not speak USB/IP: {error}") from error
        except OSError as error:
            self._connection.close()
            raise DeviceAbsentError(f"{host}:{port} stopped answering: {error}") from error
        except BaseException:
            self._connection.close()
            raise
        self._connection.settimeout(None)
        limit_sending(self._connection, SEND_TIMEOUT_S)
        self._sending = threading.Lock()
        self._changed = threading.Condition()
        self._in_flight: dict[int, Transfer] = {}
        self._number = 0
        self._is_gone = False
        self._is_closed = False
        self._thread = threading.Thread(target=self._receive, name="usdk-usbip-host", daemon=True)
        self._thread.start()

    def submit(
        self,
        endpoint: int,
        *,
        is_incoming: bool,
        buffer: memoryview,
        setup: bytes = bytes(8),
    ) -> Transfer:
        """Begin a transfer; outgoing data are those of the buffer.

        One to a device that is gone has ended at once.
        """
        with self._changed:
            if self._is_closed:
                raise StateError("the front-end is closed: open it again")
            self._number += 1
            submit = Submit(
                number=self._number,
                device_id=self.record.device_id,
                endpoint=endpoint,
                is_incoming=is_incoming,
                n_bytes=len(buffer),
                setup=setup,
            )
            transfer = Transfer(submit, buffer)
            if self._is_gone:
                transfer.status = -errno.ENODEV
                return transfer
            self._in_flight[submit.number] = transfer
        self._send(submit.pack() if is_incoming else submit.pack() + bytes(buffer))
        return transfer

    def wait(self, transfer: Transfer, timeout_s: float) -> bool:
        """Return whether a transfer has ended, after ``timeout_s`` at the latest."""
        with self._changed:
            return self._changed.wait_for(lambda: transfer.status is not None, timeout_s)

    def complete(self, transfer: Transfer, timeout_s: float, doing: str) -> int:
        """Wait for a transfer and return the bytes moved; one that takes too long is taken back.

        Raises
        ------
        EndpointStalledError, DeviceAbsentError, DeviceFailedError, DeviceTimeoutError
            As it ended.
        """
        if not self.wait(transfer, timeout_s):
            self.take_back(transfer)
            if transfer.status is None or transfer.status < 0:
                raise DeviceTimeoutError(f"the device took too long {doing}")
        return self.n_moved(transfer, doing)

    def n_moved(self, transfer: Transfer, doing: str) -> int:
        """Return the bytes that a transfer that has ended moved, or raise what it met."""
        status = transfer.status
        if status == -errno.EPIPE:
            raise EndpointStalledError(f"the device refused while {doing}")
        if status in _GONE:
            raise DeviceAbsentError(
                f"the device went away while {doing}: plug it in again, or start its server"
            )
        if status:
            name = errno.errorcode.get(-status, str(status))
            raise DeviceFailedError(f"the device failed while {doing}: {name}")
        return transfer.n_bytes

    def take_back(self, transfer: Transfer) -> None:
        """Ask the server to forget a transfer, and wait until it has answered.

        One that does not answer is given up with all its transfers: their buffers could be written
        to at any time.
        """
        number = transfer.submit.number
        with self._changed:
            if transfer.status is not None:
                return
            self._number += 1
            message = pack_unlink(self._number, self.record.device_id, number)
            unlink = Transfer(transfer.submit, memoryview(b""))
            self._in_flight[self._number] = unlink
        self._send(message)
        if not self.wait(unlink, UNLINK_TIMEOUT_S):
            self._lose()
            self._thread.join()
        with self._changed:
            self._in_flight.pop(number, None)
            if transfer.status is None:
                transfer.status = -errno.ECONNRESET

    def close(self) -> None:
        """Let the device go; a second call has no effect."""
        with self._changed:
            self._is_closed = True
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._connection.close()

    def _send(self, message: bytes) -> None:
        try:
            with self._sending:
                self._connection.sendall(message)
        except OSError:
            self._lose()

    def _receive(self) -> None:
        transfer: Transfer | None = None
        try:
            while True:
                transfer = None
                reply = unpack_reply(receive(self._connection, URB_BYTES))
                with self._changed:
                    transfer = self._in_flight.pop(reply.number, None)
                n_bytes = reply.n_bytes
                if not reply.is_unlink and transfer is not None and transfer.submit.is_incoming:
                    if n_bytes > len(transfer.buffer):
                        raise DataDamagedError("more bytes came than were asked for")
                    receive_into(self._connection, transfer.buffer[:n_bytes])
                elif transfer is None and n_bytes:
                    raise DataDamagedError("data came that nobody asked for")
                if transfer is not None:
                    with self._changed:
                        transfer.n_bytes, transfer.status = n_bytes, reply.status
                        self._changed.notify_all()
        except (OSError, DataDamagedError):
            if transfer is not None:
                transfer.status = -errno.ENODEV
            self._lose()

    def _lose(self) -> None:
        """End every transfer: there is no device any more."""
        with self._changed:
            self._is_gone = True
            for transfer in self._in_flight.values():
                transfer.status = -errno.ENODEV
            self._in_flight.clear()
            self._changed.notify_all()
        # The server waits for this before it gives the device to another.
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)


def _connected(host: str, port: int, timeout_s: float = CONNECT_TIMEOUT_S) -> socket.socket:
    try:
        connection = socket.create_connection((host, port), timeout_s)
    except (OSError, OverflowError, UnicodeError) as error:
        raise DeviceAbsentError(
            f"no USB/IP server answers at {host}:{port} ({error}): start it, or check the address"
        ) from error
    set_up(connection)
    return connection


def _require(connection: socket.socket, operation: Operation, refusal: str, end_s: float) -> None:
    code, status = unpack_operation(receive(connection, OPERATION_BYTES, end_s))
    if code != operation:
        raise DataDamagedError(f"{code:#06x} is not the answer to what was asked")
    if status:
        raise DeviceAbsentError(refusal)
