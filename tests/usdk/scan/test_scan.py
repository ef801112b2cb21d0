from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from usdk.errors import ArgumentError
from usdk.probe import ArrayKind, Probe
from usdk.scan import (
    LinearScan,
    PyramidScan,
    Raster,
    Scan,
    SectorScan,
    planar_scan_for,
    scan_for,
)

BAND = {"centre_frequency_hz": 5e6, "fractional_bandwidth": 0.7}
LINEAR = Probe.linear("L", n_elements=64, pitch_m=0.3e-3, **BAND)
PHASED = Probe.linear("P", n_elements=64, pitch_m=0.2e-3, kind=ArrayKind.PHASED, **BAND)
CONVEX = Probe.curved("C", n_elements=64, pitch_m=0.5e-3, radius_m=40e-3, **BAND)
X = np.linspace(-0.01, 0.01, 21)
Z = np.linspace(0.005, 0.03, 26)


def test_points_of_a_linear_scan() -> None:
    scan = LinearScan(x_m=X, z_m=Z)
    points_m = scan.points_m()
    assert scan.shape == (21, 26)
    assert points_m.shape == (21, 26, 3)
    assert np.array_equal(points_m[3, 7], [X[3], 0, Z[7]])
    assert scan.bounds_m == (-0.01, 0.01, 0.005, 0.03)


@given(
    first=st.floats(-3.1, 3.0),
    width=st.floats(0.01, 6.0),
    least=st.floats(0, 0.05),
    depth=st.floats(0.001, 0.1),
    apex=st.tuples(st.floats(-0.05, 0.05), st.floats(-0.05, 0.05)),
)
def test_the_bounds_of_a_sector_hold_every_point_and_no_more(
    first: float, width: float, least: float, depth: float, apex: tuple[float, float]
) -> None:
    angles_rad = np.linspace(first, min(first + width, 3.14), 400)
    scan = SectorScan(
        angles_rad=angles_rad, ranges_m=np.linspace(least, least + depth, 5), apex_m=apex
    )
    points_m = scan.points_m()
    x0, x1, z0, z1 = scan.bounds_m
    found = (
        points_m[..., 0].min(),
        points_m[..., 0].max(),
        points_m[..., 2].min(),
        points_m[..., 2].max(),
    )
    # Between two lines the arc reaches at most r (1 − cos(step / 2)) past their ends.
    slack_m = (least + depth) * (1 - math.cos((angles_rad[1] - angles_rad[0]) / 2)) + 1e-12
    for bound, point, sign in zip((x0, x1, z0, z1), found, (-1, 1, -1, 1), strict=True):
        assert -1e-12 <= sign * (bound - point) <= slack_m


def test_distances_from_the_apex_are_the_ranges() -> None:
    scan = SectorScan(
        angles_rad=np.linspace(-0.5, 0.5, 11), ranges_m=Z, apex_m=np.array([1e-3, -2e-3])
    )  # type: ignore[arg-type]
    assert scan.apex_m == (1e-3, -2e-3)
    offset_m = scan.points_m() - [1e-3, 0, -2e-3]
    assert np.allclose(np.linalg.norm(offset_m, axis=-1), Z)
    assert np.allclose(np.arctan2(offset_m[..., 0], offset_m[..., 2]).T, scan.angles_rad)


def test_axes_cannot_be_changed_from_outside() -> None:
    x_m = X.copy()
    scan = LinearScan(x_m=x_m, z_m=Z)
    x_m[0] = -1
    assert scan.x_m[0] == -0.01
    with pytest.raises(ValueError, match="read-only"):
        scan.z_m[0] = 0


@given(n=st.integers(2, 2000), first=st.floats(-0.2, 0.2), step=st.floats(1e-5, 1e-3))
def test_an_even_grid_that_was_stored_as_float32_is_still_even(
    n: int, first: float, step: float
) -> None:
    grid_m = (first + step * np.arange(n)).astype(np.float32)
    spacing_m = np.spacing(np.float32(np.abs(grid_m).max()))
    if spacing_m > 5e-3 * step:  # float32 itself is too coarse for the grid
        return
    assert LinearScan(x_m=grid_m, z_m=Z).shape == (n, 26)


