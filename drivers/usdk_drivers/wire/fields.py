"""Reading and writing the fields of a message, every read bounded by what is there."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.errors import ArgumentError, DataDamagedError
from usdk_drivers.wire.protocol import MAX_STRING_BYTES

__all__ = ["FieldReader", "pack_array", "pack_string", "printable"]


class FieldReader:
    """Takes fields off the front of a message's body.

    Every method raises `DataDamagedError` instead of reading past the end.
    """

    def __init__(self, body: bytes | memoryview) -> None:
        self._body = memoryview(body)
        self._offset = 0

    def unpack(self, layout: str) -> tuple[Any, ...]:
        """Return the fields of a `struct` layout, little-endian and unpadded."""
        form = struct.Struct("<" + layout)
        return form.unpack(self._take(form.size))

    def string(self) -> str:
        """Return a string: its length in bytes (u16), then UTF-8; see `printable`."""
        (n_bytes,) = self.unpack("H")
        if n_bytes > MAX_STRING_BYTES:
            raise DataDamagedError(f"a string of {n_bytes} bytes exceeds {MAX_STRING_BYTES}")
        try:
            return printable(bytes(self._take(n_bytes)).decode("utf-8"))
        except UnicodeDecodeError as error:
            raise DataDamagedError(f"a string is not UTF-8: {error.reason}") from error

    def array(self, *shape: int) -> NDArray[np.float64]:
        """Return an array of float64; nothing is allocated before its bytes are there."""
        n_values = int(np.prod(shape, dtype=object))
        values = np.frombuffer(self._take(n_values * 8), dtype="<f8").reshape(shape)
        return values.astype(np.float64)

    def finish(self) -> None:
        """Refuse bytes that are left over."""
        if self._offset != len(self._body):
            raise DataDamagedError(f"{len(self._body) - self._offset} bytes too many in a message")

    def _take(self, n_bytes: int) -> memoryview:
        end = self._offset + n_bytes
        if end > len(self._body):
            raise DataDamagedError(f"a message ends {end - len(self._body)} bytes too early")
        field = self._body[self._offset : end]
        self._offset = end
        return field


def printable(text: str) -> str:
    """Return a device's text with U+FFFD for controls, which are commands to a terminal."""
    return "".join(one if one.isprintable() else "\ufffd" for one in text)


def pack_string(text: str) -> bytes:
    """Return the length in bytes (u16) and UTF-8."""
    encoded = text.encode("utf-8")
    if len(encoded) > MAX_STRING_BYTES:
        raise ArgumentError(f"{text[:20]!r}… exceeds {MAX_STRING_BYTES} bytes of UTF-8")
    return struct.pack("<H", len(encoded)) + encoded


def pack_array(values: NDArray[np.float64]) -> bytes:
    """Return the values as little-endian float64 in C order."""
    return np.ascontiguousarray(values, dtype="<f8").tobytes()
