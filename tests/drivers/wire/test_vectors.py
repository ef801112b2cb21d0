"""Bytes that were written down once, and the reference page read as a device's maker would."""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from usdk.acquisition import DeviceInfo
from usdk.front_end import (
    Capabilities,
    ElementCondition,
    ElementTest,
    GainCurve,
    SelfTest,
    TgcLimits,
    TriggerLimits,
    WatchdogLimits,
)
from usdk.probe import ArrayKind, Probe
from usdk.transmit import (
    DivergingWave,
    FocusedWave,
    PlaneWave,
    SingleElement,
    TransmitSequence,
)
from usdk_drivers.wire import (
    DataType,
    DeviceDescription,
    DeviceError,
    DeviceSettings,
    DeviceState,
    DeviceStatus,
    ElementTests,
    ErrorCode,
    FrozenBecause,
    MessageType,
    PacketFlag,
    PacketHeader,
    PowerCode,
    Request,
    SelfTestState,
    SequenceSettings,
    TriggerEdge,
    TriggerOutput,
    TriggerSource,
    TriggerStarts,
    VersionRange,
    encode_packet,
)

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/reference/wire-protocol.md").read_text(encoding="utf-8")
VECTORS: dict[str, bytes] = {
    name: bytes.fromhex(text)
    for name, text in json.loads((ROOT / "tests/data/wire/vectors.json").read_text()).items()
}

# Numbers without a sine in them: the last bit of one differs between machines.
PROBE = Probe(
    name="test probe",
    kind=ArrayKind.CURVED,
    element_positions_m=np.array(
        [[-0.6e-3, 0.0, -0.2e-3], [0.0, 0.0, 0.0], [0.6e-3, 0.0, -0.2e-3]]
    ),
    element_normals=np.array([[-0.6, 0.0, 0.8], [0.0, 0.0, 1.0], [0.6, 0.0, 0.8]]),
    pitch_m=0.632e-3,
    radius_m=1e-3,
    centre_frequency_hz=3.5e6,
    fractional_bandwidth=0.75,
    element_width_m=0.45e-3,
    element_height_m=13e-3,
    lens_delay_s=2e-7,
)
SEQUENCE = TransmitSequence(
    transmits=(
        PlaneWave(azimuth_rad=0.25, elevation_rad=-0.125),
        DivergingWave(source_m=(0.5, 0.0, -0.25), origin_m=(0.125, 0.0, 0.0)),
        FocusedWave(focus_m=(0.0, 0.0, 0.5), transition_m=0.25, aperture=(1, 3)),
        SingleElement(element=2),
    ),
    frequency_hz=4e6,
    n_cycles=2.0,
)
DELAYS_S = np.array([[0, 1e-6, 2e-6], [2e-6, 0, 1e-6], [np.nan, 0, 1e-7], [np.nan, np.nan, 0]])
HEADER = PacketHeader(
    configuration_id=0x01020304,
    run=0x0506,
    packet_number=0x0708090A0B0C0D0E,
    frame_number=0x0F10111213141516,
    transmit_index=0x0102,
    data_type=DataType.INT16,
    n_elements=2,
    n_samples=3,
    device_timestamp_ns=0x2122232425262728,
    flags=PacketFlag.AFTER_OVERRUN,
)
STATUS = DeviceStatus(
    state=DeviceState.FROZEN,
    configuration_id=7,
    result=ErrorCode.OUT_OF_LIMITS,
    run=9,
    n_frames_made=11,
    n_overruns=13,
    temperature_celsius=36.5,
    voltages_v=(("HV+", 35.25), ("HV-", -35.25)),
    power=PowerCode.STANDBY,
    frozen=FrozenBecause.OVER_TEMPERATURE,
    self_test=SelfTestState.DONE,
    settings_id=15,
    self_test_id=17,
    watchdog_s=2.5,
    n_triggers=19,
    n_triggers_missed=21,
)
SETTINGS = DeviceSettings(
    settings_id=6,
    source=TriggerSource.EXTERNAL,
    edge=TriggerEdge.FALLING,
    starts=TriggerStarts.TRANSMIT,
    delay_s=0.25e-6,
    timeout_s=1.5,
    output=TriggerOutput.TRANSMIT,
    output_width_s=2e-6,
    watchdog_s=2.5,
)
FOUND = SelfTest(
    elements=(
        ElementTest(condition=ElementCondition.GOOD, impedance_ohm=50.5, sensitivity_db=0.25),
        ElementTest(condition=ElementCondition.OPEN, impedance_ohm=1e6),
        ElementTest(condition=ElementCondition.SHORT, impedance_ohm=0.5, sensitivity_db=-60.0),
        ElementTest(condition=ElementCondition.WEAK, sensitivity_db=-12.0),
    ),
    cable_id="cable 7",
)
CAPABILITIES = Capabilities(
    n_transmit_channels=3,
    n_receive_channels=2,
    sampling_frequencies_hz=(14e6, 28e6),
    max_samples=4096,
    max_transmits=256,
    max_prf_hz=5000.0,
    max_duty_cycle=0.0625,
    max_cycles=64.0,
    tgc=TgcLimits(least_db=-6.0, greatest_db=40.0, step_db=0.25, step_s=1e-6, max_points=16),
    trigger=TriggerLimits(
        has_input=True,
        has_output=True,
        max_rate_hz=4000.0,
        max_delay_s=0.125,
        delay_step_s=1e-8,
        max_timeout_s=60.0,
        max_output_width_s=1e-3,
    ),
    watchdog=WatchdogLimits(least_s=0.125, greatest_s=30.0),
    max_temperature_celsius=62.5,
    has_self_test=True,
    has_power_states=True,
)

