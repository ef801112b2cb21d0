"""A pyramid to voxels and to a slice: ours, and scipy with its coordinates made beforehand."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from usdk.image import SliceConverter, VolumeConverter
from usdk.scan import Plane, PyramidScan

ANGLES = np.linspace(-0.6, 0.6, 64)
SCAN = PyramidScan(
    azimuths_rad=ANGLES, elevations_rad=ANGLES, ranges_m=np.linspace(2e-3, 60e-3, 256)
)
VOXELS = pytest.mark.benchmark(group="volume (64 x 64 x 256 to 221 x 221 x 192)")
PIXELS = pytest.mark.benchmark(group="slice (64 x 64 x 256 to 512 x 592)")


@cache
def volume() -> Any:
    return np.random.default_rng(0).uniform(-60, 0, SCAN.shape).astype(np.float32)


@cache
def voxels(anti_alias: bool) -> VolumeConverter:
    return VolumeConverter(SCAN, SCAN.raster(n_z=192), anti_alias=anti_alias)


@cache
def pixels() -> SliceConverter:
    return SliceConverter(SCAN, Plane.at_y(), anti_alias=False)


@cache
def coordinates(kind: str) -> Any:
    if kind == "pixels":
        points_m = pixels().plane.points_m(pixels().raster)
    else:
        axes_m = voxels(False).raster.axes_m()
        points_m = np.stack(np.meshgrid(*axes_m, indexing="ij"), axis=-1)
    return np.moveaxis(SCAN.coordinates(points_m), -1, 0).astype(np.float32)


@VOXELS
@pytest.mark.parametrize("anti_alias", [False, True], ids=["plain", "smoothed"])
def test_our_voxels(benchmark: Any, anti_alias: bool) -> None:
    plan = voxels(anti_alias)
    out = plan(volume())
    benchmark(lambda: plan(volume(), out=out))


@VOXELS
def test_scipy_s_voxels(benchmark: Any) -> None:
    out = np.empty(voxels(False).raster.shape, np.float32)
    at = coordinates("voxels")
    benchmark(lambda: map_coordinates(volume(), at, out, order=1, cval=-60.0))


@PIXELS
def test_our_slice(benchmark: Any) -> None:
    out = pixels()(volume())
    benchmark(lambda: pixels()(volume(), out=out))


@PIXELS
def test_scipy_s_slice(benchmark: Any) -> None:
    at = coordinates("pixels")
    out = np.empty(at.shape[1:], np.float32)
    benchmark(lambda: map_coordinates(volume(), at, out, order=1, cval=-60.0))


def test_both_make_the_same_picture() -> None:
    ours = pixels()(volume(), fill=-60.0)
    theirs = map_coordinates(volume(), coordinates("pixels"), order=1, cval=-60.0)
    # Some pixels on the very edge count as inside for one and not for the other.
    assert np.mean(np.abs(ours - theirs) > 1e-2) < 2e-3
