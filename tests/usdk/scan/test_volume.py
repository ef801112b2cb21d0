from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from usdk.errors import ArgumentError
from usdk.scan import PyramidScan, VolumeRaster, VolumeScan
from usdk.transmit import PlaneWave

X = np.linspace(-4e-3, 4e-3, 9)
Y = np.linspace(-2e-3, 1e-3, 7)
Z = np.linspace(5e-3, 15e-3, 21)
ANGLES = np.linspace(-0.6, 0.6, 13)


def test_points_of_a_volume_stand_on_its_axes() -> None:
    scan = VolumeScan(x_m=X, y_m=Y, z_m=Z)
    points_m = scan.points_m()
    assert scan.shape == points_m.shape[:3] == (9, 7, 21)
    assert points_m[3, 5, 7].tolist() == [X[3], Y[5], Z[7]]
    assert scan.bounds_m == (-4e-3, 4e-3, -2e-3, 1e-3, 5e-3, 15e-3)


def test_a_pyramid_s_lines_lie_in_both_of_their_tilted_planes() -> None:
    scan = PyramidScan(
        azimuths_rad=ANGLES, elevations_rad=ANGLES[4:], ranges_m=Z, apex_m=(1e-3, 2e-3, -3e-3)
    )
    points_m = scan.points_m() - [1e-3, 2e-3, -3e-3]
    assert points_m.shape == (13, 9, 21, 3)
    x, y, z = np.moveaxis(points_m, -1, 0)
    np.testing.assert_allclose(x, z * np.tan(ANGLES)[:, None, None], atol=1e-15)
    np.testing.assert_allclose(y, z * np.tan(ANGLES[4:])[None, :, None], atol=1e-15)
    np.testing.assert_allclose(np.sqrt(x**2 + y**2 + z**2), np.broadcast_to(Z, x.shape))


@pytest.mark.parametrize(("azimuth", "elevation"), [(0.3, 0.0), (0.0, -0.4)])
def test_where_one_angle_is_zero_a_line_runs_with_the_plane_wave_of_the_same_angles(
    azimuth: float, elevation: float
) -> None:
    scan = PyramidScan(
        azimuths_rad=[azimuth, azimuth + 0.1],
        elevations_rad=[elevation, elevation + 0.1],
        ranges_m=Z,
    )  # type: ignore[arg-type]
    wave = PlaneWave(azimuth_rad=azimuth, elevation_rad=elevation)
    np.testing.assert_allclose(scan.directions[0, 0], wave.direction, atol=1e-15)


@given(
    first=st.tuples(st.floats(-1.5, 1.4), st.floats(-1.5, 1.4)),
    width=st.tuples(st.floats(0.01, 3.0), st.floats(0.01, 3.0)),
    least=st.floats(0, 0.05),
    depth=st.floats(1e-3, 0.1),
    apex=st.tuples(*[st.floats(-0.05, 0.05)] * 3),
)
def test_the_bounds_of_a_pyramid_hold_every_point_and_no_more(
    first: tuple[float, float],
    width: tuple[float, float],
    least: float,
    depth: float,
    apex: tuple[float, float, float],
) -> None:
    # With odd counts about 0 where 0 is inside, so that the middle falls on a line.
    axes = [np.linspace(a, min(a + w, 1.5), 41) for a, w in zip(first, width, strict=True)]
    scan = PyramidScan(
        azimuths_rad=axes[0],
        elevations_rad=axes[1],
        ranges_m=np.linspace(least, least + depth, 3),
        apex_m=apex,
    )
    points_m = scan.points_m().reshape(-1, 3)
    bounds_m = np.array(scan.bounds_m).reshape(3, 2)
    step = max(axis[1] - axis[0] for axis in axes)
    slack_m = (least + depth) * (1 - math.cos(step)) + 1e-12
    for found, bound, sign in (
        (points_m.min(axis=0), bounds_m[:, 0], 1),
        (points_m.max(axis=0), bounds_m[:, 1], -1),
    ):
        gap_m = sign * (found - bound)
        assert (gap_m >= -1e-12).all()
        assert (gap_m <= slack_m).all()


