from __future__ import annotations

import contextlib
import math
import re
import struct
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from usdk.acquisition import DeviceInfo
from usdk.errors import ArgumentError, DataDamagedError
from usdk.front_end import Capabilities, TgcLimits, TriggerLimits, WatchdogLimits
from usdk.probe import Probe
from usdk_drivers.simulator import PROBES, simulated_probe
from usdk_drivers.wire import DeviceDescription

CAPABILITIES = Capabilities(
    n_transmit_channels=64,
    n_receive_channels=128,
    sampling_frequencies_hz=(20e6 / 3, 40e6),
    max_samples=4096,
    max_transmits=300,
    max_prf_hz=1e4 / 3,
    sequence_is_fixed=True,
    tgc=TgcLimits(least_db=-6.5, greatest_db=1e2 / 3, step_db=0.1, step_s=1e-7, max_points=9),
    trigger=TriggerLimits(has_output=True, max_rate_hz=1e4 / 3, max_output_width_s=1e-3),
    watchdog=WatchdogLimits(least_s=0.1, greatest_s=7.0),
    max_duty_cycle=1 / 3,
    has_self_test=True,
)


def described(probe: Probe, **info: str) -> DeviceDescription:
    fields = {
        "manufacturer": "Müller & Søn",
        "model": "探头",
        "serial_number": "A-1",
        "firmware_version": "1.2.3",
    }
    return DeviceDescription(DeviceInfo(**(fields | info)), CAPABILITIES, probe)


@pytest.mark.parametrize("name", PROBES)
def test_a_description_comes_back_exactly(name: str) -> None:
    sent = described(simulated_probe(name))
    got = DeviceDescription.unpack(sent.pack())
    assert got.info == sent.info
    assert got.capabilities == sent.capabilities
    assert got.probe.to_dict() == sent.probe.to_dict()
    assert np.array_equal(got.probe.element_normals, sent.probe.element_normals)


def test_every_truncation_is_refused(small_probe: Probe) -> None:
    whole = described(small_probe).pack()
    for n_bytes in range(len(whole)):
        with pytest.raises(DataDamagedError):
            DeviceDescription.unpack(whole[:n_bytes])


@pytest.mark.parametrize(
    ("offset", "layout", "value"),
    [
        (0, "<d", 0.0),
        (8, "<d", math.inf),
        (16, "<d", 200.0),  # above the greatest gain
        (24, "<d", math.nan),
        (32, "<d", -1.0),
        (48, "<I", 0),
        (48, "<I", 1025),
        (56, "<d", -1.0),
        (96, "<d", 0.0),
        (104, "<d", 0.01),  # below the least time
        (112, "<f", math.inf),
    ],
)
def test_an_impossible_limit_is_refused(
    small_probe: Probe, offset: int, layout: str, value: float
) -> None:
    whole = bytearray(described(small_probe).pack())
    # Found by the duty cycle with which the limits begin.
    start = whole.index(struct.pack("<d", 1 / 3))
    struct.pack_into(layout, whole, start + offset, value)
    struct.pack_into("<I", whole, 12, zlib.crc32(whole[16:]))
    with pytest.raises(DataDamagedError, match="limit"):
        DeviceDescription.unpack(bytes(whole))


def test_trailing_bytes_are_refused(small_probe: Probe) -> None:
    whole = bytearray(described(small_probe).pack() + b"\0")
    struct.pack_into("<II", whole, 8, len(whole) - 16, zlib.crc32(whole[16:]))
    with pytest.raises(DataDamagedError, match="too many"):
        DeviceDescription.unpack(bytes(whole))


def test_an_impossible_probe_is_refused(small_probe: Probe) -> None:
    whole = bytearray(described(small_probe).pack())
    struct.pack_into("<d", whole, len(whole) - 8, math.nan)
    struct.pack_into("<I", whole, 12, zlib.crc32(whole[16:]))
    with pytest.raises(DataDamagedError, match="probe"):
        DeviceDescription.unpack(bytes(whole))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("centre_frequency_hz", 1e300),
        ("centre_frequency_hz", 1e-300),
        ("fractional_bandwidth", 1e300),
        ("pitch_m", 1e300),
        ("element_width_m", 1e300),
        ("element_height_m", 1e300),
        ("radius_m", 1e300),
        ("lens_delay_s", 1e300),
    ],
)
def test_a_probes_number_beyond_what_can_be_is_refused_by_name(
    small_probe: Probe, field: str, value: float
) -> None:
    whole = described(replace(small_probe, **{field: value})).pack()  # type: ignore[arg-type]
    with pytest.raises(DataDamagedError, match=rf"a probe's {field} is {re.escape(f'{value:g}')}"):
        DeviceDescription.unpack(whole)


def test_positions_beyond_what_can_be_are_refused(small_probe: Probe) -> None:
    whole = bytearray(described(small_probe).pack())
    n_bytes = small_probe.element_positions_m.nbytes
    struct.pack_into("<d", whole, len(whole) - 2 * n_bytes, 1e300)
    struct.pack_into("<I", whole, 12, zlib.crc32(whole[16:]))
    with pytest.raises(DataDamagedError, match="element_positions_m must be within 1000 m"):
        DeviceDescription.unpack(bytes(whole))


@pytest.mark.parametrize(
    "changes",
    [
        {"sampling_frequencies_hz": (40e6, 1e300)},
        {"max_prf_hz": 1e300, "sequence_is_fixed": False},
    ],
)
def test_rates_beyond_what_can_be_are_refused(small_probe: Probe, changes: dict[str, Any]) -> None:
    one = described(small_probe)
    one = replace(one, capabilities=replace(CAPABILITIES, **changes))
    with pytest.raises(DataDamagedError, match="Hz cannot be"):
        DeviceDescription.unpack(one.pack())


def test_a_string_beyond_the_limit_is_not_sent(small_probe: Probe) -> None:
    with pytest.raises(ArgumentError, match="255"):
        described(small_probe, model="x" * 256).pack()


@given(body=st.binary(max_size=400))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    head = struct.pack("<4sHHII", b"USDM", 1, 1, len(body), zlib.crc32(body))
    with contextlib.suppress(DataDamagedError):
        DeviceDescription.unpack(head + body)
