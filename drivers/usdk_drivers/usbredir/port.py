"""RedirectedPort: a port of a virtual machine into which one device at a time is plugged."""

from __future__ import annotations

import errno
import logging
import threading
from contextlib import suppress
from types import TracebackType
from typing import BinaryIO, Self

from usdk.errors import DataDamagedError
from usdk_drivers.simulator.device_model import UsbDevice
from usdk_drivers.simulator.endpoint_worker import EndpointWorker, TransferRequest
from usdk_drivers.usbredir.messages import (
    FIRST_HEADER_BYTES,
    HEADER_BYTES,
    OURS,
    BulkHeader,
    ControlHeader,
    Message,
    Status,
    device_connect,
    endpoint_info,
    hello,
    interface_info,
    pack_header,
    unpack_capabilities,
    unpack_header,
    unpack_numbers,
)

__all__ = ["RedirectedPort"]

LOOK_S = 0.01
"""So often the port looks whether its device has come or gone, s."""

_log = logging.getLogger(__name__)

_VERSION = "usdk simulated device"
_SET_CONFIGURATION, _SET_INTERFACE = 9, 11
# Bytes that are looked at.
_LEAST_BYTES = {
    Message.SET_CONFIGURATION: 1,
    Message.SET_ALT_SETTING: 2,
    Message.GET_ALT_SETTING: 1,
    Message.START_INTERRUPT_RECEIVING: 1,
    Message.STOP_INTERRUPT_RECEIVING: 1,
}
_STATUS = {0: Status.SUCCESS, -errno.EPIPE: Status.STALL}


