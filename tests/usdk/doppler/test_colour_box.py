from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from usdk.doppler import beams_over, colour_box
from usdk.errors import ArgumentError
from usdk.probe import Probe
from usdk.scan import LinearScan, SectorScan, planar_scan_for
from usdk.sequences import focused_lines, plane_waves
from usdk.transmit import FocusedWave, TransmitSequence

LINEAR = Probe.linear(
    "L", n_elements=32, pitch_m=0.3e-3, centre_frequency_hz=5e6, fractional_bandwidth=0.6
)
CURVED = Probe.curved(
    "C",
    n_elements=32,
    pitch_m=0.4e-3,
    radius_m=40e-3,
    centre_frequency_hz=3e6,
    fractional_bandwidth=0.6,
)
VIEW = planar_scan_for(LINEAR, depth_m=30e-3)
FAN = SectorScan(angles_rad=np.linspace(-0.5, 0.5, 101), ranges_m=np.linspace(5e-3, 45e-3, 401))


def test_a_box_has_lines_of_the_view_between_its_limits() -> None:
    box = colour_box(VIEW, x_m=(-2e-3, 3e-3), z_m=(10e-3, 20e-3), every=2)
    assert isinstance(box, LinearScan)
    assert isinstance(VIEW, LinearScan)
    assert np.isin(box.x_m, VIEW.x_m).all()
    np.testing.assert_allclose(
        np.diff(box.x_m), LINEAR.element_positions_m[1, 0] - LINEAR.element_positions_m[0, 0]
    )
    assert -2e-3 <= box.x_m[0] < -1.7e-3
    assert 2.7e-3 < box.x_m[-1] <= 3e-3
    assert np.isin(box.z_m, VIEW.z_m).all()
    assert box.z_m[[0, -1]] == pytest.approx([10e-3, 20e-3], abs=0.08e-3)


def test_limits_on_a_line_include_it_and_absent_ones_all() -> None:
    box = colour_box(FAN, angles_rad=(-0.1, 0.2), n_samples=64)
    assert isinstance(box, SectorScan)
    assert box.shape == (31, 64)
    assert box.ranges_m[[0, -1]] == pytest.approx([5e-3, 45e-3])
    assert box.apex_m == FAN.apex_m
    assert colour_box(FAN).shape == FAN.shape


def test_samples_never_leave_the_view() -> None:
    box = colour_box(VIEW, z_m=(-5e-3, 90e-3), n_samples=16)
    assert isinstance(box, LinearScan)
    assert isinstance(VIEW, LinearScan)
    assert box.z_m[0] == VIEW.z_m[0]
    assert box.z_m[-1] == VIEW.z_m[-1]


@pytest.mark.parametrize(
    ("view", "options", "said"),
    [
        (VIEW, {"angles_rad": (0, 1)}, "limited by x_m and z_m"),
        (FAN, {"x_m": (0, 1)}, "limited by angles_rad and ranges_m"),
        (VIEW, {"x_m": (1e-3, 1.1e-3)}, "holds 1 of the view's|holds 0 of the view's"),
        (VIEW, {"x_m": (3e-3, 1e-3)}, r"must be \(least, greatest\)"),
        (VIEW, {"x_m": (50e-3, 60e-3)}, "within"),
        (VIEW, {"x_m": 3e-3}, r"must be \(least, greatest\)"),
        (VIEW, {"x_m": (0, math.nan)}, "must be finite"),
        (VIEW, {"every": 0}, "every must be 1"),
        (VIEW, {"n_samples": 1}, "n_samples must be 2"),
        (3, {}, "needs a LinearScan or SectorScan"),
    ],
)
def test_limits_that_hold_no_box_are_refused(view: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        colour_box(view, **options)


def test_only_beams_over_the_box_and_their_neighbours_are_sent() -> None:
    beams = focused_lines(LINEAR, n_lines=32, focus_depth_m=15e-3)
    box = colour_box(VIEW, x_m=(-2e-3, 2e-3))
    chosen = beams_over(beams, box)
    x_m = [beam.origin_m[0] for beam in chosen.transmits if isinstance(beam, FocusedWave)]
    assert len(x_m) == len(chosen)
    step_m = x_m[1] - x_m[0]
    # The lines of the box run from −1.95 to 1.95 mm, where beams stand; rounding decides whether
    # those are beams of the box, or its neighbours.
    assert -1.95e-3 - 1.01 * step_m <= x_m[0] <= -1.949e-3
    assert 1.949e-3 <= x_m[-1] <= 1.95e-3 + 1.01 * step_m
    # Where the box reaches the edge of the array there is no neighbour.
    assert beams_over(beams, colour_box(VIEW)).transmits == beams.transmits


def test_steered_beams_count_where_they_cross_the_box() -> None:
    slope = math.tan(0.3)
    beams = TransmitSequence(
        transmits=tuple(
            FocusedWave(origin_m=(x, 0, 0), focus_m=(x + 20e-3 * slope, 0, 20e-3))
            for x in np.linspace(-10e-3, 10e-3, 21).tolist()
        )
    )
    box = LinearScan(x_m=np.linspace(0, 2e-3, 5), z_m=np.linspace(15e-3, 18e-3, 9))
    x_m = [b.origin_m[0] for b in beams_over(beams, box).transmits if isinstance(b, FocusedWave)]
    assert x_m[1] + 18e-3 * slope >= 0 > x_m[0] + 18e-3 * slope
    assert x_m[-2] + 15e-3 * slope <= 2e-3 < x_m[-1] + 15e-3 * slope


def test_beams_of_a_curved_array_fan_out_with_its_lines() -> None:
    beams = focused_lines(CURVED, n_lines=32, focus_depth_m=30e-3)
    view = planar_scan_for(CURVED, depth_m=50e-3, n_lines=63)
    box = colour_box(view, angles_rad=(-0.051, 0.051), ranges_m=(50e-3, 70e-3))
    angles_rad = [
        math.atan2(b.focus_m[0] - b.origin_m[0], b.focus_m[2] - b.origin_m[2])
        for b in beams_over(beams, box).transmits
        if isinstance(b, FocusedWave)
    ]
    assert isinstance(box, SectorScan)
    assert angles_rad[0] < box.angles_rad[0] <= angles_rad[1]
    assert angles_rad[-2] <= box.angles_rad[-1] < angles_rad[-1]


def test_plane_waves_reach_all_of_a_box() -> None:
    waves = plane_waves([-5, 0, 5])
    assert beams_over(waves, colour_box(VIEW, x_m=(0, 2e-3))) == waves


def test_a_box_that_no_beam_passes_through_is_refused() -> None:
    beams = focused_lines(LINEAR, n_lines=32, focus_depth_m=15e-3)
    aside = LinearScan(x_m=np.array([20e-3, 21e-3]), z_m=np.array([5e-3, 6e-3]))
    with pytest.raises(ArgumentError, match="no beam passes"):
        beams_over(beams, aside)
