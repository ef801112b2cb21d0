"""libusb's asynchronous functions, on the library and handle that pyusb has open."""

from __future__ import annotations

import ctypes
import errno
from collections.abc import Callable
from enum import IntEnum
from typing import Any, Self

from usdk_drivers.usb_errors import import_usb

__all__ = ["LibusbCalls", "RingUnavailableError", "TransferStatus", "is_libusb", "libusb_error"]

# Numbers are libusb's ABI: enum libusb_error, enum libusb_transfer_type.
_NO_MEMORY = -11
_NOT_FOUND = -5
_BULK = 2
_ERRNO = {
    -1: errno.EIO,
    -3: errno.EACCES,
    -4: errno.ENODEV,
    -6: errno.EBUSY,
    -8: errno.EOVERFLOW,
    -9: errno.EPIPE,
    _NO_MEMORY: errno.ENOMEM,
}
# On Windows libusb's functions are of another kind than C's.
_FUNCTION: Any = getattr(ctypes, "WINFUNCTYPE", ctypes.CFUNCTYPE)


class RingUnavailableError(Exception):
    """Transfers cannot be made in the background; the message says why."""


class TransferStatus(IntEnum):
    """How a transfer ended, ``enum libusb_transfer_status``."""

    COMPLETED = 0
    ERROR = 1
    TIMED_OUT = 2
    CANCELLED = 3
    STALL = 4
    NO_DEVICE = 5
    OVERFLOW = 6


class _Transfer(ctypes.Structure):
    """``struct libusb_transfer``, as far as bulk transfers use it."""


_Callback = _FUNCTION(None, ctypes.POINTER(_Transfer))
_Transfer._fields_ = [
    ("dev_handle", ctypes.c_void_p),
    ("flags", ctypes.c_uint8),
    ("endpoint", ctypes.c_uint8),
    ("type", ctypes.c_uint8),
    ("timeout", ctypes.c_uint),
    ("status", ctypes.c_int),
    ("length", ctypes.c_int),
    ("actual_length", ctypes.c_int),
    ("callback", _Callback),
    ("user_data", ctypes.c_void_p),
    ("buffer", ctypes.c_void_p),
]


class _Interval(ctypes.Structure):
    """``struct timeval``."""

    _fields_ = [("seconds", ctypes.c_long), ("microseconds", ctypes.c_long)]


_POINTER, _INT, _SIZE = ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t
# Name, result, arguments. Prototypes of our own leave those that pyusb set as they are.
_NEEDED: dict[str, tuple[Any, ...]] = {
    "libusb_alloc_transfer": (_POINTER, _INT),
    "libusb_free_transfer": (None, _POINTER),
    "libusb_submit_transfer": (_INT, _POINTER),
    "libusb_cancel_transfer": (_INT, _POINTER),
    "libusb_handle_events_timeout_completed": (_INT, _POINTER, _POINTER, _POINTER),
}
# Since libusb 1.0.21.
_OPTIONAL: dict[str, tuple[Any, ...]] = {
    "libusb_dev_mem_alloc": (_POINTER, _POINTER, _SIZE),
    "libusb_dev_mem_free": (_INT, _POINTER, _POINTER, _SIZE),
    "libusb_interrupt_event_handler": (None, _POINTER),
}


def is_libusb(device: Any) -> bool:
    """Tell whether pyusb reaches a device by libusb 1.0."""
    return type(getattr(device, "backend", None)).__module__ == "usb.backend.libusb1"


def libusb_error(code: int) -> Exception:
    """Return what pyusb raises for one of libusb's error codes."""
    usb = import_usb()
    error: Exception = usb.core.USBError(f"libusb error {code}", code, _ERRNO.get(code))
    return error


