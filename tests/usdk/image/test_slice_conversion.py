from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from usdk.image import SliceConverter
from usdk.scan import Plane, PyramidScan, Raster, VolumeScan

ANGLES = np.linspace(-0.5, 0.6, 23)
RANGES = np.linspace(3e-3, 21e-3, 64)
PAGE = Path(__file__).parents[3] / "docs/how-to/see-a-volume.md"
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
@pytest.mark.parametrize(
    "plane", [Plane.at_x(), Plane.at_y(0.3e-3), Plane.at_z(9e-3), TILTED], ids="xyzt"
)
def test_slices_equal_scipy_s_trilinear_interpolation(
    scan: VolumeScan | PyramidScan, plane: Plane
) -> None:
    volume = random_volume(scan)
    converter = SliceConverter(scan, plane, anti_alias=False)
    out = converter(volume, fill=-9.0)
    expected = reference(scan, volume, plane.points_m(converter.raster), -9.0)
    np.testing.assert_allclose(out, expected, atol=2e-5)
    assert np.count_nonzero(out != -9.0) > 0.1 * out.size


def striped(scan: VolumeScan | PyramidScan, axis: int) -> Any:
    """+1 and −1 in turn along an axis: the finest pattern that a grid can hold."""
    stripes = np.ones(scan.shape, np.float32)
    np.moveaxis(stripes, axis, -1)[..., 1::2] = -1
    return stripes


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_coarse_slices_of_a_pyramid_do_not_alias(axis: int) -> None:
    stripes = striped(PYRAMID, axis)
    # Three steps of the angles at the greatest range, more before it.
    size_m = 3 * 21e-3 * (ANGLES[1] - ANGLES[0]) if axis < 2 else 3 * (RANGES[1] - RANGES[0])
    plane = (Plane.at_y(), Plane.at_x(), Plane.at_y())[axis]
    raster = plane.raster(PYRAMID.bounds_m, pixel_size_m=size_m)
    aliased = SliceConverter(PYRAMID, plane, raster, anti_alias=False)(stripes, fill=np.nan)
    smooth = SliceConverter(PYRAMID, plane, raster)(stripes, fill=np.nan)
    assert np.array_equal(np.isnan(aliased), np.isnan(smooth))
    # The outermost lines have no neighbours to cancel them.
    assert np.nanmedian(np.abs(aliased)) > 0.3
    assert np.nanmedian(np.abs(smooth)) < 0.1


def test_pixels_beside_the_volume_take_the_fill() -> None:
    raster = Raster(x_m=1.0, z_m=1.0, pixel_size_m=1e-3, n_rows=3, n_columns=4)
    for scan in (GRID, PYRAMID):
        out = SliceConverter(scan, Plane.at_y(), raster)(random_volume(scan), fill=-3.0)
        assert (out == -3.0).all()


def test_a_raster_of_one_pixel_is_a_probe_of_one_place() -> None:
    raster = Raster(
        x_m=float(GRID.x_m[5]), z_m=float(RANGES[9]), pixel_size_m=1e-3, n_rows=1, n_columns=1
    )
    volume = random_volume(GRID)
    out = SliceConverter(GRID, Plane.at_y(float(GRID.y_m[3])), raster)(volume)
    assert out[0, 0] == pytest.approx(volume[5, 3, 9], abs=1e-5)


def test_the_page_s_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    exec(compile(code, str(PAGE), "exec"), {})
    assert capsys.readouterr().out.startswith("(24, 24, 142) (512, ")
