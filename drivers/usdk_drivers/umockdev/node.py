"""What a mocked USB device node answers to the requests of the programs that opened it."""

from __future__ import annotations

import errno
import logging
import struct
import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from usdk_drivers.simulator.device_model import Gone, Stall, UsbDevice
from usdk_drivers.umockdev.introspection import import_umockdev
from usdk_drivers.umockdev.open_file import Ended, OpenFile
from usdk_drivers.umockdev.readiness import Readiness
from usdk_drivers.umockdev.usbfs import (
    CAPABILITIES,
    Urb,
    UrbType,
    UsbfsRequest,
    argument_bytes,
)

__all__ = ["DeviceNode", "device_node"]

_SUPER_SPEED = 5
_IN = 0x80
_TO_DEVICE, _TO_INTERFACE = 0x00, 0x01
_SET_CONFIGURATION, _SET_INTERFACE = 9, 11
_log = logging.getLogger(__name__)


class DeviceNode:
    """The state of one node; `device_node` hands it to umockdev.

    Requests are answered in umockdev's own thread, one at a time.

    Parameters
    ----------
    device : UsbDevice
        What the node stands for.
    readiness : Readiness
        Tells waiting programs that a transfer has ended.
    """

    def __init__(self, device: UsbDevice, readiness: Readiness) -> None:
        self._device, self._readiness = device, readiness
        self._files: dict[Any, OpenFile] = {}
        self._claims: dict[int, Any] = {}
        self._lock = threading.Lock()

    def answer(self, client: Any) -> tuple[int, int]:
        """Return result and Linux error number of a client's request."""
        request = client.get_request()
        n_bytes = argument_bytes(request)
        data = client.get_arg().resolve(0, n_bytes) if n_bytes else None
        with self._lock:
            if client not in self._files:
                self._files[client] = OpenFile(self._device, self._tell)
            file = self._files[client]
        number = self._error(client, file, request, data)
        return (-1, number) if number > 0 else (-number, 0)

    def forget_closed(self) -> bool:
        """Forget the programs that closed the node, and return whether any is left.

        umockdev does not tell when that happens.
        """
        with self._lock:
            closed = [client for client in self._files if not client.get_connected()]
            files = [self._files.pop(client) for client in closed]
        for file in files:
            file.close()
        return bool(self._files)

    def _error(self, client: Any, file: OpenFile, request: int, data: Any) -> int:
        """Return a Linux error number, 0, or a result as a negative number."""
        if request == UsbfsRequest.REAP_URB_NO_DELAY:
            return self._reap(file, data)
        if request == UsbfsRequest.DISCARD_URB:
            return file.discard(int.from_bytes(client.get_arg().retrieve(), "little"))
        if file.is_gone:
            return errno.ENODEV
        if request == UsbfsRequest.SUBMIT_URB:
            return self._submit(file, data)
        if request == UsbfsRequest.GET_CAPABILITIES:
            data.update(0, struct.pack("<I", CAPABILITIES))
            return 0
        if request == UsbfsRequest.GET_SPEED:
            return -_SUPER_SPEED
        if request == UsbfsRequest.GET_DRIVER:
            return errno.ENODATA
        if request == UsbfsRequest.RESET:
            return self._reset()
        value = int.from_bytes(data.retrieve()[:4], "little") if data is not None else 0
        if request == UsbfsRequest.CLAIM_INTERFACE:
            return self._claim(client, value)
        if request == UsbfsRequest.RELEASE_INTERFACE:
            return 0 if self._claims.pop(value, None) is client else errno.EINVAL
        if request == UsbfsRequest.CLEAR_HALT:
            return self._standard(lambda: self._device.clear_halt(value))
        if request == UsbfsRequest.SET_CONFIGURATION:
            return self._control(_TO_DEVICE, _SET_CONFIGURATION, value, 0)
        if request == UsbfsRequest.SET_INTERFACE:
            setting = int.from_bytes(data.retrieve()[4:8], "little")
            return self._control(_TO_INTERFACE, _SET_INTERFACE, setting, value)
        return errno.ENOTTY

    def _claim(self, client: Any, interface: int) -> int:
        owner = self._claims.get(interface)
        with self._lock:
            file = self._files.get(owner)
        is_other = owner is not None and owner is not client and owner.get_connected()
        if is_other and file is not None and not file.is_gone:
            return errno.EBUSY
        self._claims[interface] = client
        return 0

    def _submit(self, file: OpenFile, data: Any) -> int:
        urb = Urb.unpack(bytes(data.retrieve()))
        is_outgoing = urb.kind == UrbType.CONTROL or not urb.endpoint & _IN
        buffer = b""
        if is_outgoing and urb.n_bytes:
            buffer = bytes(data.resolve(Urb.BUFFER_PLACE, urb.n_bytes).retrieve())
        return file.submit(data.client_addr, data, urb, buffer)

    def _reap(self, file: OpenFile, data: Any) -> int:
        ended = file.reap()
        if not isinstance(ended, Ended):
            self._tell()
            return ended
        urb = ended.reference
        if ended.data:
            buffer = urb.resolve(Urb.BUFFER_PLACE, ended.place + len(ended.data))
            buffer.update(ended.place, ended.data)
        urb.update(Urb.STATUS_PLACE, struct.pack("<i", ended.status))
        urb.update(Urb.ACTUAL_LENGTH_PLACE, struct.pack("<i", ended.n_bytes))
        data.set_ptr(0, urb)
        return 0

    def _tell(self) -> None:
        """Make the node ready if somebody has something to fetch."""
        with self._lock:
            self._readiness.set(any(file.has_ended for file in self._files.values()))

    def _reset(self) -> int:
        def lift_halts() -> None:
            for endpoint in self._device.endpoints:
                self._device.clear_halt(endpoint.address)

        return self._standard(lift_halts)

    def _control(self, kind: int, request: int, value: int, index: int) -> int:
        return self._standard(lambda: self._device.control(kind, request, value, index, 0))

    @staticmethod
    def _standard(act: Callable[[], object]) -> int:
        try:
            act()
        except Stall:
            return errno.EPIPE
        except Gone:
            return errno.ENODEV
        return 0


def device_node(node: DeviceNode) -> Any:
    """Return a ``UMockdev.IoctlBase`` that answers as the node does."""
    handler = _handler_class()()
    handler.node = node
    return handler


@lru_cache(maxsize=1)
def _handler_class() -> Any:
    """Return the class of handlers; GObject never forgets one, so there is one for all nodes."""
    umockdev = import_umockdev()

    class Handler(umockdev.IoctlBase):  # type: ignore[misc, name-defined]  # found at run time
        """umockdev calls this in its own thread."""

        def do_handle_ioctl(self, client: Any) -> bool:
            result, number = -1, errno.EIO
            try:
                result, number = self.node.answer(client)
            except Exception:
                _log.exception("a mocked USB device failed to answer a request")
            client.complete(result, number)
            return True

    return Handler