MADE: dict[str, Callable[[], bytes]] = {
    "version range": lambda: VersionRange(1, 2).pack(),
    "status": STATUS.pack,
    "error": lambda: DeviceError(ErrorCode.HARDWARE, "zu heiß").pack(),
    "description": lambda: DeviceDescription(
        DeviceInfo(manufacturer="maker", model="módel", serial_number="S1", firmware_version="1.0"),
        CAPABILITIES,
        PROBE,
    ).pack(),
    "settings": SETTINGS.pack,
    "self-test": lambda: ElementTests(FOUND).pack(),
    "sequence": lambda: SequenceSettings(
        configuration_id=5,
        sequence=SEQUENCE,
        delays_s=DELAYS_S,
        first_sample_s=(0.0, 1e-6, 2e-6, 3e-6),
        sampling_frequency_hz=16e6,
        n_samples=1000,
        sound_speed_m_s=1540.0,
        data_type=DataType.INT16,
        frame_rate_hz=500.0,
        wanted_depth_m=0.04,
        tgc=GainCurve(times_s=(0.0, 25e-6), gains_db=(3.0, 30.5)),
        apertures=((0, 2), (1, 3), (0, 2), (1, 3)),
    ).pack(),
    "packet": lambda: encode_packet(HEADER, np.array([[1, -2, 3], [-4, 5, -6]], np.int16)),
    "iq packet": lambda: encode_packet(
        PacketHeader(
            **{**HEADER.__dict__, "data_type": DataType.COMPLEX64, "n_elements": 1, "n_samples": 2}
        ),
        np.array([[1 + 2j, -0.5j]], np.complex64),
    ),
    "end of data": lambda: encode_packet(
        PacketHeader(
            **{**HEADER.__dict__, "n_elements": 0, "n_samples": 0, "flags": PacketFlag.END_OF_DATA}
        )
    ),
}


@pytest.mark.parametrize("name", MADE)
def test_the_bytes_are_those_written_down(name: str) -> None:
    assert MADE[name]() == VECTORS[name]


def test_no_vector_is_left_untested() -> None:
    assert set(MADE) == set(VECTORS)


FORMATS = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "f32": "f", "f64": "d"}


def rows(heading: str, first_column: str) -> list[list[str]]:
    """Return the first table below a heading of the page whose first column has this title."""
    section = re.split(rf"^#+ {re.escape(heading)}$", PAGE, flags=re.MULTILINE)[1]
    lines = section[section.index(f"| {first_column} |") :].splitlines()
    table = []
    for line in lines[2:]:
        if not line.startswith("|"):
            break
        table.append([cell.strip() for cell in line.strip("|").split("|")])
    return table


