"""RLE frames: they unpack to a frame of the size and type asked for, or are refused."""

from __future__ import annotations

import numpy as np

from usdk.dicom.codecs import find_codec
from usdk.errors import DataDamagedError

_FRAMES = (
    np.arange(8 * 8, dtype=np.uint8).reshape(8, 8),
    np.arange(8 * 8, dtype=np.uint16).reshape(8, 8) * 999,
    np.arange(8 * 9 * 3, dtype=np.uint8).reshape(8, 9, 3),
)
_RLE = find_codec("rle")


def seeds() -> list[bytes]:
    """Return a grey, a deep and a coloured frame."""
    return [bytes((kind,)) + bytes(_RLE.encode(frame)) for kind, frame in enumerate(_FRAMES)]


def one_input(data: bytes) -> None:
    """Unpack the rest to the frame that the first byte names, and pack it again."""
    if not data:
        return
    frame = _FRAMES[data[0] % len(_FRAMES)]
    try:
        found = _RLE.decode(data[1:], frame.shape, frame.dtype)
    except DataDamagedError:
        return
    assert found.shape == frame.shape
    assert found.dtype == frame.dtype
    assert np.array_equal(_RLE.decode(_RLE.encode(found), frame.shape, frame.dtype), found)