@pytest.mark.parametrize(
    "bad",
    [
        np.array([0.01]),
        np.array([]),
        np.array([[0.0, 0.01]]),
        np.array([0.0, np.nan, 0.02]),
        np.array([0.0, 0.01, 0.03]),
        np.array([0.0, 0.01, 0.0101, 0.03]),
        X[::-1],
        np.zeros(3),
        "x",
        ["0", "a"],
        [[0.0], [0.0, 1.0]],
    ],
)
def test_an_uneven_or_senseless_axis_is_refused(bad: Any) -> None:
    with pytest.raises(ArgumentError, match="x_m must"):
        LinearScan(x_m=bad, z_m=Z)
    with pytest.raises(ArgumentError, match="ranges_m must"):
        SectorScan(angles_rad=X, ranges_m=bad)


@pytest.mark.parametrize(
    "make",
    [
        lambda: SectorScan(angles_rad=np.linspace(-4, 0, 5), ranges_m=Z),
        lambda: SectorScan(angles_rad=X, ranges_m=np.linspace(-0.01, 0.02, 7)),
        lambda: SectorScan(angles_rad=X, ranges_m=Z, apex_m=(0, math.nan)),
        lambda: SectorScan(angles_rad=X, ranges_m=Z, apex_m=(0, 0, 0)),
        lambda: LinearScan(x_m=np.linspace(0, 1, 2**14), z_m=np.linspace(0, 1, 2**14)),
        lambda: Raster(x_m=0, z_m=0, pixel_size_m=0, n_rows=2, n_columns=2),
        lambda: Raster(x_m=0, z_m=0, pixel_size_m=math.nan, n_rows=2, n_columns=2),
        lambda: Raster(x_m=math.inf, z_m=0, pixel_size_m=1e-3, n_rows=2, n_columns=2),
        lambda: Raster(x_m=0, z_m=0, pixel_size_m=1e-3, n_rows=0, n_columns=2),
        lambda: Raster(x_m=0, z_m=0, pixel_size_m=1e-3, n_rows=2.5, n_columns=2),
        lambda: Raster(x_m="left", z_m=0, pixel_size_m=1e-3, n_rows=2, n_columns=2),
        lambda: Raster(x_m=0, z_m=0, pixel_size_m=1e-3, n_rows=2**14, n_columns=2**14),
        lambda: LinearScan(x_m=X, z_m=Z).raster(n_rows=1),
        lambda: LinearScan(x_m=X, z_m=Z).raster(n_rows=100, pixel_size_m=1e-4),
        lambda: LinearScan(x_m=X, z_m=Z).raster(pixel_size_m=-1e-4),
        lambda: LinearScan(x_m=X, z_m=Z).raster(pixel_size_m=math.nan),
        lambda: LinearScan(x_m=X, z_m=Z).raster(pixel_size_m=1e-9),
        lambda: LinearScan(x_m=X, z_m=Z).raster(pixel_size_m=1e-320),
    ],
)
def test_what_is_no_scan_or_raster_is_refused(make: Any) -> None:
    with pytest.raises(ArgumentError):
        make()


@given(
    n_rows=st.integers(2, 900),
    x=st.tuples(st.floats(-0.1, 0.1), st.floats(1e-3, 0.1)),
    z=st.tuples(st.floats(0, 0.1), st.floats(1e-3, 0.1)),
)
def test_a_raster_fills_the_scan_and_never_reaches_past_it(
    n_rows: int, x: tuple[float, float], z: tuple[float, float]
) -> None:
    scan = LinearScan(x_m=np.linspace(x[0], x[0] + x[1], 5), z_m=np.linspace(z[0], z[0] + z[1], 7))
    raster = scan.raster(n_rows=n_rows)
    size_m = raster.pixel_size_m
    x0, x1, z0, z1 = scan.bounds_m
    assert raster.n_rows == n_rows
    assert raster.z_m == z0
    assert raster.z_m + (n_rows - 1) * size_m == pytest.approx(z1)
    last_m = raster.x_m + (raster.n_columns - 1) * size_m
    assert raster.x_m - x0 == pytest.approx(x1 - last_m, abs=1e-12)
    assert -1e-9 * size_m <= raster.x_m - x0 < size_m


