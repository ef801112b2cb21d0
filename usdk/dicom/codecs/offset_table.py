"""Where each frame begins in encapsulated Pixel Data (PS3.5 A.4, PS3.3 C.7.6.3.1.8).

Each frame is one fragment. Up to 4 GiB the Basic Offset Table tells where, as every reader knows
it; its offsets have 32 bits, so that beyond them the table is empty and the Extended Offset Table
tells, with 64.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np

from usdk.dicom.pydicom_extra import Dataset
from usdk.errors import ArgumentError

__all__ = [
    "FRAGMENT_HEADER_BYTES",
    "MAX_VALUE_BYTES",
    "SEQUENCE_DELIMITER",
    "add_offset_table",
    "fragment_header",
]

MAX_VALUE_BYTES = 2**32 - 2
"""Longest value with a length of its own, longest fragment, and greatest 32-bit offset (PS3.5)."""

FRAGMENT_HEADER_BYTES = 8
SEQUENCE_DELIMITER = b"\xfe\xff\xdd\xe0\0\0\0\0"

_ITEM = b"\xfe\xff\x00\xe0"


def fragment_header(n_bytes: int) -> bytes:
    """Return tag and length of a fragment of ``n_bytes``, an even number."""
    if n_bytes > MAX_VALUE_BYTES:
        raise ArgumentError("a frame has more bytes than a fragment can hold")
    return _ITEM + struct.pack("<I", n_bytes)


def add_offset_table(dataset: Dataset, sizes: Sequence[int]) -> bytes:
    """Return the item of the Basic Offset Table; an extended one goes into the data set.

    Parameters
    ----------
    sizes : sequence of int
        Bytes of each frame's fragment, before it is padded to an even number.
    """
    lengths = np.asarray(sizes, np.uint64)
    steps = lengths + lengths % np.uint64(2) + np.uint64(FRAGMENT_HEADER_BYTES)
    offsets = np.concatenate((np.zeros(1, np.uint64), np.cumsum(steps)[:-1]))
    for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        if keyword in dataset:
            del dataset[keyword]
    if int(offsets[-1]) <= MAX_VALUE_BYTES and 4 * len(sizes) <= MAX_VALUE_BYTES:
        table = offsets.astype("<u4").tobytes()
        return fragment_header(len(table)) + table
    dataset.ExtendedOffsetTable = offsets.astype("<u8").tobytes()
    dataset.ExtendedOffsetTableLengths = lengths.astype("<u8").tobytes()
    return fragment_header(0)