@pytest.mark.parametrize(
    "scan",
    [
        VolumeScan(x_m=X, y_m=Y, z_m=Z),
        PyramidScan(azimuths_rad=ANGLES, elevations_rad=ANGLES[:5], ranges_m=Z),
        PyramidScan(
            azimuths_rad=ANGLES, elevations_rad=ANGLES, ranges_m=Z, apex_m=(1e-3, 0.0, -9e-3)
        ),
    ],
    ids=["grid", "pyramid", "apex behind"],
)
def test_coordinates_are_the_inverse_of_the_points(scan: VolumeScan | PyramidScan) -> None:
    indices = np.stack(np.meshgrid(*map(np.arange, scan.shape), indexing="ij"), axis=-1)
    np.testing.assert_allclose(scan.coordinates(scan.points_m()), indices, atol=1e-9)


def test_what_lies_behind_a_pyramid_has_no_place_in_it() -> None:
    scan = PyramidScan(azimuths_rad=ANGLES, elevations_rad=ANGLES, ranges_m=Z)
    assert np.isnan(scan.coordinates(np.array([0.0, 0.0, -1e-2]))).all()


@given(n_z=st.integers(2, 200), depth=st.floats(1e-3, 0.1), width=st.floats(1e-4, 0.1))
def test_voxels_fill_the_bounds_and_never_reach_past_them(
    n_z: int, depth: float, width: float
) -> None:
    scan = VolumeScan(
        x_m=np.linspace(-width, width, 5), y_m=Y, z_m=np.linspace(1e-3, 1e-3 + depth, 5)
    )
    size_m = depth / (n_z - 1)
    if max(width, 3e-3) / size_m > 400:  # more voxels than a test needs
        return
    raster = scan.raster(n_z=n_z)
    assert raster.n_z == n_z
    for axis_m, (least, greatest) in zip(
        raster.axes_m(), np.array(scan.bounds_m).reshape(3, 2), strict=True
    ):
        assert axis_m[0] >= least - 1e-9 * size_m
        assert axis_m[-1] <= greatest + 1e-9 * size_m
        assert (greatest - least) - np.ptp(axis_m) < size_m * (1 + 1e-6)


@pytest.mark.parametrize(
    "make",
    [
        lambda: VolumeScan(x_m=X, y_m=Y[::-1], z_m=Z),
        lambda: VolumeScan(x_m=X, y_m=[0.0], z_m=Z),  # type: ignore[arg-type]
        lambda: VolumeScan(x_m=np.arange(600), y_m=np.arange(600), z_m=np.arange(600)),
        lambda: PyramidScan(azimuths_rad=2.7 * ANGLES, elevations_rad=ANGLES, ranges_m=Z),
        lambda: PyramidScan(azimuths_rad=ANGLES, elevations_rad=2.7 * ANGLES, ranges_m=Z),
        lambda: PyramidScan(azimuths_rad=ANGLES, elevations_rad=ANGLES, ranges_m=Z - 6e-3),
        lambda: PyramidScan(
            azimuths_rad=ANGLES, elevations_rad=ANGLES, ranges_m=Z, apex_m=(0, math.nan, 0)
        ),
        lambda: PyramidScan(
            azimuths_rad=ANGLES, elevations_rad=ANGLES, ranges_m=Z, apex_m=(0.0, 0.0)
        ),  # type: ignore[arg-type]
        lambda: VolumeScan(x_m=X, y_m=Y, z_m=Z).raster(n_z=1),
        lambda: VolumeScan(x_m=X, y_m=Y, z_m=Z).raster(n_z=9, voxel_size_m=1e-3),
        lambda: VolumeScan(x_m=X, y_m=Y, z_m=Z).raster(voxel_size_m=math.nan),
        lambda: VolumeScan(x_m=X, y_m=Y, z_m=Z).raster(voxel_size_m=1e-6),
        lambda: VolumeScan(x_m=X, y_m=Y, z_m=Z).raster(voxel_size_m=1e-300),
        lambda: VolumeRaster(x_m=0, y_m=0, z_m=0, voxel_size_m=0, n_x=2, n_y=2, n_z=2),
        lambda: VolumeRaster(x_m=0, y_m=math.inf, z_m=0, voxel_size_m=1, n_x=2, n_y=2, n_z=2),
        lambda: VolumeRaster(x_m=0, y_m=0, z_m=0, voxel_size_m=1, n_x=0, n_y=2, n_z=2),
        lambda: VolumeRaster(x_m=0, y_m=0, z_m=0, voxel_size_m=1, n_x=2.5, n_y=2, n_z=2),  # type: ignore[arg-type]
        lambda: VolumeRaster(x_m=0, y_m=0, z_m=0, voxel_size_m=1, n_x=999, n_y=999, n_z=999),
    ],
)
def test_what_is_no_volume_is_refused(make: Any) -> None:
    with pytest.raises(ArgumentError):
        make()
