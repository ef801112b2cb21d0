"""Addresses of shared devices."""

from __future__ import annotations

import pytest

from usdk.errors import ArgumentError
from usdk_drivers.usbip.address import UsbIpAddress


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("//host/1-1", UsbIpAddress("host", 3240, "1-1")),
        ("//10.0.0.5:99/1-2.4", UsbIpAddress("10.0.0.5", 99, "1-2.4")),
        ("//host", UsbIpAddress("host")),
        ("//[::1]:7/", UsbIpAddress("::1", 7)),
    ],
)
def test_an_address_names_host_port_and_device(text: str, expected: UsbIpAddress) -> None:
    assert UsbIpAddress.parse(text) == expected
    assert UsbIpAddress.parse(str(expected).removeprefix("usbip:")) == expected


@pytest.mark.parametrize(
    "text", ["", "host/1-1", "//", "///1-1", "//host:x/1-1", "//host:99999/1", "//h/1/2", "//h?a=1"]
)
def test_what_is_no_address_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ArgumentError, match="usbip://HOST"):
        UsbIpAddress.parse(text)
