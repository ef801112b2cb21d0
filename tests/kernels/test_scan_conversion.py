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


def convert(table, convert_kernel, image, x, z, geometry):
    shape = (len(z), len(x))
    index = np.empty(shape, np.int32)
    weights = np.empty(shape, np.float32), np.empty(shape, np.float32)
    table(x, z, *geometry, *image.shape, index, *weights)
    out = np.empty(shape, np.float32)
    convert_kernel(image, index, *weights, FILL, out)
    return out, index


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
    index = np.array([[-1, -(2**31), 2**31 - 1, 12, 7, 6, 0]], np.int32)
    zero = np.zeros(index.shape, np.float32)
    out = np.empty(index.shape, np.float32)
    kernel(image, index, zero, zero, FILL, out)
    # 6 is the last corner whose four neighbours exist: line 1, sample 2.
    np.testing.assert_array_equal(out, [[FILL] * 5 + [image[1, 2], image[0, 0]]])


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (1, 5), (5, 1), (0, 0)])
def test_images_too_small_to_interpolate_give_the_fill(shape):
    image = np.ones(shape, np.float32)
    out, _ = convert(
        scan_conversion.linear_table, scan_conversion.scan_convert, image,
        np.zeros(2), np.zeros(3), (0.0, 1.0, 0.0, 1.0),
    )  # fmt: skip
    np.testing.assert_array_equal(out, np.full((3, 2), FILL))
    index = np.array([[0, 1, 4]], np.int32)
    zero = np.zeros((1, 3), np.float32)
    out = np.empty((1, 3), np.float32)
    scan_conversion.scan_convert(image, index, zero, zero, FILL, out)
    np.testing.assert_array_equal(out, np.full((1, 3), FILL))


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
    for name in ("linear_table", "polar_table", "scan_convert"):
        assert len(getattr(getattr(scan_conversion, name), "signatures", [None])) == 1
