"""Scan conversion against float64 bilinear interpolation, closed forms and scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from usdk_kernels import scan_conversion
from usdk_kernels.scan_conversion import OUTSIDE

FILL = -77.0


def kernels(kernel):
    """The compiled kernel and its source."""
    return [kernel, getattr(kernel, "py_func", kernel)]


def linear_coordinates(x, z, line0, line_step, sample0, sample_step):
    xx, zz = np.meshgrid(x, z)
    return (xx - line0) / line_step, (zz - sample0) / sample_step


def polar_coordinates(x, z, angle0, angle_step, range0, range_step):
    xx, zz = np.meshgrid(x, z)
    turn = 2 * np.pi / abs(angle_step)
    line = (np.arctan2(xx, zz) - angle0) / angle_step
    line = np.where(line < -1e-6, line + turn, line)
    return line, (np.hypot(xx, zz) - range0) / range_step


def raster_reference(image, line, sample):
    """scipy's first-order spline, FILL outside."""
    edge = 1e-6
    inside = (line >= -edge) & (line <= image.shape[0] - 1 + edge)
    inside &= (sample >= -edge) & (sample <= image.shape[1] - 1 + edge)
    at = [np.clip(line, 0, image.shape[0] - 1), np.clip(sample, 0, image.shape[1] - 1)]
    return np.where(inside, map_coordinates(image.astype(float), at, order=1), FILL)


def in_runs(*tables):
    """Runs and entries of dense tables: the pixels that are covered, row by row."""
    row_runs, run_column, run_entry, entries = [0], [], [0], []
    for row, places in enumerate(tables[0]):
        for column, place in enumerate(places):
            if place == OUTSIDE:
                continue
            if column == 0 or places[column - 1] == OUTSIDE:
                run_column.append(column)
                run_entry.append(run_entry[-1])
            run_entry[-1] += 1
            entries.append([table[row, column] for table in tables])
        row_runs.append(len(run_column))
    runs = [np.array(run, np.int32) for run in (row_runs, run_column, run_entry)]
    return runs + [
        np.array([entry[k] for entry in entries], table.dtype) for k, table in enumerate(tables)
    ]


def convert(table, convert_kernel, image, x, z, geometry):
    shape = (len(z), len(x))
    index = np.empty(shape, np.int32)
    weights = np.empty(shape, np.float32), np.empty(shape, np.float32)
    table(x, z, *geometry, *image.shape, index, *weights)
    out = np.empty(shape, np.float32)
    tables = in_runs(index, *weights)
    middle = len(z) // 2
    convert_kernel(image, *tables, middle, len(z), FILL, out)
    convert_kernel(image, *tables, 0, middle, FILL, out)
    return out, index


def one_row(*indices, weights=(0.0, 0.0)):
    """Tables of a raster of one row that is covered from end to end."""
    n = len(indices)
    runs = [np.array(run, np.int32) for run in ([0, 1], [0], [0, n])]
    return [*runs, np.array(indices, np.int32), *(np.full(n, w, np.float32) for w in weights)]


def random_image(n_lines=9, n_samples=17):
    return np.random.default_rng(0).standard_normal((n_lines, n_samples)).astype(np.float32)


GEOMETRIES = {
    "linear": ("linear_table", linear_coordinates, (-2e-3, 0.5e-3, 1e-3, 0.25e-3)),
    "linear, mirrored": ("linear_table", linear_coordinates, (2e-3, -0.5e-3, 5e-3, -0.25e-3)),
    "sector": ("polar_table", polar_coordinates, (-0.6, 0.15, 0.0, 0.3e-3)),
    "convex": ("polar_table", polar_coordinates, (-0.4, 0.1, 2e-3, 0.2e-3)),
    "mirrored sector": ("polar_table", polar_coordinates, (0.6, -0.15, 0.5e-3, 0.3e-3)),
    "across the back": ("polar_table", polar_coordinates, (2.0, 0.3, 0.5e-3, 0.3e-3)),
}


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("source", [0, 1], ids=["compiled", "python"])
def test_raster_equals_bilinear_interpolation(geometry, source):
    name, coordinates, arguments = GEOMETRIES[geometry]
    x = np.linspace(-5.1e-3, 5.2e-3, 41)
    z = np.linspace(-5.3e-3, 6.1e-3, 37)
    image = random_image()
    table = kernels(getattr(scan_conversion, name))[source]
    raster = kernels(scan_conversion.scan_convert)[source]
    out, index = convert(table, raster, image, x, z, arguments)
    expected = raster_reference(image, *coordinates(x, z, *arguments))
    np.testing.assert_allclose(out, expected, atol=1e-5)
    assert 0 < np.count_nonzero(index == OUTSIDE) < index.size


