from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from usdk.errors import ArgumentError
from usdk.scan import LinearScan, LineScan, SectorScan


def test_points_lie_equally_spaced_between_the_ends() -> None:
    line = LineScan(start_m=(0.01, 0.02), end_m=(0.04, 0.06), n_samples=6, start_depth_m=0.005)
    points_m = line.points_m()
    assert line.shape == (6,)
    assert points_m.shape == (6, 3)
    assert points_m[0] == pytest.approx([0.01, 0, 0.02])
    assert points_m[-1] == pytest.approx([0.04, 0, 0.06])
    assert np.linalg.norm(np.diff(points_m, axis=0), axis=1) == pytest.approx([0.01] * 5)
    assert line.length_m == pytest.approx(0.05)
    assert line.depths_m == pytest.approx(0.005 + np.arange(6) * 0.01)


def test_a_line_may_lie_anywhere_in_space() -> None:
    line = LineScan(start_m=(0, 0, 0.01), end_m=(0, 0.03, 0.05), n_samples=3)
    assert line.points_m()[1] == pytest.approx([0, 0.015, 0.03])


def test_a_line_of_a_linear_scan_has_its_samples() -> None:
    scan = LinearScan(x_m=np.linspace(-0.01, 0.01, 5), z_m=np.linspace(0.002, 0.03, 50))
    line = LineScan.of(scan, x_m=0.005)
    assert line.points_m() == pytest.approx(scan.points_m()[3])
    assert line.depths_m == pytest.approx(scan.z_m)
    assert LineScan.of(scan, x_m=0.0031).points_m()[:, 0] == pytest.approx([0.0031] * 50)


def test_a_line_of_a_fan_has_its_samples_and_its_depth_from_the_face() -> None:
    angles_rad = np.linspace(-0.5, 0.5, 11)
    fan = SectorScan(angles_rad=angles_rad, ranges_m=np.linspace(0.002, 0.08, 40))
    line = LineScan.of(fan, angle_rad=float(angles_rad[8]))
    assert line.points_m() == pytest.approx(fan.points_m()[8])
    assert line.depths_m == pytest.approx(fan.ranges_m)
    convex = SectorScan(
        angles_rad=angles_rad, ranges_m=np.linspace(0.062, 0.14, 40), apex_m=(0.0, -0.06)
    )
    line = LineScan.of(convex, angle_rad=float(angles_rad[2]))
    assert line.points_m() == pytest.approx(convex.points_m()[2])
    assert line.depths_m == pytest.approx(convex.ranges_m - 0.06)


@pytest.mark.parametrize(
    "options",
    [
        {"end_m": (0, 0)},
        {"end_m": (0,)},
        {"end_m": (0, 0, 0, 1)},
        {"end_m": (0, math.nan)},
        {"end_m": "down"},
        {"end_m": 0.03},
        {"n_samples": 1},
        {"n_samples": 2.5},
        {"n_samples": math.nan},
        {"n_samples": "many"},
        {"start_depth_m": "deep"},
        {"n_samples": 2**28},
        {"start_depth_m": math.inf},
    ],
)
def test_lines_that_cannot_be_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        LineScan(**({"start_m": (0, 0), "end_m": (0, 0.03), "n_samples": 10} | options))


@pytest.mark.parametrize("options", [{}, {"x_m": 0.02}, {"angle_rad": 0.0}, {"x_m": math.nan}])
def test_a_linear_scan_has_lines_by_position(options: dict[str, float]) -> None:
    scan = LinearScan(x_m=np.linspace(-0.01, 0.01, 5), z_m=np.linspace(0.002, 0.03, 50))
    with pytest.raises(ArgumentError, match="x_m"):
        LineScan.of(scan, **options)


@pytest.mark.parametrize("options", [{}, {"x_m": 0.0}, {"angle_rad": 0.6}])
def test_a_fan_has_lines_by_angle(options: dict[str, float]) -> None:
    fan = SectorScan(angles_rad=np.linspace(-0.5, 0.5, 11), ranges_m=np.linspace(0, 0.08, 40))
    with pytest.raises(ArgumentError, match="angle_rad"):
        LineScan.of(fan, **options)
