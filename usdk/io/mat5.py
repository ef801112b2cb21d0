"""Numbers and flat structs from MAT files of version 5 to 7.

SciPy reads these files, too, but a damaged one can make it read memory that is not its own and
end the process. Here every length is checked against the bytes that there are. Texts, cells and
nested structs are passed over.

"MAT-File Format", The MathWorks, R2023b, sections "Data Element Format" and "MATLAB Array".
"""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from usdk.errors import DataDamagedError
from usdk.io.foreign import MAX_SAMPLE_BYTES

__all__ = ["MatVariable", "list_variables", "read_variable"]

MAX_DIMENSIONS = 32
MAX_FIELDS = 4096
MAX_VARIABLES = 4096

_HEADER_BYTES = 128
_PEEK_BYTES = 16_384
_MATRIX, _COMPRESSED, _INT8, _INT32, _UINT32 = 14, 15, 1, 5, 6
_STORED = {
    1: "i1",
    2: "u1",
    3: "i2",
    4: "u2",
    5: "i4",
    6: "u4",
    7: "f4",
    9: "f8",
    12: "i8",
    13: "u8",
}
_NUMERIC = {
    6: "float64",
    7: "float32",
    8: "int8",
    9: "uint8",
    10: "int16",
    11: "uint16",
    12: "int32",
    13: "uint32",
    14: "int64",
    15: "uint64",
}
_OTHER = {1: "cell", 2: "struct", 3: "object", 4: "text", 5: "sparse"}
_COMPLEX = 0x800


@dataclass(frozen=True, eq=False, kw_only=True)
class MatVariable:
    """A variable: its name, class and shape, and its value once read.

    ``kind`` is a NumPy type, "complex", "struct", or the name of a class that is not read.
    ``value`` is an array, a struct's fields by name, or None.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    value: NDArray[Any] | dict[str, MatVariable] | None = None


def list_variables(path: Path) -> dict[str, MatVariable]:
    """Return every variable without its value; `DataDamagedError` if the file is damaged."""
    with path.open("rb") as file:
        order = _order(file)
        found = (_Matrix(_peek(file, *where), order) for where in _elements(file, order))
        return {matrix.name: matrix.about() for matrix in found}


def read_variable(path: Path, name: str) -> MatVariable:
    """Return one variable with its value; `DataDamagedError` if it is absent or damaged."""
    with path.open("rb") as file:
        order = _order(file)
        for where in _elements(file, order):
            if _Matrix(_peek(file, *where), order).name == name:
                return _Matrix(_content(file, *where), order).read()
    raise DataDamagedError(f"{path} holds no variable {name}")


def _order(file: BinaryIO) -> str:
    mark = file.read(_HEADER_BYTES)[124:]
    if mark not in (b"\x00\x01IM", b"\x01\x00MI"):
        raise DataDamagedError("not a MAT file of version 5 to 7")
    return "<" if mark[2:] == b"IM" else ">"


def _elements(file: BinaryIO, order: str) -> list[tuple[int, int, int, str]]:
    """Return type, offset and length of every variable's bytes, and the byte order."""
    n_file = file.seek(0, 2)
    offset, found = _HEADER_BYTES, []
    while offset < n_file:
        file.seek(offset)
        tag = file.read(8)
        if len(tag) < 8:
            raise DataDamagedError("the MAT file is cut off within a tag")
        kind, n_bytes = struct.unpack(order + "II", tag)
        if kind not in (_MATRIX, _COMPRESSED) or offset + 8 + n_bytes > n_file:
            raise DataDamagedError("the MAT file is cut off, or holds what is no variable")
        found.append((kind, offset + 8, n_bytes, order))
        if len(found) > MAX_VARIABLES:
            raise DataDamagedError(f"the MAT file holds more than {MAX_VARIABLES} variables")
        offset += 8 + n_bytes
    return found


def _peek(file: BinaryIO, kind: int, offset: int, n_bytes: int, order: str) -> memoryview:
    """Return the first bytes of a variable: enough for its name and shape."""
    file.seek(offset)
    data = file.read(min(n_bytes, _PEEK_BYTES))
    if kind == _MATRIX:
        return memoryview(data)
    return memoryview(zlib.decompressobj().decompress(data, _PEEK_BYTES))[8:]


def _content(file: BinaryIO, kind: int, offset: int, n_bytes: int, order: str) -> memoryview:
    file.seek(offset)
    data = file.read(n_bytes)
    if kind == _MATRIX:
        return memoryview(data)
    inflate = zlib.decompressobj()
    content = memoryview(inflate.decompress(data, MAX_SAMPLE_BYTES))
    if not inflate.eof or len(content) < 8:
        raise DataDamagedError("a compressed variable is cut off, or too long to be read")
    inner, n_inner = struct.unpack(order + "II", content[:8])
    if inner != _MATRIX or n_inner > len(content) - 8:
        raise DataDamagedError("a compressed variable holds something else")
    return content[8 : 8 + n_inner]


