"""Scan conversion of a convex picture: ours, and OpenCV and scipy with their maps made beforehand.

OpenCV is no dependency of usdk: its part runs where ``cv2`` is installed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from usdk.image import ImageChain, ScanConverter
from usdk.scan import Raster, SectorScan

SCAN = SectorScan(
    angles_rad=np.linspace(-0.6, 0.6, 128),
    ranges_m=np.linspace(0.05, 0.17, 512),
    apex_m=(0.0, -0.05),
)
RASTER = Raster(x_m=-0.0958, z_m=-0.01, pixel_size_m=0.3e-3, n_rows=480, n_columns=640)


THREADS = [1, 2]


def image() -> Any:
    return np.random.default_rng(0).uniform(-60, 0, SCAN.shape).astype(np.float32)


def places() -> tuple[Any, Any]:
    """Line and sample of each pixel, fractions between."""
    x_m = RASTER.x_m + RASTER.pixel_size_m * np.arange(640)
    z_m = RASTER.z_m + RASTER.pixel_size_m * np.arange(480)[:, None] - SCAN.apex_m[1]
    lines = (np.arctan2(x_m, z_m) + 0.6) / 1.2 * 127
    return lines, (np.hypot(x_m, z_m) - 0.05) / 0.12 * 511


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.benchmark(group="scan conversion to greys (128 x 512 to 480 x 640)")
def test_ours_greys(benchmark: Any, threads: int) -> None:
    plan, levels = ScanConverter(SCAN, RASTER), image()
    out = np.empty((480, 640), np.uint8)
    benchmark(lambda: plan.greys(levels, dynamic_range_db=60, out=out, threads=threads))


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.benchmark(group="scan conversion to greys (128 x 512 to 480 x 640)")
def test_opencv_fixed_point(benchmark: Any, threads: int) -> None:
    cv2 = pytest.importorskip("cv2")
    cv2.setNumThreads(threads)
    lines, samples = (np.float32(place) for place in places())
    maps = cv2.convertMaps(samples, lines, cv2.CV_16SC2)
    greys = np.rint(255 * (1 + image() / 60)).astype(np.uint8)
    out = np.empty((480, 640), np.uint8)
    benchmark(lambda: cv2.remap(greys, *maps, cv2.INTER_LINEAR, dst=out))


@pytest.mark.benchmark(group="scan conversion to levels (128 x 512 to 480 x 640)")
def test_ours(benchmark: Any) -> None:
    plan, levels = ScanConverter(SCAN, RASTER), image()
    out = np.empty((480, 640), np.float32)
    benchmark(lambda: plan(levels, out=out))


@pytest.mark.benchmark(group="scan conversion to levels (128 x 512 to 480 x 640)")
def test_scipy(benchmark: Any) -> None:
    where, levels = np.stack(places()), image()
    benchmark(lambda: map_coordinates(levels, where, order=1))


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.benchmark(group="envelope, logarithm and scan conversion (128 x 512 to 480 x 640)")
def test_the_chain(benchmark: Any, threads: int) -> None:
    chain = ImageChain(SCAN, RASTER)
    rng = np.random.default_rng(0)
    iq = (rng.standard_normal(SCAN.shape) + 1j * rng.standard_normal(SCAN.shape)).astype(
        np.complex64
    )

    def make() -> Any:
        chain.add(iq, threads=threads)
        return chain.finish(threads=threads)

    benchmark(make)


def test_greys_are_closer_to_float64_than_their_rounding() -> None:
    lines, samples = places()
    levels_db = image() * 1.5
    exact_db = map_coordinates(levels_db.astype(np.float64), (lines, samples), order=1)
    greys = ScanConverter(SCAN, RASTER).greys(levels_db, dynamic_range_db=60)
    inside = (lines > 0) & (lines < 127) & (samples > 0) & (samples < 511)
    off = np.abs(greys - np.clip(255 * (1 + exact_db / 60), 0, 255))[inside]
    assert off.max() < 0.501
    assert off.mean() < 0.25
