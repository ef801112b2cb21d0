from __future__ import annotations

import pytest

from usdk.errors import ArgumentError
from usdk_drivers.usb_address import UsbAddress


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("", UsbAddress()),
        ("serial=A=1:2", UsbAddress(serial_number="A=1:2")),
        ("1d6B:00ff", UsbAddress(0x1D6B, 0xFF)),
    ],
)
def test_an_address_is_parsed(text: str, address: UsbAddress) -> None:
    assert UsbAddress.parse(text) == address
    assert UsbAddress.parse(str(address).removeprefix("usb:")) == address


@pytest.mark.parametrize("text", ["serial=", "x", "12:34", "1209:0001:2", "1209:000g"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ArgumentError, match="usb:serial"):
        UsbAddress.parse(text)