class RedirectedPort:
    """Speaks usb-redir with a virtual machine; a context manager.

    Parameters
    ----------
    stream : binary file
        Connected to QEMU's ``usb-redir`` device, unbuffered, both ways: a socket's
        ``makefile("rwb", buffering=0)``, or a virtio port that the machine itself opened.

    Notes
    -----
    It greets once; the connection must be new.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._device: UsbDevice | None = None
        self._n_unplugs = 0
        self._is_shown = False
        self._is_greeted = threading.Event()
        self._is_closed = threading.Event()
        self._is_over = threading.Event()
        self._sending = threading.Lock()
        self._plugging = threading.Lock()
        self._workers: dict[tuple[int, bool], EndpointWorker] = {}
        self._owners: dict[int, tuple[EndpointWorker, TransferRequest]] = {}
        self._controls: dict[int, ControlHeader] = {}
        self._owning = threading.Lock()
        with self._sending:
            self._write(hello(_VERSION))
        self._reading = threading.Thread(target=self._read, name="usdk-usbredir", daemon=True)
        self._watching = threading.Thread(target=self._watch, name="usdk-usbredir", daemon=True)
        self._reading.start()
        self._watching.start()

    @property
    def devices(self) -> tuple[UsbDevice, ...]:
        """The device that is plugged in, or was and may come back."""
        return () if self._device is None else (self._device,)

    def add(self, device: UsbDevice) -> None:
        """Plug a device in; the one before is taken out."""
        with self._plugging:
            self._hide()
            self._device = device
            self._show_if_there()

    def remove(self, device: UsbDevice) -> None:
        """Take a device out for good."""
        with self._plugging:
            if device is self._device:
                self._hide()
                self._device = None

    def look(self) -> None:
        """Tell the machine now whether the device has come or gone; it is looked for anyway."""
        self._look()

    def _look(self) -> None:
        with self._plugging:
            device = self._device
            is_there = device is not None and device.is_attached
            if device is None or not is_there or device.n_unplugs != self._n_unplugs:
                self._hide()
            self._show_if_there()

    def wait(self, timeout_s: float) -> bool:
        """Wait until the machine has gone, or says what nobody understands; False if it has not."""
        return self._is_over.wait(timeout_s)

    def close(self) -> None:
        """Take the device out and stop; the connection stays the caller's. Twice is no error."""
        if self._is_closed.is_set():
            return
        self._is_closed.set()
        self._watching.join()
        with self._plugging:
            self._hide()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # What comes and goes.

    def _watch(self) -> None:
        while not self._is_closed.wait(LOOK_S):
            self._look()

    def _show_if_there(self) -> None:
        device = self._device
        if self._is_shown or device is None or not self._is_greeted.is_set():
            return
        if device.is_attached:
            self._n_unplugs, self._is_shown = device.n_unplugs, True
            self._send_descriptions(device)
            self._send(Message.DEVICE_CONNECT, 0, device_connect(device))

    def _hide(self) -> None:
        if not self._is_shown:
            return
        self._is_shown = False
        self._send(Message.DEVICE_DISCONNECT, 0)
        self._forget_transfers()

    def _forget_transfers(self) -> None:
        with self._owning:
            workers, self._workers = list(self._workers.values()), {}
            self._owners.clear()
            self._controls.clear()
        for worker in workers:
            worker.close()

    def _send_descriptions(self, device: UsbDevice) -> None:
        self._send(Message.INTERFACE_INFO, 0, interface_info(device))
        self._send(Message.EP_INFO, 0, endpoint_info(device))

    # What the machine asks for.

    def _read(self) -> None:
        try:
            self._serve()
        except DataDamagedError as error:
            _log.warning("a port of a virtual machine stopped listening: %s", error)
        except (OSError, ValueError, EOFError):
            return
        finally:
            self._is_over.set()

    def _serve(self) -> None:
        """Answer until the connection ends, by an exception; `ValueError` when it is closed."""
        kind, n_bytes, _ = unpack_header(self._take(FIRST_HEADER_BYTES))
        theirs = unpack_capabilities(self._take(n_bytes))
        if kind != Message.HELLO or theirs & OURS != OURS:
            raise DataDamagedError("the other side speaks no usb-redir of 2013 or later")
        self._is_greeted.set()
        while True:
            kind, n_bytes, number = unpack_header(self._take(HEADER_BYTES))
            self._answer(kind, number, self._take(n_bytes))

    def _answer(self, kind: int, number: int, body: bytes) -> None:
        device = self._device
        if len(body) < _LEAST_BYTES.get(kind, 0):  # type: ignore[call-overload]  # or any number
            raise DataDamagedError(f"a usb-redir message of type {kind} is cut off")
        if kind == Message.CANCEL_DATA_PACKET:
            self._cancel(number)
        elif device is None or not self._is_shown:
            # Sent before the machine heard that the device has gone.
            return
        elif kind == Message.RESET:
            self._forget_transfers()
            self._standard(device, _SET_CONFIGURATION, 1)
        elif kind in (Message.SET_CONFIGURATION, Message.GET_CONFIGURATION):
            status = Status.SUCCESS
            if kind == Message.SET_CONFIGURATION:
                (value,) = unpack_numbers(body, 1)
                status = self._standard(device, _SET_CONFIGURATION, value)
            self._send_descriptions(device)
            self._send(
                Message.CONFIGURATION_STATUS, number, bytes([status, device.configuration_value])
            )
        elif kind in (Message.SET_ALT_SETTING, Message.GET_ALT_SETTING):
            status = Status.SUCCESS
            (interface,) = unpack_numbers(body, 1)
            if kind == Message.SET_ALT_SETTING:
                _, setting = unpack_numbers(body, 2)
                status = self._standard(device, _SET_INTERFACE, setting, interface)
            self._send(Message.ALT_SETTING_STATUS, number, bytes([status, interface, 0]))
        elif kind in (Message.START_INTERRUPT_RECEIVING, Message.STOP_INTERRUPT_RECEIVING):
            # Interrupt endpoints have nothing to say; what they had would be pushed.
            (endpoint,) = unpack_numbers(body, 1)
            self._send(
                Message.INTERRUPT_RECEIVING_STATUS, number, bytes([Status.SUCCESS, endpoint])
            )
        elif kind == Message.CONTROL_PACKET:
            header = ControlHeader.unpack(body)
            incoming = bool(header.endpoint & 0x80)
            with self._owning:
                self._controls[number] = header
            self._submit(device, number, 0, incoming, header.length, b"", header.setup)
        elif kind == Message.BULK_PACKET:
            bulk = BulkHeader.unpack(body)
            incoming = bool(bulk.endpoint & 0x80)
            data = b"" if incoming else body[BulkHeader.N_BYTES :]
            self._submit(device, number, bulk.endpoint & 0x0F, incoming, bulk.length, data)

    @staticmethod
    def _standard(device: UsbDevice, request: int, value: int, index: int = 0) -> Status:
        try:
            device.control(int(request == _SET_INTERFACE), request, value, index, 0)
        except Exception:  # whatever the device thinks of it
            return Status.STALL
        return Status.SUCCESS

    def _submit(
        self,
        device: UsbDevice,
        number: int,
        endpoint: int,
        incoming: bool,
        n_bytes: int,
        data: bytes,
        setup: bytes = bytes(8),
    ) -> None:
        submit = TransferRequest(
            number=number,
            endpoint=endpoint,
            is_incoming=incoming,
            n_bytes=n_bytes,
            setup=setup,
        )
        key = (endpoint, incoming and endpoint != 0)
        with self._owning:
            if key not in self._workers:
                name = f"usdk-usbredir-endpoint-{endpoint}"
                self._workers[key] = EndpointWorker(device, self._n_unplugs, self._done, name)
            worker = self._workers[key]
            self._owners[number] = (worker, submit)
        if not worker.submit(submit, data):
            raise DataDamagedError("a machine that asks for more and more, and waits for nothing")

    def _cancel(self, number: int) -> None:
        with self._owning:
            worker, submit = self._owners.get(number, (None, None))
        if worker is not None and submit is not None and worker.take_back(number):
            self._done(submit, -errno.ECONNRESET, b"")

    def _done(self, submit: TransferRequest, status: int, data: memoryview | bytes) -> None:
        with self._owning:
            owned = self._owners.pop(submit.number, None)
            control = self._controls.pop(submit.number, None)
        if owned is None:
            return
        ended = Status.CANCELLED if status == -errno.ECONNRESET else None
        ended = ended or _STATUS.get(status, Status.IO_ERROR)
        incoming = submit.is_incoming and ended is Status.SUCCESS
        payload = memoryview(data) if incoming else memoryview(b"")
        n_bytes = len(payload) if submit.is_incoming else submit.n_bytes
        if control is not None:
            head = ControlHeader(
                control.endpoint,
                control.request,
                control.request_type,
                ended,
                control.value,
                control.index,
                n_bytes,
            ).pack()
            self._send(Message.CONTROL_PACKET, submit.number, head, payload)
        else:
            address = submit.endpoint | (0x80 if submit.is_incoming else 0)
            head = BulkHeader(address, ended, n_bytes).pack()
            self._send(Message.BULK_PACKET, submit.number, head, payload)

    # Bytes.

    def _send(
        self, kind: Message, number: int, body: bytes = b"", data: memoryview | bytes = b""
    ) -> None:
        header = pack_header(kind, len(body) + len(data), number)
        with suppress(OSError, ValueError), self._sending:
            self._write(header + body)
            self._write(data)

    def _write(self, data: memoryview | bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._stream.write(view) or 0 :]

    def _take(self, n_bytes: int) -> bytes:
        parts = bytearray()
        while len(parts) < n_bytes:
            part = self._stream.read(n_bytes - len(parts))
            if not part:
                raise EOFError
            parts += part
        return bytes(parts)
