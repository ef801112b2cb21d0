from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from usdk.image import ScanConverter
from usdk.scan import LinearScan, Raster, SectorScan
from usdk_kernels.colour_composition import SHOWN, compose_colour

NYQUIST = 0.3
SHAPE = (40, 50)
KERNELS = pytest.mark.parametrize(
    "kernel",
    [compose_colour, getattr(compose_colour, "py_func", compose_colour)],
    ids=["compiled", "python"],
)
RASTER = Raster(x_m=-5e-3, z_m=0.0, pixel_size_m=2e-4, n_rows=SHAPE[0], n_columns=SHAPE[1])
LINEAR = LinearScan(x_m=np.linspace(-4e-3, 4e-3, 12), z_m=np.linspace(1e-3, 7e-3, 15))
SECTOR = SectorScan(angles_rad=np.linspace(-0.6, 0.6, 12), ranges_m=np.linspace(1e-3, 7e-3, 15))
COLOURS = np.random.default_rng(1).integers(0, 256, (5, 16, 3)).astype(np.uint8)


def compose(
    kernel: Callable[..., None],
    scan: LinearScan | SectorScan,
    velocity: NDArray[np.float32],
    weight: NDArray[np.float32],
    *,
    grey: NDArray[np.uint8] | None = None,
    spread: NDArray[np.float32] | None = None,
    colours: NDArray[np.uint8] = COLOURS,
    period: float = 2 * NYQUIST,
    gain: float = 1.0,
    ends: tuple[float, float] = (-NYQUIST, NYQUIST),
    limit: int = 256,
    rows: tuple[int, int] = (0, SHAPE[0]),
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]:
    out = np.full((*SHAPE, 3), 7, np.uint8)
    values = np.full((2, *SHAPE), 5, np.float32)
    second = (-30.0, 0.0, 0) if spread is None else (0.0, 0.2, 1)
    with np.errstate(all="ignore"):
        kernel(
            np.zeros(SHAPE, np.uint8) if grey is None else grey,
            velocity,
            weight,
            velocity if spread is None else spread,
            *ScanConverter(scan, RASTER).tables,
            colours,
            period,
            gain,
            *ends,
            *second,
            limit,
            *rows,
            out,
            values[0],
            values[1],
        )
    return out, values[0], values[1]