def read_by_offset(heading: str, data: bytes) -> dict[str, Any]:
    """Read fields as the page's table of offsets says, and nothing else."""
    fields: dict[str, Any] = {}
    for offset, kind, name, *_ in rows(heading, "Offset"):
        if kind in FORMATS:
            (fields[name],) = struct.unpack_from("<" + FORMATS[kind], data, int(offset))
        elif kind == "char[4]":
            fields[name] = data[int(offset) :][:4]
        else:
            fields[name] = data[int(offset) :]
    return fields


def test_the_page_s_packet_header_is_the_driver_s() -> None:
    data = VECTORS["packet"]
    fields = read_by_offset("Data packet header", data)
    assert fields.pop("magic") == b"USDP"
    assert (fields.pop("version"), fields.pop("header_bytes")) == (1, 64)
    assert fields.pop("header_crc") == zlib.crc32(data[:60])
    assert fields.pop("payload_crc") == zlib.crc32(data[64:])
    assert fields.pop("payload_bytes") == len(data) - 64 == 12
    assert fields.pop("reserved") == 0
    for name, value in fields.items():
        assert value == getattr(HEADER, name), name
    assert data[64:] == struct.pack("<6h", 1, -2, 3, -4, 5, -6)


def test_the_page_s_status_is_the_driver_s() -> None:
    fields = read_by_offset("Status", VECTORS["status"])
    rails = fields.pop("rails")
    assert struct.unpack_from("<8sf", rails, 12) == (b"HV-\0\0\0\0\0", -35.25)
    assert (fields.pop("version"), fields.pop("n_rails"), fields.pop("reserved")) == (1, 2, 0)
    for name, value in fields.items():
        assert value == getattr(STATUS, name), name


def test_the_page_s_error_and_version_are_the_driver_s() -> None:
    error = read_by_offset("Error", VECTORS["error"])
    assert error == {"code": 6, "n_bytes": 8, "text": "zu heiß".encode()}
    assert read_by_offset("Version range", VECTORS["version range"]) == {
        "magic": b"USDK",
        "oldest": 1,
        "newest": 2,
    }


@pytest.mark.parametrize(
    ("name", "number"), [("description", 1), ("sequence", 2), ("settings", 3), ("self-test", 4)]
)
def test_the_page_s_message_header_is_the_driver_s(name: str, number: int) -> None:
    data = VECTORS[name]
    assert read_by_offset("Messages", data) == {
        "magic": b"USDM",
        "version": 1,
        "type": number,
        "n_bytes": len(data) - 16,
        "crc": zlib.crc32(data[16:]),
    }


def test_the_page_s_description_is_the_driver_s() -> None:
    data, fields, position = VECTORS["description"][16:], {}, 0
    for kind, name, _ in rows("DESCRIPTION", "Type"):
        if kind == "string":
            (n_bytes,) = struct.unpack_from("<H", data, position)
            fields[name] = data[position + 2 :][:n_bytes].decode()
            position += 2 + n_bytes
            continue
        base, *counts = re.findall(r"\w+", kind)
        n_values = int(np.prod([int(fields.get(c, c)) for c in counts], dtype=int))
        layout = f"<{n_values}{FORMATS[base]}"
        values = struct.unpack_from(layout, data, position)
        fields[name] = list(values) if counts else values[0]
        position += struct.calcsize(layout)
    assert position == len(data)
    assert fields["model"] == "módel"
    assert fields["sampling_frequencies_hz"] == [14e6, 28e6]
    assert fields["kind"] == 2
    assert (fields["max_samples"], fields["max_transmits"], fields["max_prf_hz"]) == (
        4096,
        256,
        5e3,
    )
    assert fields["flags"] == 0x7E
    assert (fields["max_duty_cycle"], fields["max_cycles"]) == (0.0625, 64.0)
    assert CAPABILITIES.tgc is not None
    assert CAPABILITIES.watchdog is not None
    for branch, limits in (
        ("tgc", CAPABILITIES.tgc),
        ("trigger", CAPABILITIES.trigger),
        ("watchdog", CAPABILITIES.watchdog),
    ):
        told = {k: v for k, v in fields.items() if k.startswith(branch + "_")}
        for name, value in told.items():
            assert value == getattr(limits, name.removeprefix(branch + "_")), name
        assert len(told) >= 2
    assert fields["max_temperature_celsius"] == CAPABILITIES.max_temperature_celsius
    for name in ("centre_frequency_hz", "pitch_m", "element_width_m", "radius_m", "lens_delay_s"):
        assert fields[name] == getattr(PROBE, name), name
    assert fields["element_positions_m"] == PROBE.element_positions_m.ravel().tolist()
    assert fields["element_normals"] == PROBE.element_normals.ravel().tolist()


