"""Regions: which points of a scan and which pixels of a raster they hold."""

from __future__ import annotations

import math

import numpy as np
import pytest

from usdk.errors import ArgumentError
from usdk.quality import Circle, Rectangle, Ring
from usdk.scan import LinearScan, Raster, SectorScan

SCAN = LinearScan(x_m=np.linspace(-5e-3, 5e-3, 11), z_m=np.linspace(1e-3, 20e-3, 20))


def test_a_rectangle_holds_its_rim() -> None:
    mask = Rectangle(-1.5e-3, 2.5e-3, 4.5e-3, 6.5e-3).mask(SCAN)
    assert np.argwhere(mask).tolist() == [[i, j] for i in (4, 5, 6, 7) for j in (4, 5)]


def test_a_ring_is_the_outer_circle_without_the_inner() -> None:
    outer, inner = (
        Circle(0.1e-3, 10e-3, 4.25e-3).mask(SCAN),
        Circle(0.1e-3, 10e-3, 2.15e-3).mask(SCAN),
    )
    assert np.array_equal(Ring(0.1e-3, 10e-3, 2.15e-3, 4.25e-3).mask(SCAN), outer & ~inner)


def test_a_raster_runs_its_rows_along_z() -> None:
    raster = Raster(x_m=-5e-3, z_m=1e-3, pixel_size_m=1e-3, n_rows=20, n_columns=11)
    circle = Circle(1.2e-3, 7.1e-3, 2.6e-3)
    assert np.array_equal(circle.mask(raster), circle.mask(SCAN).T)


def test_a_circle_on_a_sector_covers_its_area() -> None:
    scan = SectorScan(
        angles_rad=np.linspace(-0.6, 0.6, 601), ranges_m=np.linspace(40e-3, 90e-3, 501)
    )
    mask = Circle(10e-3, 60e-3, 8e-3).mask(scan)
    ranges_m = np.broadcast_to(scan.ranges_m, scan.shape)
    area_m2 = (ranges_m * (0.002 * 0.1e-3))[mask].sum()
    assert area_m2 == pytest.approx(math.pi * 8e-3**2, rel=2e-3)


def test_a_region_beside_the_picture_is_refused() -> None:
    with pytest.raises(ArgumentError, match="holds no point"):
        Circle(0.0, 50e-3, 1e-3).mask(SCAN)


def test_places_must_be_finite() -> None:
    with pytest.raises(ArgumentError, match="radius_m must be finite"):
        Circle(0.0, 0.0, math.nan)