def naive(
    scan: LinearScan | SectorScan, velocity: Any, weight: Any
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Share shown, velocity and level of every pixel, in float64, pixel by pixel."""
    row_runs, run_column, run_entry, index, w_line, w_sample = ScanConverter(scan, RASTER).tables
    share, value, level = (np.full(SHAPE, np.nan) for _ in range(3))
    n_samples = velocity.shape[1]
    for row in range(SHAPE[0]):
        for run in range(row_runs[row], row_runs[row + 1]):
            for entry in range(run_entry[run], run_entry[run + 1]):
                a, b = float(w_line[entry]), float(w_sample[entry])
                line, sample = divmod(int(index[entry]), n_samples)
                shares = {(0, 0): (1 - a) * (1 - b), (0, 1): (1 - a) * b, (1, 0): a * (1 - b)}
                shares[1, 1] = a * b
                points = [
                    (s, float(weight[line + i, sample + j]), float(velocity[line + i, sample + j]))
                    for (i, j), s in shares.items()
                ]
                points = [point for point in points if point[1] > 0]
                pixel = (row, run_column[run] + entry - run_entry[run])
                share[pixel] = sum(point[0] for point in points)
                total = sum(s * w for s, w, _ in points)
                if total > 0:
                    start = max(points, key=lambda point: point[0] * point[1])[2]
                    steps = [s * w * (math.remainder(v - start, 2 * NYQUIST)) for s, w, v in points]
                    value[pixel] = math.remainder(start + sum(steps) / total, 2 * NYQUIST)
                    level[pixel] = 10 * math.log10(total / share[pixel])
    return share, value, level


def example() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    rng = np.random.default_rng(0)
    velocity = rng.uniform(-NYQUIST, NYQUIST, LINEAR.shape).astype(np.float32)
    weight = (10 ** rng.uniform(-3, 0, LINEAR.shape)).astype(np.float32)
    hidden = rng.random(LINEAR.shape) < 0.3
    weight[hidden] = 0
    velocity[hidden] = np.nan
    return velocity, weight


@KERNELS
@pytest.mark.parametrize("scan", [LINEAR, SECTOR], ids=["linear", "sector"])
def test_velocity_and_level_are_those_of_float64(kernel: Any, scan: Any) -> None:
    velocity, weight = example()
    share, value, level = naive(scan, velocity, weight)
    _, shown_m_s, shown_db = compose(kernel, scan, velocity, weight)
    is_shown = np.nan_to_num(share) >= SHOWN
    near = np.abs(np.nan_to_num(share) - SHOWN) < 1e-5
    assert np.array_equal(np.isfinite(shown_m_s)[~near], is_shown[~near])
    both = is_shown & ~near
    assert 100 < both.sum() < both.size
    # Around the circle of velocities −Nyquist and +Nyquist are one; two neighbours equally strong
    # and half a turn apart have no mean.
    error = np.angle(np.exp(1j * np.pi * (shown_m_s - value)[both] / NYQUIST)) * NYQUIST / np.pi
    assert np.mean(np.abs(error) < 1e-5) > 0.99
    assert np.allclose(shown_db[both], level[both], atol=1e-4)


@KERNELS
def test_any_division_into_rows_gives_the_same_bits(kernel: Any) -> None:
    velocity, weight = example()
    whole = compose(kernel, LINEAR, velocity, weight)
    parts = [compose(kernel, LINEAR, velocity, weight, rows=rows) for rows in ((0, 13), (13, 40))]
    for one, (first, second) in zip(whole, zip(*parts, strict=True), strict=True):
        assert np.array_equal(one, np.concatenate([first[:13], second[13:]]), equal_nan=True)
    assert np.all(parts[0][0][13:] == 7)


@KERNELS
def test_velocities_that_alias_go_on_over_the_end_of_the_scale(kernel: Any) -> None:
    depth = np.linspace(0.0, 2.4 * NYQUIST, LINEAR.shape[1])
    wrapped = np.remainder(depth + NYQUIST, 2 * NYQUIST) - NYQUIST
    velocity = np.tile(wrapped.astype(np.float32), (LINEAR.shape[0], 1))
    _, shown, _ = compose(kernel, LINEAR, velocity, np.ones(LINEAR.shape, np.float32))
    z_m = RASTER.z_m + RASTER.pixel_size_m * np.arange(SHAPE[0])
    truth = np.interp(z_m, LINEAR.z_m, depth)[:, None]
    inside = np.isfinite(shown)
    error = np.where(inside, (shown - truth + NYQUIST) % (2 * NYQUIST) - NYQUIST, 0)
    assert np.abs(error).max() < 1e-6
    # What interpolates the velocities themselves passes through zero at the boundary.
    assert np.abs(shown[inside]).min() < 0.1 * NYQUIST
    jumps = np.abs(np.diff(shown, axis=0))
    assert np.nanmax(jumps) > 1.5 * NYQUIST
    assert np.all((jumps < 0.2 * NYQUIST) | (jumps > 1.5 * NYQUIST) | np.isnan(jumps))


@KERNELS
def test_no_colour_is_made_of_points_that_are_not_shown(kernel: Any) -> None:
    velocity = np.full(LINEAR.shape, 0.2, np.float32)
    weight = np.ones(LINEAR.shape, np.float32)
    velocity[6:], weight[6:] = -0.25, 0
    colours, shown, level = compose(kernel, LINEAR, velocity, weight)
    assert np.allclose(shown[np.isfinite(shown)], 0.2, atol=1e-6)
    assert np.allclose(level[np.isfinite(level)], 0, atol=1e-4)
    # The edge lies half way to the first point that is not shown.
    columns = np.flatnonzero(np.isfinite(shown).any(axis=0))
    edge_m = RASTER.x_m + RASTER.pixel_size_m * columns[-1]
    assert abs(edge_m - LINEAR.x_m[5:7].mean()) <= RASTER.pixel_size_m
    coloured = np.isfinite(shown)
    assert np.all(colours[coloured] == COLOURS[-1, int((0.2 + NYQUIST) / (2 * NYQUIST) * 16)])
    assert np.all(colours[~coloured] == 0)


@KERNELS
def test_bright_greys_stay_and_colours_do_not_touch_greys(kernel: Any) -> None:
    grey = np.random.default_rng(2).integers(0, 256, SHAPE).astype(np.uint8)
    velocity = np.full(LINEAR.shape, 0.1, np.float32)
    colours, shown, _ = compose(
        kernel, LINEAR, velocity, np.ones(LINEAR.shape, np.float32), grey=grey, limit=100
    )
    assert not np.isfinite(shown[grey >= 100]).any()
    assert np.isfinite(shown[grey < 100]).sum() > 100
    stayed = ~np.isfinite(shown)
    assert np.array_equal(colours[stayed], np.repeat(grey[stayed][:, None], 3, axis=1))


@KERNELS
def test_the_spread_selects_the_row_of_colours(kernel: Any) -> None:
    velocity = np.full(LINEAR.shape, 0.1, np.float32)
    weight = np.ones(LINEAR.shape, np.float32)
    column = int((0.1 + NYQUIST) / (2 * NYQUIST) * 16)
    for spread, row in ((0.0, 0), (0.1, 2), (0.5, 4), (math.nan, 0)):
        spreads = np.full(LINEAR.shape, spread, np.float32)
        colours, shown, _ = compose(kernel, LINEAR, velocity, weight, spread=spreads)
        assert np.all(colours[np.isfinite(shown)] == COLOURS[row, column])


@KERNELS
def test_a_gain_and_a_baseline_move_the_window_of_velocities(kernel: Any) -> None:
    velocity = np.full(LINEAR.shape, -0.2, np.float32)
    weight = np.ones(LINEAR.shape, np.float32)
    _, shown, _ = compose(kernel, LINEAR, velocity, weight, gain=2.0, ends=(-0.4, 0.8))
    # −0.2 + 0.6 along the beam, doubled.
    assert np.allclose(shown[np.isfinite(shown)], 0.8, atol=1e-5) or np.allclose(
        shown[np.isfinite(shown)], -0.4, atol=1e-5
    )
    _, shown, _ = compose(kernel, LINEAR, velocity - 0.05, weight, gain=2.0, ends=(-0.4, 0.8))
    assert np.allclose(shown[np.isfinite(shown)], 0.7, atol=1e-5)


@KERNELS
def test_velocities_known_beyond_nyquist_are_not_turned_back(kernel: Any) -> None:
    velocity = np.tile(np.linspace(0, 3, LINEAR.shape[1], dtype=np.float32), (12, 1))
    _, shown, _ = compose(
        kernel, LINEAR, velocity, np.ones(LINEAR.shape, np.float32), period=0.0, ends=(-3.0, 3.0)
    )
    z_m = RASTER.z_m + RASTER.pixel_size_m * np.arange(SHAPE[0])
    truth = np.interp(z_m, LINEAR.z_m, velocity[0])[:, None]
    assert np.nanmax(np.abs(shown - truth)) < 1e-5


@KERNELS
def test_tables_and_values_of_any_kind_lead_to_no_place_outside(kernel: Any) -> None:
    velocity = np.full((3, 2), np.inf, np.float32)
    weight = np.full((3, 2), np.nan, np.float32)
    compose(kernel, LINEAR, velocity, weight, spread=velocity)
    compose(kernel, LINEAR, velocity, np.ones((3, 2), np.float32), spread=weight)
    empty = np.empty((0, 15), np.float32)
    colours, shown, _ = compose(kernel, LINEAR, empty, empty)
    assert not colours.any()
    assert np.isnan(shown).all()