def test_every_line_and_sample_is_returned_on_its_own_place():
    image = random_image()
    x = -2e-3 + 0.5e-3 * np.arange(9)
    z = 1e-3 + 0.25e-3 * np.arange(17)
    out, index = convert(
        scan_conversion.linear_table, scan_conversion.scan_convert, image, x, z,
        (-2e-3, 0.5e-3, 1e-3, 0.25e-3),
    )  # fmt: skip
    assert (index != OUTSIDE).all()
    np.testing.assert_allclose(out, image.T, atol=1e-5)


def test_edges_of_a_sector_are_inside_and_the_next_pixel_is_not():
    angle = np.deg2rad(37.5)
    image = random_image(8, 6)
    radius = 5e-3
    for place, expected in (
        ((radius * math.sin(angle), radius * math.cos(angle)), image[-1, -1]),
        ((-radius * math.sin(angle), radius * math.cos(angle)), image[0, -1]),
        ((radius * math.sin(angle) * 1.001, radius * math.cos(angle)), FILL),
        ((0.0, radius * 1.001), FILL),
    ):
        out, _ = convert(
            scan_conversion.polar_table, scan_conversion.scan_convert, image,
            np.array([place[0]]), np.array([place[1]]), (-angle, 2 * angle / 7, 0.0, radius / 5),
        )  # fmt: skip
        np.testing.assert_allclose(out, [[expected]], atol=1e-4)


@pytest.mark.parametrize("kernel", kernels(scan_conversion.scan_convert))
def test_no_index_reads_outside_the_image(kernel):
    image = random_image(3, 4)
    out = np.empty((1, 7), np.float32)
    kernel(image, *one_row(-1, -(2**31), 2**31 - 1, 12, 7, 6, 0), 0, 1, FILL, out)
    # 6 is the last corner whose four neighbours exist: line 1, sample 2.
    np.testing.assert_array_equal(out, [[image[1, 2]] * 6 + [image[0, 0]]])


@pytest.mark.parametrize("kernel", kernels(scan_conversion.scan_convert))
@pytest.mark.parametrize(
    ("runs", "what"),
    [
        (([0, 1], [5], [0, 3]), "beyond the last column"),
        (([0, 1], [-1], [0, 3]), "before the first column"),
        (([0, 1], [0], [1, 4]), "beyond the tables"),
        (([0, 1], [0], [-1, 2]), "before the tables"),
        (([0, 1], [0], [3, 0]), "of negative length"),
        (([0, 9], [], [0]), "that is not there"),
    ],
)
def test_a_run_that_does_not_fit_is_left_out(kernel, runs, what):
    image = random_image(3, 4)
    tables = [np.array(run, np.int32) for run in runs] + one_row(0, 1, 2)[3:]
    out = np.empty((1, 7), np.float32)
    kernel(image, *tables, -5, 99, FILL, out)
    np.testing.assert_array_equal(out, np.full((1, 7), FILL), err_msg=what)


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (1, 5), (5, 1), (0, 0)])
def test_images_too_small_to_interpolate_give_the_fill(shape):
    image = np.ones(shape, np.float32)
    out, _ = convert(
        scan_conversion.linear_table, scan_conversion.scan_convert, image,
        np.zeros(2), np.zeros(3), (0.0, 1.0, 0.0, 1.0),
    )  # fmt: skip
    np.testing.assert_array_equal(out, np.full((3, 2), FILL))
    out = np.empty((1, 3), np.float32)
    scan_conversion.scan_convert(image, *one_row(0, 1, 4), 0, 1, FILL, out)
    np.testing.assert_array_equal(out, np.full((1, 3), FILL))
    grey = np.full((1, 3), 7, np.uint8)
    scan_conversion.scan_convert_grey(
        image, *one_row(0, 1, 4), np.empty(0, np.uint8), 0.0, 60.0, 0, 1, grey
    )
    np.testing.assert_array_equal(grey, np.zeros((1, 3)))


