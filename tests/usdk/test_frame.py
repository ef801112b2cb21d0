from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from usdk.acquisition import DeviceInfo, Gap
from usdk.errors import ArgumentError, DataDamagedError
from usdk.frame import Frame, Provenance
from usdk.scan import Raster

RASTER = Raster(x_m=-0.01, z_m=0.002, pixel_size_m=1e-4, n_rows=30, n_columns=20)
MADE_BY = Provenance(
    probe="L", sequence="1 × plane", transmit_frequency_hz=5e6, sound_speed_m_s=1540.0
)


def frame(**changes: Any) -> Frame:
    entries: dict[str, Any] = {
        "pixels": np.zeros((30, 20), np.uint8),
        "raster": RASTER,
        "dynamic_range_db": 60.0,
        "provenance": MADE_BY,
    }
    return Frame(**(entries | changes))


def test_a_pixel_knows_where_it_lies() -> None:
    assert frame().shape == (30, 20)
    assert frame().position_m(0, 0) == (-0.01, 0.002)
    assert frame().position_m(10, 2.5) == pytest.approx((-0.00975, 0.003))


def test_pixels_are_kept_contiguous() -> None:
    assert frame(pixels=np.zeros((20, 30), np.uint8).T).pixels.flags.c_contiguous


def test_times_are_unknown_unless_given() -> None:
    assert np.isnan(frame().device_timestamp_s)
    assert np.isnan(frame().host_timestamp_s)


@pytest.mark.parametrize(
    "changes",
    [
        {"pixels": np.zeros((30, 20), np.float32)},
        {"pixels": np.zeros((20, 30), np.uint8)},
        {"pixels": np.zeros((30, 20, 4), np.uint8)},
        {"pixels": np.zeros((0, 20), np.uint8)},
        {"dynamic_range_db": 0.0},
        {"dynamic_range_db": float("nan")},
    ],
)
def test_what_is_no_frame_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        frame(**changes)


def test_a_provenance_with_unknown_figures_comes_back_through_json() -> None:
    made = Provenance(
        probe="探头",
        sequence="1 × plane",
        transmit_frequency_hz=5e6,
        sound_speed_m_s=math.nan,
        device=DeviceInfo(manufacturer="m", model="d"),
        gaps=(Gap(first_sequence_number=3, n_frames=2),),
        processing=(("a", "b"),),
    )
    plain = json.loads(json.dumps(made.to_dict(), allow_nan=False))
    found = Provenance.from_dict(plain)
    assert math.isnan(found.sound_speed_m_s)
    assert replace(found, sound_speed_m_s=0.0) == replace(made, sound_speed_m_s=0.0)
    with pytest.raises(DataDamagedError, match="not the provenance"):
        Provenance.from_dict(plain | {"probe": 5})
    with pytest.raises(DataDamagedError, match="not the provenance"):
        Provenance.from_dict({})
