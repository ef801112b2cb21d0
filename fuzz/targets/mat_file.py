"""MAT files: every length is held against the bytes that are there."""

from __future__ import annotations

import io
import struct
import zlib
from contextlib import suppress

import numpy as np
from scipy.io import savemat
from scratch_file import scratch_file

from usdk.errors import DataDamagedError
from usdk.io import describe_recording, load_recording
from usdk.io.mat5 import list_variables, read_variable

_OF_THE_READER = (DataDamagedError, zlib.error, ValueError, ArithmeticError, MemoryError)
"""What it raises, of which its callers' border makes one type."""

_HEADER_BYTES = 128
_COMPRESSED = 15
_INFLATED = 0x01
"""Of the first byte: the variables that follow are compressed before they are read."""


def _file(**options: bool) -> bytes:
    content = io.BytesIO()
    param = {"fs": 20e6, "fc": 5e6, "pitch": 3e-4, "width": 2.5e-4, "height": 5e-3, "c": 1540.0}
    param |= {"PRF": 4e3, "t0": 0.0, "TXdelay": np.zeros((1, 2)), "bandwidth": 70.0}
    variables = {"RF": np.zeros((3, 2, 2), np.int16), "param": param, "x": "text"}
    savemat(content, variables, **options)
    return content.getvalue()


def seeds() -> list[bytes]:
    """Return a file of the toolbox's kind, compressed, plain, and to be compressed."""
    plain = _file()
    return [b"\0" + _file(do_compression=True), b"\0" + plain, b"\1" + plain]


def _compressed(file: bytes) -> bytes:
    """Compress each variable, as far as their lengths lead."""
    built, place = file[:_HEADER_BYTES], _HEADER_BYTES
    while place + 8 <= len(file):
        n_bytes = min(struct.unpack_from("<I", file, place + 4)[0], len(file))
        inner = zlib.compress(file[place : place + 8 + n_bytes])
        built += struct.pack("<II", _COMPRESSED, len(inner)) + inner
        place += 8 + n_bytes
    return built


def one_input(data: bytes) -> None:
    """List and read every variable, then load the file as channel data."""
    content = data[1:]
    if data[:1] and data[0] & _INFLATED:
        content = _compressed(content)
    path = scratch_file(content, "fuzz.mat")
    names: list[str] = []
    with suppress(*_OF_THE_READER):
        names = list(list_variables(path))
    for name in names:
        with suppress(*_OF_THE_READER):
            variable = read_variable(path, name)
            if isinstance(variable.value, np.ndarray):
                assert variable.value.shape == variable.shape
    try:
        description = describe_recording(path)
        found = load_recording(path)
    except DataDamagedError:
        return
    assert found.data.shape[0] == description.n_frames