def test_a_raster_of_numpy_numbers_can_be_written_as_json() -> None:
    raster = Raster(
        x_m=np.float32(0.5),  # type: ignore[arg-type]
        z_m=np.float64(0.25),
        pixel_size_m=1e-3,
        n_rows=np.int64(3),  # type: ignore[arg-type]
        n_columns=4,
    )
    assert json.loads(json.dumps(vars(raster))) == vars(raster)


def test_the_natural_scan_of_a_linear_array() -> None:
    scan = scan_for(LINEAR, depth_m=0.04)
    assert isinstance(scan, LinearScan)
    assert scan.shape[0] == 127
    assert np.allclose(scan.x_m[::2], LINEAR.element_positions_m[:, 0])
    assert scan.z_m[-1] == 0.04
    assert np.diff(scan.z_m).max() <= 1540 / 5e6 / 4


def test_the_natural_scan_of_a_convex_array_starts_on_its_face() -> None:
    scan = scan_for(CONVEX, depth_m=0.08, start_m=0.0)
    face_m = scan.points_m()[::2, 0]
    assert np.allclose(face_m, CONVEX.element_positions_m, atol=1e-12)
    deepest_m = CONVEX.element_positions_m + 0.08 * CONVEX.element_normals
    assert np.allclose(scan.points_m()[::2, -1], deepest_m, atol=1e-12)


def test_the_natural_scan_of_a_phased_array_fans_out_from_its_middle() -> None:
    scan = scan_for(PHASED, depth_m=0.1, n_lines=91)
    assert isinstance(scan, SectorScan)
    assert scan.apex_m == (0, 0)
    assert np.allclose(np.degrees(scan.angles_rad), np.arange(-45, 46))


@pytest.mark.parametrize(
    "options",
    [
        {"depth_m": 1e-3},
        {"depth_m": math.nan},
        {"depth_m": math.inf},
        {"depth_m": 0.04, "start_m": -1e-3},
        {"depth_m": 0.04, "n_lines": 1},
        {"depth_m": 0.04, "n_lines": 0},
        {"depth_m": 0.04, "n_lines": -3},
        {"depth_m": 0.04, "n_lines": 10**9},
        {"depth_m": 0.04, "n_lines": 2.5},
        {"depth_m": "deep"},
        {"depth_m": 0.04, "spacing_m": 0.0},
        {"depth_m": 0.04, "spacing_m": -1e-4},
        {"depth_m": 0.04, "spacing_m": math.nan},
        {"depth_m": 0.04, "spacing_m": 1e-12},
    ],
)
def test_a_natural_scan_that_cannot_be_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        scan_for(LINEAR, **options)


def test_a_matrix_array_has_a_natural_volume_and_no_natural_plane() -> None:
    probe = Probe.matrix("M", n_elements_x=4, n_elements_y=4, pitch_m=0.3e-3, **BAND)
    scan = scan_for(probe, depth_m=0.04, n_lines=9, half_angle_rad=0.5)
    assert isinstance(scan, PyramidScan)
    assert scan.shape == (9, 9, 495)
    assert scan.azimuths_rad[0] == scan.elevations_rad[0] == -0.5
    assert scan.ranges_m[[0, -1]].tolist() == [2e-3, 0.04]
    with pytest.raises(ArgumentError, match="volume"):
        planar_scan_for(probe, depth_m=0.04)


def test_elements_of_no_kind_have_no_natural_scan() -> None:
    plain = LINEAR.to_dict() | {"kind": "other"}
    with pytest.raises(ArgumentError, match="make one yourself"):
        scan_for(Probe.from_dict(plain), depth_m=0.04)


def test_a_scan_of_no_kind_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Scan()  # type: ignore[abstract]
