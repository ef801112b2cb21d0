"""OpenFile: what the kernel keeps for one program that has a USB device node open."""

from __future__ import annotations

import errno
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from usdk_drivers.simulator.device_model import UsbDevice
from usdk_drivers.simulator.endpoint_worker import EndpointWorker, TransferRequest
from usdk_drivers.umockdev.usbfs import Urb, UrbType

__all__ = ["Ended", "OpenFile"]

_SETUP_BYTES = 8
_IN = 0x80
_INTERRUPT_INTERVAL = 1


@dataclass(frozen=True)
class Ended:
    """A transfer that has ended.

    ``reference`` is what was handed in with it, ``status`` 0 or a negative Linux error number,
    ``data`` what came in, to be put ``place`` bytes into the buffer; ``n_bytes`` were moved.
    """

    reference: Any
    status: int
    n_bytes: int
    data: bytes = b""
    place: int = 0


class OpenFile:
    """Transfers of one open device node; every endpoint has a thread.

    Parameters
    ----------
    device : UsbDevice
        Behind the node. Once it was away, the file is of no use any more.
    tell : callable
        Called whenever a transfer has ended, from any thread.
    """

    def __init__(self, device: UsbDevice, tell: Callable[[], None]) -> None:
        self._device, self._tell = device, tell
        self._n_unplugs = device.n_unplugs
        self._workers: dict[tuple[int, bool], EndpointWorker] = {}
        self._lock = threading.Lock()
        self._in_flight: dict[int, tuple[int, Any, EndpointWorker]] = {}
        self._ended: deque[Ended] = deque()
        self._number = 0

    @property
    def is_gone(self) -> bool:
        """Whether the device has left since it was opened."""
        return not self._device.is_attached or self._device.n_unplugs != self._n_unplugs

    @property
    def has_ended(self) -> bool:
        """Whether a transfer has ended that was not fetched yet."""
        return bool(self._ended)

    def submit(self, address: int, reference: Any, urb: Urb, data: bytes) -> int:
        """Begin a transfer and return 0 or a Linux error number.

        ``address`` names it to `discard`; ``data`` are those of the buffer if they go out, of
        control transfers always.
        """
        if self.is_gone:
            return errno.ENODEV
        endpoint, is_incoming = urb.endpoint & 0xF, bool(urb.endpoint & _IN)
        setup, n_bytes = bytes(_SETUP_BYTES), urb.n_bytes
        if urb.kind == UrbType.CONTROL:
            setup, data = data[:_SETUP_BYTES], data[_SETUP_BYTES:]
            if len(setup) < _SETUP_BYTES:
                return errno.EINVAL
            is_incoming, n_bytes = bool(setup[0] & _IN), n_bytes - _SETUP_BYTES
        elif urb.kind not in (UrbType.BULK, UrbType.INTERRUPT):
            return errno.EINVAL
        # Endpoint 0 has one line for both directions.
        key = (endpoint, is_incoming and endpoint != 0)
        if key not in self._workers:
            name = f"usdk-usbfs-endpoint-{endpoint}"
            self._workers[key] = EndpointWorker(self._device, self._n_unplugs, self._answer, name)
        worker = self._workers[key]
        with self._lock:
            self._number += 1
            submit = TransferRequest(
                number=self._number,
                endpoint=endpoint,
                is_incoming=is_incoming,
                n_bytes=n_bytes,
                setup=setup,
                interval=_INTERRUPT_INTERVAL if urb.kind == UrbType.INTERRUPT else 0,
            )
            self._in_flight[submit.number] = (address, reference, worker)
        if not worker.submit(submit, data):
            with self._lock:
                del self._in_flight[submit.number]
            # As the kernel, beyond its limit for all transfers.
            return errno.ENOMEM
        return 0

    def discard(self, address: int) -> int:
        """Take a transfer back and return 0; EINVAL if it has ended already."""
        with self._lock:
            found = [n for n, (at, _, _) in self._in_flight.items() if at == address]
            if not found:
                return errno.EINVAL
            number = found[0]
            _, reference, worker = self._in_flight[number]
        if not worker.take_back(number):
            return errno.EINVAL
        with self._lock:
            del self._in_flight[number]
            self._ended.append(Ended(reference, -errno.ENOENT, 0))
        self._tell()
        return 0

    def reap(self) -> Ended | int:
        """Return a transfer that has ended, or the Linux error number that says there is none."""
        with self._lock:
            if self._ended:
                return self._ended.popleft()
            return errno.ENODEV if self.is_gone and not self._in_flight else errno.EAGAIN

    def close(self) -> None:
        """Forget every transfer and end the threads."""
        for worker in self._workers.values():
            worker.close()
        self._workers.clear()

    def _answer(self, submit: TransferRequest, status: int, data: memoryview | bytes) -> None:
        # The worker's buffer is its own again when this returns.
        came = bytes(data) if submit.is_incoming else b""
        n_bytes = 0 if status else len(came) if submit.is_incoming else submit.n_bytes
        place = 0 if submit.endpoint else _SETUP_BYTES
        with self._lock:
            _, reference, _ = self._in_flight.pop(submit.number)
            self._ended.append(Ended(reference, status, n_bytes, came, place))
        self._tell()
