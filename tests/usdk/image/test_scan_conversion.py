from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from usdk.errors import ArgumentError
from usdk.image.scan_conversion import ScanConverter
from usdk.scan import LinearScan, Raster, SectorScan

LINES = LinearScan(x_m=np.linspace(-0.02, 0.02, 65), z_m=np.linspace(0.003, 0.06, 300))
SECTOR = SectorScan(angles_rad=np.linspace(-0.7, 0.7, 97), ranges_m=np.linspace(0.002, 0.1, 400))
CONVEX = SectorScan(
    angles_rad=np.linspace(-0.5, 0.6, 80),
    ranges_m=np.linspace(0.05, 0.15, 300),
    apex_m=(0.004, -0.05),
)
SCANS = [LINES, SECTOR, CONVEX]


def image_of(scan: Any) -> NDArray[np.float32]:
    return np.random.default_rng(3).uniform(-60, 0, scan.shape).astype(np.float32)


def by_scipy(image: NDArray[Any], scan: Any, raster: Raster) -> NDArray[np.float64]:
    """The same bilinear interpolation, with the coordinates in float64; NaN outside."""
    x_m = raster.x_m + raster.pixel_size_m * np.arange(raster.n_columns)
    z_m = raster.z_m + raster.pixel_size_m * np.arange(raster.n_rows)
    x_m, z_m = np.meshgrid(x_m, z_m)
    if isinstance(scan, LinearScan):
        along = [(x_m, scan.x_m), (z_m, scan.z_m)]
    else:
        x_m, z_m = x_m - scan.apex_m[0], z_m - scan.apex_m[1]
        along = [(np.arctan2(x_m, z_m), scan.angles_rad), (np.hypot(x_m, z_m), scan.ranges_m)]
    places = [(p - axis[0]) / (axis[-1] - axis[0]) * (axis.size - 1) for p, axis in along]
    return np.asarray(map_coordinates(image.astype(np.float64), places, order=1, cval=np.nan))


@pytest.mark.parametrize("scan", SCANS, ids=["linear", "sector", "convex"])
@pytest.mark.parametrize("grow", [0.0, 0.01])
def test_the_raster_is_that_of_scipy(scan: Any, grow: float) -> None:
    raster = scan.raster(n_rows=301)
    extra = round(grow / raster.pixel_size_m)
    raster = Raster(
        x_m=raster.x_m - extra * raster.pixel_size_m,
        z_m=raster.z_m - extra * raster.pixel_size_m,
        pixel_size_m=raster.pixel_size_m,
        n_rows=raster.n_rows + 2 * extra,
        n_columns=raster.n_columns + 2 * extra,
    )
    image = image_of(scan)
    ours = ScanConverter(scan, raster)(image, fill=np.nan)
    expected = by_scipy(image, scan, raster)
    inside = np.isfinite(expected)
    assert inside.any()
    # Pixels on the very edge may fall to either side.
    assert np.mean(inside != np.isfinite(ours)) < 5e-3
    both = inside & np.isfinite(ours)
    assert np.abs(ours - expected)[both].max() < 1e-3


@pytest.mark.parametrize("scan", SCANS, ids=["linear", "sector", "convex"])
def test_a_plane_in_space_comes_out_as_that_plane(scan: Any) -> None:
    points_m = scan.points_m()
    converter = ScanConverter(scan)
    raster = converter.raster
    picture = converter(
        (3 + 20 * points_m[..., 0] - 40 * points_m[..., 2]).astype(np.float32), fill=np.nan
    )
    x_m = raster.x_m + raster.pixel_size_m * np.arange(raster.n_columns)
    z_m = raster.z_m + raster.pixel_size_m * np.arange(raster.n_rows)
    expected = 3 + 20 * x_m - 40 * z_m[:, None]
    covered = np.isfinite(picture)
    assert covered.mean() > 0.4
    # Between lines of a fan the chord lies inside the arc by r step² / 8.
    assert np.abs(picture - expected)[covered].max() < 1e-3


def test_a_linear_raster_is_covered_to_its_last_pixel() -> None:
    picture = ScanConverter(LINES)(image_of(LINES), fill=np.nan)
    assert np.all(np.isfinite(picture))


