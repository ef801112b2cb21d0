from __future__ import annotations

import builtins
import errno
from collections.abc import Callable
from typing import Any

import pytest
import usb.backend.libusb0
import usb.backend.libusb1
import usb.backend.openusb
import usb.core

from usdk.errors import (
    DeviceAbsentError,
    DeviceFailedError,
    DeviceTimeoutError,
    MissingExtraError,
)
from usdk_drivers.usb_errors import EndpointStalledError, translated
from usdk_drivers.usb_front_end import UsbFrontEnd


@pytest.mark.parametrize(
    ("error", "becomes", "hint"),
    [
        (usb.core.USBError("No such device", -4, errno.ENODEV), DeviceAbsentError, "plug it in"),
        (usb.core.USBError("No such device", -4, None), DeviceAbsentError, "plug it in"),
        (usb.core.USBTimeoutError("t", -7, errno.ETIMEDOUT), DeviceTimeoutError, "in time"),
        (usb.core.USBTimeoutError("t", -7, 10060), DeviceTimeoutError, "in time"),
        (usb.core.USBError("Pipe error", -9, errno.EPIPE), EndpointStalledError, "stalled"),
        (usb.core.USBError("Access denied", -3, errno.EACCES), DeviceFailedError, "udev rule"),
        (usb.core.USBError("Resource busy", -6, errno.EBUSY), DeviceFailedError, "another program"),
        (usb.core.USBError("Overflow", -8, errno.EOVERFLOW), DeviceFailedError, "firmware"),
        (usb.core.USBError("I/O error", -1, errno.EIO), DeviceFailedError, "cable"),
        (usb.core.USBError("Other", -99, None), DeviceFailedError, "Other"),
        (usb.core.NoBackendError("none"), MissingExtraError, "libusb-1.0-0"),
        (ValueError("Invalid endpoint address"), DeviceFailedError, "endpoint"),
    ],
)
def test_every_error_of_pyusb_has_a_meaning(
    error: Exception, becomes: type[Exception], hint: str
) -> None:
    with pytest.raises(becomes, match=hint), translated("testing"):
        raise error


def test_the_udev_hint_is_a_command_that_can_be_copied() -> None:
    with pytest.raises(DeviceFailedError) as caught, translated("testing"):
        raise usb.core.USBError("Access denied", -3, errno.EACCES)
    assert "usdk doctor --udev-rule | sudo tee /etc/udev/rules.d/60-usdk.rules" in str(caught.value)


@pytest.fixture
def no_libusb(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (usb.backend.libusb1, usb.backend.libusb0, usb.backend.openusb):
        monkeypatch.setattr(module, "get_backend", lambda *args: None)


@pytest.mark.usefixtures("no_libusb")
def test_without_libusb_nothing_is_discovered_and_open_names_the_package() -> None:
    assert UsbFrontEnd.discover() == []
    with pytest.raises(MissingExtraError, match=r"apt install libusb-1.0-0"):
        UsbFrontEnd.open("")


@pytest.fixture
def no_pyusb(monkeypatch: pytest.MonkeyPatch) -> None:
    real: Callable[..., Any] = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "usb" or name.startswith("usb."):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)


@pytest.mark.usefixtures("no_pyusb")
def test_without_pyusb_the_extra_is_named() -> None:
    assert UsbFrontEnd.discover() == []
    with pytest.raises(MissingExtraError, match=r"ultrasound-sdk\[usb\]"):
        UsbFrontEnd.open("")
