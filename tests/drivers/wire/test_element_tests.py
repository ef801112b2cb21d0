from __future__ import annotations

import contextlib
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usdk.errors import ArgumentError, DataDamagedError
from usdk.front_end import ElementCondition, ElementTest, SelfTest
from usdk_drivers.wire import ElementTests

FOUND = SelfTest(
    elements=tuple(
        ElementTest(condition=condition, impedance_ohm=50.0 + k, sensitivity_db=-float(k))
        for k, condition in enumerate(ElementCondition)
    ),
    cable_id="Kabel ü",
)


def test_what_was_found_comes_back() -> None:
    assert ElementTests.unpack(ElementTests(FOUND).pack()).found == FOUND


def test_every_truncation_is_refused() -> None:
    whole = ElementTests(FOUND).pack()
    for n_bytes in range(len(whole)):
        with pytest.raises(DataDamagedError):
            ElementTests.unpack(whole[:n_bytes])


@pytest.mark.parametrize(
    ("offset", "layout", "value"),
    [(0, "<I", 0), (0, "<I", 5), (0, "<I", 2**31), (26, "<B", 4), (30, "<f", -1.0)],
)
def test_an_impossible_field_is_refused(offset: int, layout: str, value: float) -> None:
    spoilt = bytearray(ElementTests(FOUND).pack())
    struct.pack_into(layout, spoilt, 16 + offset, value)
    struct.pack_into("<I", spoilt, 12, zlib.crc32(spoilt[16:]))
    with pytest.raises(DataDamagedError):
        ElementTests.unpack(bytes(spoilt))


def test_a_cable_id_beyond_the_limit_is_not_sent() -> None:
    with pytest.raises(ArgumentError, match="255"):
        ElementTests(SelfTest(elements=FOUND.elements, cable_id="x" * 256)).pack()


@given(body=st.binary(max_size=200))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    head = struct.pack("<4sHHII", b"USDM", 1, 4, len(body), zlib.crc32(body))
    with contextlib.suppress(DataDamagedError):
        ElementTests.unpack(head + body)