def test_the_scans_own_grid_comes_back_unchanged() -> None:
    scan = LinearScan(x_m=np.arange(11) * 1e-3, z_m=np.arange(21) * 1e-3)
    raster = Raster(x_m=0, z_m=0, pixel_size_m=1e-3, n_rows=21, n_columns=11)
    image = image_of(scan)
    assert np.allclose(ScanConverter(scan, raster)(image), image.T, atol=1e-4)


@pytest.mark.parametrize("scan", SCANS, ids=["linear", "sector", "convex"])
def test_greys_are_those_of_levels_interpolated_in_decibels(scan: Any) -> None:
    raster = scan.raster(n_rows=301)
    level_db = np.random.default_rng(4).uniform(-90, 5, scan.shape).astype(np.float32)
    converter = ScanConverter(scan, raster)
    expected = np.clip(255 * (by_scipy(level_db, scan, raster) + 3 + 60) / 60, 0, 255)
    covered = np.isfinite(expected) & np.isfinite(converter(level_db, fill=np.nan))
    greys = converter.greys(level_db, dynamic_range_db=60.0, white_db=-3.0)
    assert np.abs(greys - expected)[covered].max() <= 0.505
    assert np.all(greys[np.isnan(converter(level_db, fill=np.nan))] == 0)
    # A curve: here the negative, so that black is told from what lies outside.
    negative = np.arange(255, -1, -1, dtype=np.uint8)
    turned = converter.greys(level_db, dynamic_range_db=60.0, white_db=-3.0, curve=negative)
    assert np.abs(turned + expected - 255)[covered].max() <= 0.505


@pytest.mark.parametrize("scan", SCANS, ids=["linear", "sector", "convex"])
def test_any_number_of_threads_makes_the_same_picture(scan: Any) -> None:
    converter = ScanConverter(scan, scan.raster(n_rows=700))
    image = image_of(scan)
    one, three = (converter(image, threads=n) for n in (1, 3))
    assert np.array_equal(one, three)
    first, second = (converter.greys(image, dynamic_range_db=50.0, threads=n) for n in (1, 3))
    assert np.array_equal(first, second)


def test_the_tables_hold_covered_pixels_alone() -> None:
    converter = ScanConverter(SECTOR, SECTOR.raster(n_rows=400))
    n_covered = np.isfinite(converter(image_of(SECTOR), fill=np.nan)).sum()
    n_rows = converter.raster.n_rows
    assert n_covered < 0.7 * n_rows * converter.raster.n_columns
    assert 12 * n_covered <= converter.n_bytes < 12 * n_covered + 16 * n_rows


@pytest.mark.parametrize("range_db", [0.0, -1.0, float("nan")])
def test_a_range_of_greys_is_positive(range_db: float) -> None:
    with pytest.raises(ArgumentError, match="dynamic_range_db"):
        ScanConverter(SECTOR).greys(image_of(SECTOR), dynamic_range_db=range_db)


def test_pixels_outside_take_the_fill() -> None:
    raster = replace(SECTOR.raster(n_rows=100), x_m=1.0)
    assert np.all(ScanConverter(SECTOR, raster)(image_of(SECTOR), fill=-7.0) == -7)


def test_the_result_is_written_where_asked() -> None:
    converter = ScanConverter(SECTOR)
    out = np.empty((converter.raster.n_rows, converter.raster.n_columns), np.float32)
    assert converter(image_of(SECTOR), out=out) is out
    assert np.array_equal(out, converter(image_of(SECTOR)))


@pytest.mark.parametrize("shape", [(97, 399), (400, 97), (97,), (1, 97, 400), (0, 0)])
def test_an_image_of_another_scan_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ArgumentError, match="scan's shape"):
        ScanConverter(SECTOR)(np.zeros(shape, np.float32))


def test_a_place_that_does_not_fit_is_refused() -> None:
    converter = ScanConverter(SECTOR)
    shape = (converter.raster.n_rows, converter.raster.n_columns)
    for out in (
        np.empty(shape),
        np.empty((3, 3), np.float32),
        np.empty(shape[::-1], np.float32).T,
    ):
        with pytest.raises(ArgumentError, match="out must be"):
            converter(image_of(SECTOR), out=out)  # type: ignore[arg-type]