def test_the_page_s_sequence_is_the_driver_s() -> None:
    data = VECTORS["sequence"][16:]
    fields = read_by_offset("SEQUENCE", data)
    assert (fields["configuration_id"], fields["n_transmits"], fields["n_elements"]) == (5, 4, 3)
    assert (fields["frequency_hz"], fields["n_cycles"], fields["n_samples"]) == (4e6, 2.0, 1000)
    assert np.isnan(fields["prf_hz"])
    assert (fields["frame_rate_hz"], fields["data_type"]) == (500.0, 1)
    waves = [struct.unpack_from("<BBHIIId7dII", data, 128 + 96 * k) for k in range(4)]
    assert waves[0] == (1, 2, 0, 0, 0, 0, 0.0, 0.25, -0.125, 0, 0, 0, 0, 0, 0, 2)
    assert waves[1] == (2, 2, 0, 0, 0, 0, 1e-6, 0.5, 0, -0.25, 0.125, 0, 0, 0, 1, 3)
    assert waves[2] == (3, 3, 0, 1, 3, 0, 2e-6, 0, 0, 0.5, 0, 0, 0, 0.25, 0, 2)
    assert waves[3] == (4, 2, 0, 0, 0, 2, 3e-6, 0, 0, 0, 0, 0, 0, 0, 1, 3)
    delays_s = np.frombuffer(data, "<f8", count=12, offset=128 + 4 * 96).reshape(4, 3)
    assert np.array_equal(delays_s, DELAYS_S, equal_nan=True)
    assert fields["n_gain_points"] == 2
    gains = np.frombuffer(data, "<f8", offset=128 + 4 * 96 + 12 * 8)
    assert gains.tolist() == [0.0, 3.0, 25e-6, 30.5]


def test_the_page_s_settings_are_the_driver_s() -> None:
    fields = read_by_offset("SETTINGS", VECTORS["settings"][16:])
    assert set(fields.pop("reserved")) == {0}
    for name, value in fields.items():
        assert value == getattr(SETTINGS, name), name


def test_the_page_s_self_test_is_the_driver_s() -> None:
    data = VECTORS["self-test"][16:]
    fields = read_by_offset("SELF_TEST", data)
    assert fields["n_elements"] == len(FOUND.elements)
    assert data[16:25] == struct.pack("<H", 7) + b"cable 7"
    records = [struct.unpack_from("<B3xff", data, 25 + 12 * k) for k in range(4)]
    assert [record[0] for record in records] == [0, 1, 2, 3]
    measured = [(one.impedance_ohm, one.sensitivity_db) for one in FOUND.elements]
    assert np.array_equal([record[1:] for record in records], measured, equal_nan=True)
    assert len(data) == 25 + 4 * 12


def test_the_page_names_every_message_and_every_word_of_the_status() -> None:
    types = {name: int(number) for number, name, *_ in rows("Messages", "Type number")}
    assert types == {kind.name: kind.value for kind in MessageType}
    for heading, words in (
        ("Status", DeviceState),
        ("Power states", PowerCode),
        ("Freezing", FrozenBecause),
    ):
        told = {name: int(number) for number, name, *_ in rows(heading, "Number")}
        assert told == {word.name: word.value for word in words}


def test_the_page_names_every_request_and_error_code() -> None:
    requests = {name: int(code, 0) for name, code, *_ in rows("Control requests", "Request")}
    assert requests == {request.name: request.value for request in Request}
    codes = {name: int(code) for code, name, _ in rows("Error", "Code")}
    assert codes == {code.name: code.value for code in ErrorCode}


def test_the_checksum_is_the_one_that_the_page_names() -> None:
    assert zlib.crc32(b"123456789") == 0xCBF43926
