from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from usdk.errors import ArgumentError
from usdk.image.anti_alias import AntiAlias
from usdk.image.scan_conversion import ScanConverter
from usdk.scan import LinearScan, Raster, SectorScan

DENSE = {
    "linear": LinearScan(x_m=np.linspace(-0.02, 0.02, 401), z_m=np.linspace(0, 0.04, 801)),
    "sector": SectorScan(
        angles_rad=np.linspace(-0.7, 0.7, 513), ranges_m=np.linspace(0.002, 0.06, 1001)
    ),
    "convex": SectorScan(
        angles_rad=np.linspace(-0.5, 0.5, 513),
        ranges_m=np.linspace(0.05, 0.10, 801),
        apex_m=(0.0, -0.05),
    ),
}


def axes_m(raster: Raster) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x_m = raster.x_m + raster.pixel_size_m * np.arange(raster.n_columns)
    z_m = raster.z_m + raster.pixel_size_m * np.arange(raster.n_rows)
    return x_m, z_m[:, None]


@pytest.mark.parametrize("kind", DENSE)
def test_what_the_raster_cannot_show_falls_by_25_db(kind: str) -> None:
    """A zone plate: rings ever finer outwards, to 1.5 cycles a pixel.

    What is finer than 0.5 cycles a pixel comes back as false rings.
    """
    scan: Any = DENSE[kind]
    raster = scan.raster(n_rows=101)
    pixel_m = raster.pixel_size_m
    x_m, z_m = axes_m(raster)
    centre_m = x_m.mean(), z_m.mean()
    chirp = 1.5 / pixel_m / (50 * pixel_m)  # cycles per metre, gained per metre
    points_m = scan.points_m()
    radius_m = np.hypot(points_m[..., 0] - centre_m[0], points_m[..., 2] - centre_m[1])
    plate = (1 + np.cos(np.pi * chirp * radius_m**2)).astype(np.float32)
    convert, smooth = ScanConverter(scan, raster), AntiAlias(scan, raster)
    assert smooth.is_active
    without, with_it = (convert(image, fill=np.nan) for image in (plate, smooth(plate)))
    cycles = chirp * np.hypot(x_m - centre_m[0], z_m - centre_m[1]) * pixel_m
    fine = (cycles >= 0.8) & (cycles < 1.5) & np.isfinite(without)
    coarse = cycles < 0.15
    aliased = np.sqrt(np.mean((without[fine] - 1) ** 2))
    left = np.sqrt(np.mean((with_it[fine] - 1) ** 2))
    assert aliased > 0.5  # of 0.71: most of it
    assert left < aliased * 10 ** (-25 / 20)
    # What the raster can show stays.
    kept = np.std(with_it[coarse]) / np.std(without[coarse])
    assert 0.9 < kept < 1.0


def test_speckle_finer_than_the_pixels_is_averaged_without_bias() -> None:
    # Independent samples on the pixels' own grid, 4 samples and 3 lines to a pixel: the SNR rises
    # by the root of the number of samples that the weights amount to.
    scan = LinearScan(x_m=np.arange(900) * 1e-4, z_m=np.arange(1600) * 0.75e-4)
    raster = Raster(x_m=0, z_m=0, pixel_size_m=3e-4, n_rows=400, n_columns=300)
    speckle = np.random.default_rng(0).rayleigh(1.0, scan.shape).astype(np.float32)
    smooth = AntiAlias(scan, raster)
    assert smooth.samples_per_pixel == pytest.approx(4)
    picture = ScanConverter(scan, raster)(smooth(speckle))[8:-8, 8:-8]
    triangles = [1 - np.abs(np.arange(1 - n, n)) / n for n in (4, 3)]
    n_looks = math.prod(t.sum() ** 2 / np.sum(t**2) for t in triangles)
    assert picture.mean() == pytest.approx(math.sqrt(math.pi / 2), rel=5e-3)
    assert picture.mean() / picture.std() == pytest.approx(1.913 * math.sqrt(n_looks), rel=0.02)


@pytest.mark.parametrize("kind", DENSE)
def test_a_constant_stays_one_to_the_edges(kind: str) -> None:
    scan: Any = DENSE[kind]
    image = np.full(scan.shape, 3.5, np.float32)
    assert np.allclose(AntiAlias(scan, scan.raster(n_rows=64))(image), 3.5, rtol=1e-5)


@pytest.mark.parametrize("kind", DENSE)
def test_where_pixels_are_finer_than_the_data_it_costs_nothing(kind: str) -> None:
    scan: Any = DENSE[kind]
    smooth = AntiAlias(scan, Raster(x_m=0, z_m=0.02, pixel_size_m=2e-6, n_rows=9, n_columns=9))
    image = np.ones(scan.shape, np.float32)
    assert not smooth.is_active
    assert smooth(image) is image
    assert smooth.n_bytes == 0


def test_in_a_fan_only_the_dense_part_is_smoothed_across_lines() -> None:
    scan = SectorScan(
        angles_rad=np.linspace(-0.7, 0.7, 181), ranges_m=np.linspace(0.002, 0.06, 301)
    )
    raster = scan.raster(pixel_size_m=scan.ranges_m[1] - scan.ranges_m[0])
    smooth = AntiAlias(scan, raster)
    assert smooth.lines_per_pixel[0] > 10
    assert smooth.lines_per_pixel[-1] < 0.5
    image = np.random.default_rng(0).uniform(size=scan.shape).astype(np.float32)
    changed = np.abs(smooth(image) - image).max(axis=0) > 1e-6
    dense = smooth.lines_per_pixel > 1.0001
    assert np.array_equal(changed, dense)
    assert smooth.describe() == "1 samples and 0.414 to 12.4 lines to a pixel"


def test_any_number_of_threads_gives_the_same_picture() -> None:
    scan = DENSE["convex"]
    smooth = AntiAlias(scan, scan.raster(n_rows=101))
    image = np.random.default_rng(1).uniform(size=scan.shape).astype(np.float32)
    first = smooth(image, threads=1).copy()
    assert np.array_equal(first, smooth(image, threads=3))


def test_an_image_of_another_scan_is_refused() -> None:
    scan = DENSE["linear"]
    with pytest.raises(ArgumentError, match="scan's shape"):
        AntiAlias(scan, scan.raster())(np.zeros((3, 4), np.float32))