def grey_reference(level_db, line, sample, white_db, range_db, curve):
    """Bilinear interpolation of the levels in float64, then the limits, then the curve."""
    level = raster_reference(level_db, line, sample)
    share = np.clip((level - white_db) / range_db + 1, 0, 1)
    grey = share * 255 if curve.size == 0 else curve[np.rint(share * (curve.size - 1)).astype(int)]
    return np.where(level == FILL, 0.0, grey)


@pytest.mark.parametrize("kernel", kernels(scan_conversion.scan_convert_grey))
@pytest.mark.parametrize("n_curve", [0, 1, 1000])
@pytest.mark.parametrize("geometry", ["linear", "convex"])
def test_greys_are_those_of_the_interpolated_level(kernel, n_curve, geometry):
    name, coordinates, arguments = GEOMETRIES[geometry]
    x, z = np.linspace(-5.1e-3, 5.2e-3, 41), np.linspace(-5.3e-3, 6.1e-3, 37)
    level_db = np.random.default_rng(1).uniform(-90, 10, (9, 17)).astype(np.float32)
    curve = np.rint(255 * np.linspace(0, 1, n_curve) ** 2).astype(np.uint8)
    shape = (len(z), len(x))
    tables = (np.empty(shape, np.int32), np.empty(shape, np.float32), np.empty(shape, np.float32))
    getattr(scan_conversion, name)(x, z, *arguments, *level_db.shape, *tables)
    out = np.full(shape, 9, np.uint8)
    for rows in ((20, 37), (0, 20)):
        kernel(level_db, *in_runs(*tables), curve, -5.0, 50.0, *rows, out)
    expected = grey_reference(level_db, *coordinates(x, z, *arguments), -5.0, 50.0, curve)
    # A grey is off by its rounding; a share at the border of two entries may take either.
    off = np.abs(out - expected).max()
    assert off <= (0.501 if n_curve == 0 else 1)
    assert {out.min(), out.max()} == ({0} if n_curve == 1 else {0, 255})


@pytest.mark.parametrize("kernel", kernels(scan_conversion.scan_convert_grey))
def test_levels_that_are_no_numbers_are_black(kernel):
    level_db = np.full((2, 8), -20, np.float32)
    level_db[:, :2] = np.nan
    level_db[:, 4:6] = np.inf
    for curve in (np.empty(0, np.uint8), np.arange(256, dtype=np.uint8)):
        out = np.empty((1, 3), np.uint8)
        kernel(level_db, *one_row(0, 2, 6), curve, 0.0, 60.0, 0, 1, out)
        assert out.tolist() == [[0, 170, 170]]
        # An infinite neighbour of weight 0 makes no number: such images are the caller's to mend.
        kernel(level_db, *one_row(0, 1, 2), curve, 0.0, np.nan, 0, 1, out)
        assert out.tolist() == [[0, 0, 0]]


@pytest.mark.parametrize("name", ["linear_table", "polar_table"])
def test_nan_coordinates_are_outside(name):
    _, index = convert(
        getattr(scan_conversion, name), scan_conversion.scan_convert, random_image(),
        np.array([np.nan, 0.0]), np.array([np.nan, 1e-3]), (-0.6, 0.15, 0.0, 0.3e-3),
    )  # fmt: skip
    np.testing.assert_array_equal(index == OUTSIDE, [[True, True], [True, False]])


def test_one_specialisation_serves_all_calls():
    for geometry in GEOMETRIES.values():
        convert(
            getattr(scan_conversion, geometry[0]), scan_conversion.scan_convert, random_image(),
            np.zeros(1), np.zeros(2), geometry[2],
        )  # fmt: skip
    scan_conversion.scan_convert_grey(
        random_image(), *one_row(0, 1), np.empty(0, np.uint8), 0.0, 60.0, 0, 1,
        np.empty((1, 2), np.uint8),
    )  # fmt: skip
    for name in ("linear_table", "polar_table", "scan_convert", "scan_convert_grey"):
        assert len(getattr(getattr(scan_conversion, name), "signatures", [None])) == 1
