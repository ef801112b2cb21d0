from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from usdk.errors import ArgumentError
from usdk.image import SliceConverter, VolumeConverter
from usdk.scan import Plane, PyramidScan, VolumeRaster, VolumeScan

ANGLES = np.linspace(-0.5, 0.6, 23)
RANGES = np.linspace(3e-3, 21e-3, 64)
GRID = VolumeScan(x_m=np.linspace(-6e-3, 5e-3, 24), y_m=np.linspace(-4e-3, 4e-3, 17), z_m=RANGES)
PYRAMID = PyramidScan(
    azimuths_rad=ANGLES, elevations_rad=ANGLES[:15], ranges_m=RANGES, apex_m=(1e-3, 0.0, -2e-3)
)
SCANS = pytest.mark.parametrize("scan", [GRID, PYRAMID], ids=["grid", "pyramid"])
TILTED = Plane(origin_m=(0.5e-3, 0.2e-3, 9e-3), across=(0.8, 0.6, 0.0), down=(-0.36, 0.48, 0.8))


def random_volume(scan: VolumeScan | PyramidScan) -> Any:
    return np.random.default_rng(3).standard_normal(scan.shape).astype(np.float32)


def reference(scan: VolumeScan | PyramidScan, volume: Any, points_m: Any, fill: float) -> Any:
    """scipy's first-order spline at the coordinates of the scan."""
    coordinates = scan.coordinates(points_m)
    last = np.array(scan.shape) - 1
    inside = ((coordinates >= -1e-6) & (coordinates <= last + 1e-6)).all(axis=-1)
    at = np.moveaxis(np.clip(np.nan_to_num(coordinates), 0, last), -1, 0)
    return np.where(inside, map_coordinates(volume.astype(float), at, order=1), fill)


@SCANS
def test_voxels_equal_scipy_s_trilinear_interpolation(scan: VolumeScan | PyramidScan) -> None:
    volume = random_volume(scan)
    converter = VolumeConverter(scan, scan.raster(n_z=50), anti_alias=False)
    out = converter(volume, fill=-9.0)
    points_m = np.stack(np.meshgrid(*converter.raster.axes_m(), indexing="ij"), axis=-1)
    np.testing.assert_allclose(out, reference(scan, volume, points_m, -9.0), atol=2e-5)
    assert out.shape == converter.raster.shape


@SCANS
def test_a_slice_of_the_voxels_is_the_slice_of_the_volume(scan: VolumeScan | PyramidScan) -> None:
    # A field that is linear in space is kept by either way.
    points_m = scan.points_m()
    volume = (points_m @ [1.0, 2.0, 3.0]).astype(np.float32)
    raster = scan.raster(voxel_size_m=0.2e-3)
    voxels = VolumeConverter(scan, raster)(volume, fill=np.nan)
    grid = VolumeScan(**dict(zip(("x_m", "y_m", "z_m"), raster.axes_m(), strict=True)))
    plane = Plane.at_y(0.1e-3)
    pixels = plane.raster(grid.bounds_m, pixel_size_m=0.3e-3)
    direct = SliceConverter(scan, plane, pixels)(volume, fill=np.nan)
    by_voxels = SliceConverter(grid, plane, pixels)(voxels, fill=np.nan)
    both = np.isfinite(direct) & np.isfinite(by_voxels)
    # The edges of what was smoothed bend by up to a step.
    core = both & (np.abs(direct - plane.points_m(pixels) @ [1.0, 2.0, 3.0]) < 2e-4)
    assert both.sum() > 500
    assert core.sum() > 0.7 * both.sum()
    np.testing.assert_allclose(direct[core], by_voxels[core], atol=5e-4)


def striped(scan: VolumeScan | PyramidScan, axis: int) -> Any:
    """+1 and −1 in turn along an axis: the finest pattern that a grid can hold."""
    stripes = np.ones(scan.shape, np.float32)
    np.moveaxis(stripes, axis, -1)[..., 1::2] = -1
    return stripes


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_coarse_voxels_of_a_grid_do_not_alias(axis: int) -> None:
    stripes = striped(GRID, axis)
    step_m = (11e-3 / 23, 8e-3 / 16, 18e-3 / 63)[axis]
    coarse = GRID.raster(voxel_size_m=3.7 * step_m)
    inner = (slice(1, -1),) * 3
    aliased = VolumeConverter(GRID, coarse, anti_alias=False)(stripes)[inner]
    smooth = VolumeConverter(GRID, coarse)(stripes)[inner]
    assert np.abs(aliased).max() > 0.5
    assert np.abs(smooth).max() < 0.06


@SCANS
def test_a_constant_stays_one_where_the_volume_is_smoothed(scan: VolumeScan | PyramidScan) -> None:
    volume = np.full(scan.shape, 7.0, np.float32)
    for out in (
        VolumeConverter(scan, scan.raster(n_z=8))(volume, fill=7.0),
        SliceConverter(scan, TILTED, TILTED.raster(scan.bounds_m, n_rows=8))(volume, fill=7.0),
    ):
        np.testing.assert_allclose(out, 7.0, rtol=1e-6)


@SCANS
def test_voxels_as_fine_as_the_data_are_not_smoothed(scan: VolumeScan | PyramidScan) -> None:
    volume = random_volume(scan)
    raster = VolumeRaster(
        x_m=-2e-3, y_m=-1e-3, z_m=8e-3, voxel_size_m=0.02e-3, n_x=20, n_y=20, n_z=20
    )
    exact = VolumeConverter(scan, raster, anti_alias=False)(volume)
    np.testing.assert_array_equal(VolumeConverter(scan, raster)(volume), exact)


@SCANS
def test_threads_change_no_bit_and_a_frame_allocates_nothing(
    scan: VolumeScan | PyramidScan,
) -> None:
    volume = random_volume(scan)
    raster, pixels = scan.raster(n_z=30), TILTED.raster(scan.bounds_m, n_rows=100)
    for converter in (
        VolumeConverter(scan, raster), SliceConverter(scan, TILTED, pixels)
    ):  # fmt: skip
        one = converter(volume, threads=1)
        out = np.empty_like(one)
        converter(volume, out=out, threads=3)
        np.testing.assert_array_equal(out, one)
        tracemalloc.start()
        try:
            converter(volume, out=out, threads=1)
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            converter(volume, out=out, threads=1)
            assert tracemalloc.get_traced_memory()[1] - before < 32_768
        finally:
            tracemalloc.stop()


def test_tables_of_voxels_grow_with_faces_not_with_volumes() -> None:
    n_voxels = [
        (VolumeConverter(PYRAMID, PYRAMID.raster(n_z=n), anti_alias=False), n) for n in (50, 100)
    ]
    (small, _), (large, _) = n_voxels
    assert large.n_bytes < 4.5 * small.n_bytes
    assert large.n_bytes < 0.2 * 4 * np.prod(large.raster.shape)


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c(np.zeros((3, 3, 3), np.float32)),
        lambda c: c(np.zeros(GRID.shape, np.float32), out=np.zeros((2, 2), np.float32)),
        lambda c: c(np.zeros(GRID.shape, np.float32), out=np.zeros(c(
            np.zeros(GRID.shape, np.float32)).shape)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["volume", "slice"])
def test_arrays_of_another_shape_or_type_are_refused(kind: str, call: Any) -> None:
    converter = (
        VolumeConverter(GRID, GRID.raster(n_z=4))
        if kind == "volume"
        else SliceConverter(GRID, Plane.at_y(), Plane.at_y().raster(GRID.bounds_m, n_rows=4))
    )
    with pytest.raises(ArgumentError):
        call(converter)
