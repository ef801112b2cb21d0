"""Colour over grey, 480 x 640 pixels: of a box of 64 x 256 points, and of 128 x 512 over it all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from usdk.doppler import FlowMap, SlowTime
from usdk.doppler.colours import ColourComposer, FlowThresholds
from usdk.scan import LinearScan, Raster

RASTER = Raster(x_m=-20e-3, z_m=0.0, pixel_size_m=40e-3 / 639, n_rows=480, n_columns=640)
BOXES = {
    "box of 44 %": LinearScan(
        x_m=np.linspace(-12e-3, 12e-3, 64), z_m=np.linspace(4e-3, 26e-3, 256)
    ),
    "whole picture": LinearScan(
        x_m=np.linspace(-19.9e-3, 19.9e-3, 128), z_m=np.linspace(1e-4, 29.9e-3, 512)
    ),
}
CLOCK = SlowTime(prf_hz=4e3, frequency_hz=5e6)
SHOWN = {
    "a vessel": FlowThresholds(),
    "every point": FlowThresholds(below_reference_db=None, least_neighbours=0),
}


def vessel(scan: LinearScan) -> FlowMap:
    """Return flow in a third of the depth, aliasing in its middle."""
    x_m, _, z_m = np.moveaxis(scan.points_m(), -1, 0)
    r = (z_m - 15e-3 + 0.2 * x_m) / 5e-3
    velocity = np.where(np.abs(r) < 1, 0.5 * (1 - r**2), 0)
    nyquist = CLOCK.nyquist_m_s
    wrapped = (np.remainder(velocity + nyquist, 2 * nyquist) - nyquist).astype(np.float32)
    power = np.where(np.abs(r) < 1, 1.0, 1e-6).astype(np.float32)
    return FlowMap(
        velocity_m_s=wrapped,
        power=power,
        spread_m_s=np.abs(wrapped),
        lag_one=power.astype(np.complex64),
        scan=scan,
        slow_time=CLOCK,
    )


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("shown", SHOWN)
@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("colours", ["red-blue", "variance"])
@pytest.mark.benchmark(group="colour over grey, 480 x 640")
def test_composition(benchmark: Any, colours: str, box: str, shown: str, threads: int) -> None:
    scan = BOXES[box]
    plan = ColourComposer(RASTER, scan, colours=colours, thresholds=SHOWN[shown])
    flow_map = vessel(scan)
    grey = np.random.default_rng(0).integers(0, 200, (480, 640), dtype=np.uint8)
    benchmark(lambda: plan(grey, flow_map, threads=threads))
