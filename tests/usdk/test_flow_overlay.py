"""What the colours of a frame mean."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from usdk.errors import ArgumentError
from usdk.flow_overlay import FlowKind, FlowOverlay
from usdk.frame import Frame, Provenance
from usdk.scan import Raster


def overlay(**changes: Any) -> FlowOverlay:
    fields: dict[str, Any] = {
        "kind": FlowKind.VELOCITY,
        "velocity_m_s": np.zeros((4, 6), np.float32),
        "power_db": np.zeros((4, 6), np.float32),
        "scale": (-0.3, 0.3),
        "colours": np.zeros((256, 3), np.uint8),
        "nyquist_m_s": 0.3,
        "prf_hz": 4000.0,
        "frequency_hz": 5e6,
        "box": (0, 0, 4, 6),
    }
    return FlowOverlay(**{**fields, **changes})


def frame(pixels: Any, colours: FlowOverlay | None) -> Frame:
    return Frame(
        pixels=pixels,
        raster=Raster(n_rows=4, n_columns=6, pixel_size_m=1e-4, x_m=0.0, z_m=0.0),
        dynamic_range_db=60.0,
        provenance=Provenance(
            probe="p", sequence="s", transmit_frequency_hz=5e6, sound_speed_m_s=1540.0
        ),
        overlay=colours,
    )


def test_a_colour_frame_keeps_the_velocities_beside_the_pixels() -> None:
    colour = frame(np.zeros((4, 6, 3), np.uint8), overlay())
    assert colour.is_colour
    assert colour.shape == (4, 6)
    assert colour.overlay is not None
    assert colour.overlay.unit == "m/s"
    assert not frame(np.zeros((4, 6), np.uint8), None).is_colour


def test_grey_pixels_and_other_rasters_take_no_overlay() -> None:
    with pytest.raises(ArgumentError):
        frame(np.zeros((4, 6), np.uint8), overlay())
    other = np.zeros((4, 5), np.float32)
    with pytest.raises(ArgumentError):
        frame(np.zeros((4, 6, 3), np.uint8), overlay(velocity_m_s=other, power_db=other))


@pytest.mark.parametrize(
    "changes",
    [
        {"velocity_m_s": np.zeros((4, 5), np.float32)},
        {"colours": np.zeros((256, 4), np.uint8)},
        {"scale": (0.3, 0.3)},
    ],
)
def test_what_is_no_overlay_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        overlay(**changes)


def test_power_is_told_in_decibel() -> None:
    assert overlay(kind=FlowKind.POWER, scale=(-40.0, 0.0)).unit == "dB"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kind", "temperature"),
        ("velocity_m_s", [[1, 2]]),
        ("power_db", np.zeros((9, 9), np.float32)),
        ("scale", None),
        ("scale", (0.0, np.inf)),
        ("colours", np.zeros((0, 3), np.uint8)),
        ("colours", np.uint8(3)),
        ("nyquist_m_s", np.nan),
        ("prf_hz", 0.0),
        ("frequency_hz", "x"),
        ("steering_rad", np.inf),
        ("angle_rad", np.nan),
        ("box", None),
        ("box", (0, 0, 0, 1)),
        ("box", (-1, 0, 1, 1)),
        ("box", (0, 0, 10_000, 1)),
    ],
)
def test_what_cannot_be_an_overlay_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ArgumentError):
        overlay(**{name: value})
