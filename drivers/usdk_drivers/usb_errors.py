"""pyusb and libusb at the border: how they are imported, and what their errors become."""

from __future__ import annotations

import errno
from typing import Any

from usdk.errors import DeviceAbsentError, DeviceFailedError, DeviceTimeoutError, MissingExtraError
from usdk_drivers.udev_rule import UDEV_RULE_ADVICE

__all__ = ["EndpointStalledError", "import_usb", "no_libusb_error", "translated"]

_LIBUSB_NO_DEVICE = -4
_LIBUSB_TIMEOUT = -7
_LIBUSB_PIPE = -9
_ABSENT = (
    "the device went away (or lost power) while {doing}: plug it in again, "
    "close the front-end and open it anew"
)
_HINTS = {
    errno.EACCES: (
        f"permission denied: give users access with a udev rule ({UDEV_RULE_ADVICE}), "
        "then plug the device in again"
    ),
    errno.EBUSY: "another program or driver uses the device: close that one first",
    errno.EOVERFLOW: "it sent more than was asked for: its firmware breaks the protocol",
    errno.EIO: "input/output error: check the cable and try another port",
}


class EndpointStalledError(DeviceFailedError):
    """The device halted an endpoint or refused a control request."""


def import_usb() -> Any:
    """Return the package ``usb`` with its parts imported; `MissingExtraError` without pyusb."""
    try:
        import usb
        import usb.core
        import usb.util
    except ImportError as error:
        raise MissingExtraError.for_extra("usb", "USB") from error
    return usb


def no_libusb_error() -> MissingExtraError:
    """Return the error that tells how to install libusb."""
    return MissingExtraError(
        "USB needs the library libusb 1.0, which was not found: on Debian and Ubuntu "
        "`apt install libusb-1.0-0`, on macOS `brew install libusb`"
    )


class translated:  # noqa: N801  # read as a verb where it is used
    """Turn pyusb's exceptions into those of `usdk.errors`; ``doing`` completes the message.

    A stall becomes `EndpointStalledError`, which the caller may recover from.
    """

    # A class, and not a generator, since small transfers are many.
    __slots__ = ("_doing",)

    def __init__(self, doing: str) -> None:
        self._doing = doing

    def __enter__(self) -> None:
        import_usb()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        if error is None:
            return
        usb = import_usb()
        if isinstance(error, usb.core.USBError):
            raise _meaning(error, self._doing) from error
        if isinstance(error, usb.core.NoBackendError):
            raise no_libusb_error() from error
        if isinstance(error, ValueError | NotImplementedError):
            # pyusb's ways to say that a descriptor or endpoint is not there.
            raise DeviceFailedError(f"USB failed while {self._doing}: {error}") from error


def _meaning(error: Any, doing: str) -> Exception:
    # libusb's own code is there on every system; errno is not always.
    code, number = getattr(error, "backend_error_code", None), error.errno
    if code == _LIBUSB_NO_DEVICE or number in (errno.ENODEV, errno.ESHUTDOWN):
        return DeviceAbsentError(_ABSENT.format(doing=doing))
    if code == _LIBUSB_TIMEOUT or number == errno.ETIMEDOUT:
        return DeviceTimeoutError(f"the device did not answer in time while {doing}")
    if code == _LIBUSB_PIPE or number == errno.EPIPE:
        return EndpointStalledError(f"the device refused (stalled) while {doing}")
    return DeviceFailedError(f"USB failed while {doing}: {_HINTS.get(number, str(error))}")
