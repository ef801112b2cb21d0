"""Which serial port an address means, and how fast its line is."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl

from usdk.errors import ArgumentError

__all__ = ["DEFAULT_BAUD", "SerialAddress"]

DEFAULT_BAUD = 921_600
"""As fast as most converters to USB go; a device on USB itself has no line and ignores it."""

MAX_BAUD = 20_000_000
_HELP = (
    "write serial:/dev/ttyACM0, serial:COM3 or serial:/dev/ttyUSB0?baud=3000000&rtscts=1 "
    "(baud in bit/s, rtscts 0 or 1)"
)


@dataclass(frozen=True)
class SerialAddress:
    """A port, the rate of its line in bit/s, and whether the line RTS and CTS hold back data."""

    port: str
    baud: int = DEFAULT_BAUD
    rtscts: bool = False

    @classmethod
    def parse(cls, address: str) -> SerialAddress:
        """Parse what follows ``serial:``: a port, then ``?baud=…&rtscts=…``.

        Raises
        ------
        ArgumentError
            If there is no port, or an option cannot be used.
        """
        port, _, query = address.partition("?")
        options = dict(parse_qsl(query, keep_blank_values=True))
        baud, rtscts = options.pop("baud", str(DEFAULT_BAUD)), options.pop("rtscts", "0")
        is_rate = baud.isascii() and baud.isdecimal() and len(baud) <= len(str(MAX_BAUD))
        # pyserial takes "scheme://" for drivers of its own, which reach beyond this machine.
        if not port or "://" in port or "\0" in port or options or rtscts not in ("0", "1"):
            raise ArgumentError(f"serial:{address} is no address: {_HELP}")
        if not is_rate or not 0 < int(baud) <= MAX_BAUD:
            raise ArgumentError(f"serial:{address}: baud is 1 to {MAX_BAUD} bit/s; {_HELP}")
        return cls(port, int(baud), rtscts == "1")

    def __str__(self) -> str:
        options = [f"baud={self.baud}"] if self.baud != DEFAULT_BAUD else []
        options += ["rtscts=1"] if self.rtscts else []
        return f"serial:{self.port}" + ("?" + "&".join(options) if options else "")
