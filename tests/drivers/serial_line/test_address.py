from __future__ import annotations

import pytest

from usdk.errors import ArgumentError
from usdk_drivers.serial_line.address import DEFAULT_BAUD, SerialAddress


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("/dev/ttyACM0", SerialAddress("/dev/ttyACM0")),
        ("COM3", SerialAddress("COM3", DEFAULT_BAUD, False)),
        ("/dev/ttyUSB1?baud=3000000", SerialAddress("/dev/ttyUSB1", 3_000_000)),
        ("/dev/ttyUSB1?baud=115200&rtscts=1", SerialAddress("/dev/ttyUSB1", 115_200, True)),
        ("/dev/ttyUSB1?rtscts=1", SerialAddress("/dev/ttyUSB1", rtscts=True)),
    ],
)
def test_addresses_are_read_and_written(text: str, address: SerialAddress) -> None:
    assert SerialAddress.parse(text) == address
    assert str(address) == f"serial:{text}"


@pytest.mark.parametrize(
    "text",
    [
        *("", "?baud=9600", "COM1?baud=", "COM1?baud=fast", "COM1?baud=0", "COM1?baud=-1"),
        *("COM1?baud=" + "9" * 5000, "COM1?baud=²", "COM1?rtscts=yes", "COM1?parity=even"),
        *("socket://example.org:7000", "loop://", "a\0b"),
    ],
)
def test_what_cannot_be_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ArgumentError, match="/dev/ttyACM0"):
        SerialAddress.parse(text)