class _Matrix:
    """Reads one array from its bytes, element by element."""

    def __init__(self, content: memoryview, order: str) -> None:
        self._rest = content
        self._order = order
        flags = self._numbers(_UINT32, 2)
        self._class, self._is_complex = flags[0] & 0xFF, bool(flags[0] & _COMPLEX)
        dimensions = self._numbers(_INT32, None)
        if not 2 <= len(dimensions) <= MAX_DIMENSIONS or min(dimensions) < 0:
            raise DataDamagedError(f"an array cannot have the shape {dimensions}")
        self.shape = tuple(dimensions)
        self.name = self._text()

        self.kind = self._kind()

    def _kind(self) -> str:
        if self._class not in _NUMERIC:
            return _OTHER.get(self._class, f"class {self._class}")
        if self._is_complex:
            return "complex"
        if len(self._rest) < 8:
            raise DataDamagedError("an array is cut off")
        (stored,) = struct.unpack(self._order + "I", self._rest[:4])
        # MATLAB stores numbers in the least type that holds them all. Floating point that is
        # stored as int8 or int16 stays that: the same numbers in less memory.
        is_float = _NUMERIC[self._class].startswith("float")
        stored_dtype = np.dtype(_STORED.get(stored & 0xFFFF, "V1"))
        if is_float and stored_dtype in (np.int8, np.int16):
            return stored_dtype.name
        return _NUMERIC[self._class]

    def about(self, value: Any = None) -> MatVariable:
        return MatVariable(name=self.name, kind=self.kind, shape=self.shape, value=value)

    def read(self) -> MatVariable:
        if self.kind == "struct":
            return self.about(self._fields())
        if self._class not in _NUMERIC or self._is_complex:
            return self.about()
        stored, payload = self._element()
        if stored not in _STORED:
            raise DataDamagedError(f"{self.name or 'a field'} has numbers of unknown type {stored}")
        dtype = np.dtype(self._order + _STORED[stored])
        if len(payload) != math.prod(self.shape) * dtype.itemsize:
            raise DataDamagedError(
                f"{self.name or 'a field'} of shape {self.shape} has {len(payload)} bytes"
            )
        array = np.frombuffer(payload, dtype).reshape(self.shape, order="F")
        with np.errstate(all="ignore"):
            return self.about(array.astype(self.kind, copy=False))

    def _fields(self) -> dict[str, MatVariable]:
        if math.prod(self.shape) != 1:
            raise DataDamagedError(f"{self.name} must be one struct, its shape is {self.shape}")
        (width,) = self._numbers(_INT32, 1)
        kind, names = self._element()
        if kind != _INT8 or width < 1 or len(names) % width or len(names) > width * MAX_FIELDS:
            raise DataDamagedError(f"{self.name} has damaged field names")
        fields = {}
        for start in range(0, len(names), width):
            name = bytes(names[start : start + width]).split(b"\0")[0].decode("ascii")
            kind, payload = self._element()
            if kind != _MATRIX:
                raise DataDamagedError(f"{self.name}.{name} is no array")
            if len(payload) == 0:
                # How MATLAB writes an empty field in short.
                fields[name] = MatVariable(
                    name="", kind="float64", shape=(0, 0), value=np.empty((0, 0))
                )
                continue
            field = _Matrix(payload, self._order)
            # A struct in a struct is passed over, so that nothing here nests.
            fields[name] = field.about() if field.kind == "struct" else field.read()
        return fields

    def _numbers(self, kind: int, n: int | None) -> list[int]:
        found, payload = self._element()
        if found != kind or len(payload) % 4 or (n is not None and len(payload) != 4 * n):
            raise DataDamagedError("an array begins with damaged bytes")
        return [int(v) for v in np.frombuffer(payload, self._order + _STORED[kind])]

    def _text(self) -> str:
        kind, payload = self._element()
        if kind != _INT8:
            raise DataDamagedError("an array has a damaged name")
        return bytes(payload).decode("ascii")

    def _element(self) -> tuple[int, memoryview]:
        """Take the next element: its type and its bytes."""
        if len(self._rest) < 8:
            raise DataDamagedError("an array is cut off")
        first, n_bytes = struct.unpack(self._order + "II", self._rest[:8])
        if first >> 16:
            kind, n_bytes = first & 0xFFFF, first >> 16
            if n_bytes > 4:
                raise DataDamagedError("an array holds a short element of more than 4 bytes")
            payload, n_taken = self._rest[4 : 4 + n_bytes], 8
        else:
            kind, payload = first, self._rest[8 : 8 + n_bytes]
            if len(payload) != n_bytes:
                raise DataDamagedError("an array is cut off")
            n_taken = 8 + -(-n_bytes // 8) * 8
        self._rest = self._rest[n_taken:]
        return kind, payload
