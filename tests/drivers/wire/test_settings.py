from __future__ import annotations

import contextlib
import math
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usdk.errors import DataDamagedError
from usdk_drivers.wire import (
    DeviceSettings,
    TriggerEdge,
    TriggerOutput,
    TriggerSource,
    TriggerStarts,
)

TIMES_S = st.floats(min_value=0, max_value=1e3, allow_nan=False)


@given(
    st.builds(
        DeviceSettings,
        settings_id=st.integers(0, 2**32 - 1),
        source=st.sampled_from(TriggerSource),
        edge=st.sampled_from(TriggerEdge),
        starts=st.sampled_from(TriggerStarts),
        output=st.sampled_from(TriggerOutput),
        delay_s=TIMES_S,
        timeout_s=TIMES_S,
        output_width_s=TIMES_S,
        watchdog_s=TIMES_S,
    )
)
def test_settings_come_back_exactly(settings: DeviceSettings) -> None:
    assert DeviceSettings.unpack(settings.pack()) == settings


@pytest.mark.parametrize(
    ("offset", "layout", "value"),
    [
        *((offset, "<B", 3) for offset in (4, 5, 6, 7)),
        *((offset, "<d", value) for offset in (8, 16, 24, 32) for value in (math.nan, -1.0)),
    ],
)
def test_an_impossible_field_is_refused(offset: int, layout: str, value: float) -> None:
    spoilt = bytearray(DeviceSettings().pack())
    struct.pack_into(layout, spoilt, 16 + offset, value)
    struct.pack_into("<I", spoilt, 12, zlib.crc32(spoilt[16:]))
    with pytest.raises(DataDamagedError):
        DeviceSettings.unpack(bytes(spoilt))


@given(body=st.one_of(st.binary(max_size=100), st.binary(min_size=64, max_size=64)))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    head = struct.pack("<4sHHII", b"USDM", 1, 3, len(body), zlib.crc32(body))
    with contextlib.suppress(DataDamagedError):
        DeviceSettings.unpack(head + body)
