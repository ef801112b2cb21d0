"""Scan conversion of a convex picture: ours, and scipy with its coordinates made beforehand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from usdk.image.scan_conversion import ScanConverter
from usdk.scan import Raster, SectorScan

SCAN = SectorScan(
    angles_rad=np.linspace(-0.6, 0.6, 128),
    ranges_m=np.linspace(0.05, 0.17, 512),
    apex_m=(0.0, -0.05),
)
RASTER = Raster(x_m=-0.0958, z_m=-0.01, pixel_size_m=0.3e-3, n_rows=480, n_columns=640)


def image() -> Any:
    return np.random.default_rng(0).uniform(-60, 0, SCAN.shape).astype(np.float32)


@pytest.mark.benchmark(group="scan conversion (128 x 512 to 480 x 640)")
def test_ours(benchmark: Any) -> None:
    plan, levels = ScanConverter(SCAN, RASTER), image()
    out = np.empty((480, 640), np.float32)
    benchmark(lambda: plan(levels, out=out))


@pytest.mark.benchmark(group="scan conversion (128 x 512 to 480 x 640)")
def test_scipy(benchmark: Any) -> None:
    x_m = RASTER.x_m + RASTER.pixel_size_m * np.arange(640)
    z_m = RASTER.z_m + RASTER.pixel_size_m * np.arange(480)[:, None] - SCAN.apex_m[1]
    lines = (np.arctan2(x_m, z_m) + 0.6) / 1.2 * 127
    samples = (np.hypot(x_m, z_m) - 0.05) / 0.12 * 511
    places, levels = np.stack((lines, samples)), image()
    benchmark(lambda: map_coordinates(levels, places, order=1))
