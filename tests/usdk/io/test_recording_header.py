from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from usdk.acquisition import Acquisition
from usdk.errors import ArgumentError, DataDamagedError
from usdk.io.recording_header import RecordingHeader
from usdk.probe import Probe
from usdk.transmit import (
    DivergingWave,
    FocusedWave,
    PlaneWave,
    SingleElement,
    TransmitSequence,
)


@pytest.fixture
def header(make_acquisition: Callable[..., Acquisition]) -> RecordingHeader:
    a = make_acquisition()
    return RecordingHeader(
        probe=a.probe,
        sequence=a.sequence,
        receive=a.receive,
        device=a.device,
        dtype=a.data.dtype,
    )


def test_every_kind_of_wave_and_array_comes_back(header: RecordingHeader) -> None:
    probe = Probe.curved(
        "C",
        n_elements=8,
        pitch_m=0.5e-3,
        radius_m=math.pi / 100,
        centre_frequency_hz=1e6 / 3,
        fractional_bandwidth=0.7,
        lens_delay_s=1e-7 / 3,
    )
    sequence = TransmitSequence(
        transmits=(
            PlaneWave(azimuth_rad=1 / 3, elevation_rad=0.1, aperture=(1, 3)),
            DivergingWave(source_m=(0.1, 0.0, -1 / 3)),
            FocusedWave(focus_m=(0.0, 0.0, 0.02), origin_m=(1e-3, 0.0, 0.0)),
            SingleElement(element=7),
        ),
        frequency_hz=2e6 / 3,
        n_cycles=1.5,
        prf_hz=1e4 / 3,
    )
    receive = replace(header.receive, time_zero_s=(1e-7 / 3, 0.0, -1e-9, 5e-324))
    given = replace(header, probe=probe, sequence=sequence, receive=receive)
    found = RecordingHeader.from_bytes(given.to_bytes())
    assert found.probe.to_dict() == probe.to_dict()
    assert found.sequence == sequence
    assert found.receive == receive
    assert found.device == header.device
    assert found.dtype == header.dtype
    assert found.shape == (4, 8, 5)


def _set(plain: Any, path: str, value: Any) -> Any:
    *parents, last = path.split(".")
    inner = plain
    for name in parents:
        inner = inner[int(name) if name.isdigit() else name]
    inner[last] = value
    return plain


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("dtype", "object"),
        ("dtype", ["int16"]),
        ("dtype", "complex64"),
        ("shape", [2, 3, 6]),
        ("shape", None),
        ("extra", 1),
        ("probe", None),
        ("probe.kind", "spiral"),
        ("probe.pitch_m", 0),
        ("probe.pitch_m", 1e999),
        ("probe.element_normals", [[0, 0, 2]]),
        ("probe.element_positions_m", [[0, 0, {}]]),
        ("sequence.transmits", []),
        ("sequence.transmits.0.kind", "tsunami"),
        ("sequence.transmits.0.azimuth_rad", "left"),
        ("sequence.transmits.0.aperture", [0, 1e999]),
        ("sequence.prf_hz", 10**400),
        ("receive.n_samples", 0),
        ("receive.time_zero_s", [0.0]),
        ("receive.time_zero_s", 5),
        ("device", {"manufacturer": "a", "model": 5}),
        ("device", {"manufacturer": "a"}),
        ("device", [1]),
    ],
)
def test_a_header_that_lies_is_refused(header: RecordingHeader, path: str, value: Any) -> None:
    plain = _set(json.loads(header.to_bytes()), path, value)
    with pytest.raises(DataDamagedError):
        RecordingHeader.from_bytes(json.dumps(plain).encode())


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"\xff\xfe",
        b"{",
        b'{"dtype": NaN}',
        b"[" * 200_000,
        b"9" * 10_000,
    ],
)
def test_what_is_no_header_is_refused(payload: bytes) -> None:
    with pytest.raises(DataDamagedError):
        RecordingHeader.from_bytes(payload)


def test_nan_in_a_description_is_refused(header: RecordingHeader) -> None:
    plain = json.loads(header.to_bytes())
    plain["receive"]["sound_speed_m_s"] = math.nan
    with pytest.raises(DataDamagedError, match="NaN"):
        RecordingHeader.from_bytes(json.dumps(plain).encode())


def test_parts_that_do_not_fit_are_refused(header: RecordingHeader) -> None:
    with pytest.raises(ArgumentError, match="float64"):
        replace(header, dtype=np.dtype(np.float64))
    with pytest.raises(ArgumentError, match="demodulation"):
        replace(header, dtype=np.dtype(np.complex64))