class LibusbCalls:
    """Bulk transfers that are begun and fetched, of one open device.

    Transfers are named by the address of their ``struct libusb_transfer``.

    Parameters
    ----------
    library : ctypes.CDLL
        libusb.
    context, handle : int
        Of the library, and of the open device in it.
    """

    def __init__(self, library: Any, context: int | None, handle: int) -> None:
        self._context, self._handle = context, handle
        self._is_open = True
        self._calls: dict[str, Any] = {}
        for name, (result, *arguments) in {**_NEEDED, **_OPTIONAL}.items():
            try:
                self._calls[name] = _FUNCTION(result, *arguments)((name, library))
            except (AttributeError, TypeError) as error:
                if name in _NEEDED:
                    raise RingUnavailableError(f"libusb has no {name}") from error

    @classmethod
    def of(cls, device: Any) -> Self:
        """Return the calls for a device that pyusb has open.

        Raises
        ------
        RingUnavailableError
            If its backend is not libusb 1.0, or this version of pyusb keeps its handle elsewhere.
        """
        if not is_libusb(device):
            raise RingUnavailableError("its bus has no transfers in the background")
        try:
            # What pyusb does not offer; it is pinned, and looked at here before it is used.
            backend = device._ctx.backend
            library, context = backend.lib, backend.ctx
            handle = device._ctx.handle.handle
            address = handle.value if isinstance(handle, ctypes.c_void_p) else None
            known = isinstance(context, ctypes.c_void_p) and isinstance(address, int)
        except AttributeError:
            known = False
        if not known:
            raise RingUnavailableError("this version of pyusb keeps libusb's handle elsewhere")
        return cls(library, context.value, address)  # type: ignore[arg-type]  # an int: known

    @staticmethod
    def callback(function: Callable[[int, int, int], None]) -> Any:
        """Return what libusb calls; ``function`` gets user data, status and bytes moved."""

        def call(transfer: Any) -> None:
            ended = transfer.contents
            function(ended.user_data or 0, ended.status, ended.actual_length)

        return _Callback(call)

    def transfer(
        self, endpoint: int, buffer: int, n_bytes: int, callback: Any, user_data: int
    ) -> int:
        """Return a new bulk transfer without a timeout."""
        address = self._calls["libusb_alloc_transfer"](0)
        if not address:
            raise RingUnavailableError("there is no memory for transfers")
        transfer = _Transfer.from_address(address)
        transfer.dev_handle = self._handle
        transfer.endpoint, transfer.type, transfer.timeout = endpoint, _BULK, 0
        transfer.buffer, transfer.length = buffer, n_bytes
        transfer.callback, transfer.user_data = callback, user_data
        return int(address)

    def free(self, transfer: int) -> None:
        """Free a transfer that is not in flight."""
        self._calls["libusb_free_transfer"](transfer)

    def submit(self, transfer: int) -> bool:
        """Begin a transfer; False if there is no memory for another one in flight."""
        code = self._calls["libusb_submit_transfer"](transfer)
        if code == _NO_MEMORY:
            return False
        if code < 0:
            raise libusb_error(code)
        return True

    def cancel(self, transfer: int) -> None:
        """Take a transfer back; its callback comes all the same."""
        self._calls["libusb_cancel_transfer"](transfer)

    def handle_events(self, timeout_s: float) -> None:
        """Wait for events and call back; returns when there were some, or after ``timeout_s``."""
        seconds, rest_s = divmod(timeout_s, 1.0)
        interval = _Interval(int(seconds), int(rest_s * 1e6))
        code = self._calls["libusb_handle_events_timeout_completed"](
            self._context, ctypes.addressof(interval), None
        )
        if code < 0:
            raise libusb_error(code)

    def interrupt(self) -> None:
        """Make `handle_events` return."""
        if "libusb_interrupt_event_handler" in self._calls:
            self._calls["libusb_interrupt_event_handler"](self._context)

    def device_memory(self, n_bytes: int) -> int | None:
        """Return the address of memory that the kernel shares, or None if there is none."""
        if "libusb_dev_mem_alloc" not in self._calls:
            return None
        address: int | None = self._calls["libusb_dev_mem_alloc"](self._handle, n_bytes)
        return address

    def free_device_memory(self, address: int, n_bytes: int) -> None:
        """Give memory of `device_memory` back, also after `close`."""
        if self._is_open:
            self._calls["libusb_dev_mem_free"](self._handle, address, n_bytes)
        else:
            # Without its handle libusb cannot be asked. Only Linux has such memory, and this is
            # what libusb does there.
            unmap = ctypes.CDLL(None).munmap
            unmap.argtypes = (_POINTER, _SIZE)
            unmap(address, n_bytes)

    def close(self) -> None:
        """Say that the handle is used no more."""
        self._is_open = False
