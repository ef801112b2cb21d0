"""Volume conversion against scipy's first-order splines, closed forms and edges."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import convolve1d, map_coordinates

from usdk_kernels import volume_conversion as kernels_
from usdk_kernels.volume_conversion import OUTSIDE

FILL = -77.0


def kernels(kernel):
    """The compiled kernel and its source."""
    return [kernel, getattr(kernel, "py_func", kernel)]


def trilinear_reference(volume, coordinates):
    """scipy's first-order spline in float64, FILL outside."""
    edge = 1e-6
    last = np.array(volume.shape) - 1
    with np.errstate(invalid="ignore"):
        inside = ((coordinates >= -edge) & (coordinates <= last + edge)).all(axis=-1)
    at = np.moveaxis(np.clip(np.nan_to_num(coordinates), 0, last), -1, 0)
    return np.where(inside, map_coordinates(volume.astype(float), at, order=1), FILL)


def triangle_reference(volume, axis, half_width):
    """A triangle along an axis, its weights scaled up where it reaches past an edge."""
    reach = int(np.ceil(half_width))
    taps = np.maximum(1 - np.abs(np.arange(-reach, reach + 1)) / half_width, 0)
    options = {"axis": axis, "mode": "constant"}
    heard = convolve1d(np.ones(volume.shape), taps, **options)
    return convolve1d(volume.astype(float), taps, **options) / heard


def half_triangle(half_width):
    n_taps = int(np.ceil(half_width))
    return np.maximum(1 - np.arange(n_taps) / half_width, 0).astype(np.float32)


def random_volume(shape=(5, 6, 7)):
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def sliced(kernel, volume, coordinates, shape=None, table=kernels_.slice_table):
    index = np.empty(len(coordinates), np.int32)
    weights = np.empty((3, len(coordinates)), np.float32)
    table(coordinates, *(shape or volume.shape), index, weights)
    out = np.empty(len(coordinates), np.float32)
    kernel(volume, index, weights, FILL, 0, len(coordinates), out)
    return out, index


@pytest.mark.parametrize("source", [0, 1], ids=["compiled", "python"])
def test_a_slice_equals_trilinear_interpolation(source):
    volume = random_volume()
    coordinates = np.random.default_rng(1).uniform(-0.5, 6.5, (400, 3))
    coordinates[:4] = [[0, 0, 0], [4, 5, 6], [4 + 5e-7, 5, 6], [2, 3, np.nan]]
    out, index = sliced(
        kernels(kernels_.slice_volume)[source], volume, coordinates,
        table=kernels(kernels_.slice_table)[source],
    )  # fmt: skip
    np.testing.assert_allclose(out, trilinear_reference(volume, coordinates), atol=2e-6)
    assert out[:4] == pytest.approx([volume[0, 0, 0], volume[-1, -1, -1], volume[-1, -1, -1], FILL])
    assert 0 < np.count_nonzero(index == OUTSIDE) < index.size


@pytest.mark.parametrize("source", [0, 1], ids=["compiled", "python"])
def test_voxels_of_a_grid_equal_trilinear_interpolation(source):
    volume = random_volume()
    axes = np.linspace(-0.4, 4.2, 9), np.linspace(0.3, 5.6, 8), np.linspace(-1.0, 6.0, 11)
    tables = []
    for axis, n in zip(axes, volume.shape, strict=True):
        tables += [np.empty(axis.size, np.int32), np.empty(axis.size, np.float32)]
        kernels(kernels_.axis_table)[source](axis, n, *tables[-2:])
    out = np.full((9, 8, 11), 5, np.float32)
    kernels(kernels_.convert_grid)[source](volume, *tables, FILL, 1, 8, out)
    coordinates = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    expected = trilinear_reference(volume, coordinates)
    np.testing.assert_allclose(out[1:8], expected[1:8], atol=2e-6)
    assert (out[[0, 8]] == 5).all()


@pytest.mark.parametrize("source", [0, 1], ids=["compiled", "python"])
def test_voxels_of_a_pyramid_equal_trilinear_interpolation(source):
    volume = random_volume()
    x, y, z = np.linspace(-4, 4, 9), np.linspace(-3, 5, 8), np.linspace(-1, 7, 10)
    azimuth0, azimuth_step, elevation0, elevation_step = -0.5, 0.25, -0.6, 0.22
    tables = []
    for side, first, step, n in (
        (x, azimuth0, azimuth_step, 5), (y, elevation0, elevation_step, 6),
    ):  # fmt: skip
        angles = np.where(z < 0, np.nan, np.arctan2(side[:, None], z))
        index = np.empty(angles.shape, np.int32)
        weight = np.empty(angles.shape, np.float32)
        kernels(kernels_.axis_table)[source](
            ((angles - first) / step).ravel(), n, index.reshape(-1), weight.reshape(-1)
        )
        tables += [index, weight]
    out = np.empty((9, 8, 10), np.float32)
    kernels(kernels_.convert_pyramid)[source](volume, x, y, z, *tables, 1.5, 0.8, FILL, 0, 9, out)
    xx, yy, zz = np.meshgrid(x, y, z, indexing="ij")
    coordinates = np.stack(
        (
            (np.arctan2(xx, np.where(zz < 0, np.nan, zz)) - azimuth0) / azimuth_step,
            (np.arctan2(yy, zz) - elevation0) / elevation_step,
            (np.sqrt(xx**2 + yy**2 + zz**2) - 1.5) / 0.8,
        ),
        axis=-1,
    )
    np.testing.assert_allclose(out, trilinear_reference(volume, coordinates), atol=3e-6)
    assert 0 < np.count_nonzero(out == FILL) < out.size


@pytest.mark.parametrize("half_width", [1.0, 1.7, 3.0, 9.5])
@pytest.mark.parametrize("source", [0, 1], ids=["compiled", "python"])
def test_smoothing_along_samples_is_a_triangle(half_width, source):
    rows = random_volume((4, 3, 7)).reshape(12, 7)
    out = np.full_like(rows, 5)
    kernels(kernels_.smooth_samples)[source](rows, half_triangle(half_width), 2, 12, out)
    expected = triangle_reference(rows, 1, half_width)
    np.testing.assert_allclose(out[2:], expected[2:], atol=2e-6)
    assert (out[:2] == 5).all()


@pytest.mark.parametrize("source", [0, 1], ids=["compiled", "python"])
def test_smoothing_across_lines_has_a_width_for_every_sample(source):
    volume = random_volume((2, 9, 3, 5))
    half_widths = [4.2, 2.5, 1.0, 1.3, 20.0]
    taps = np.zeros((20, 5), np.float32)
    for sample, half_width in enumerate(half_widths):
        half = half_triangle(half_width)
        taps[: half.size, sample] = half
    out = np.full_like(volume, 5)
    kernels(kernels_.smooth_lines)[source](volume, taps, 0, 8, out)
    for sample, half_width in enumerate(half_widths):
        expected = triangle_reference(volume[..., sample], 1, half_width)
        np.testing.assert_allclose(out[:, :8, :, sample], expected[:, :8], atol=2e-6)
    np.testing.assert_array_equal(out[..., 2][:, :8], volume[..., 2][:, :8])
    assert (out[:, 8] == 5).all()


@pytest.mark.parametrize("kernel", kernels(kernels_.slice_volume))
def test_no_index_reads_outside_the_volume(kernel):
    volume = random_volume((3, 4, 5))
    index = np.array([-1, -(2**31), 2**31 - 1, 60, 34, 33, 0], np.int32)
    zero = np.zeros((3, index.size), np.float32)
    out = np.empty(index.size, np.float32)
    kernel(volume, index, zero, FILL, 0, index.size, out)
    # 33 is the last corner whose eight neighbours exist: (1, 2, 3).
    np.testing.assert_array_equal(out, [FILL] * 5 + [volume[1, 2, 3], volume[0, 0, 0]])


@pytest.mark.parametrize("shape", [(1, 4, 4), (4, 1, 4), (4, 4, 1), (0, 4, 4), (4, 4, 0)])
@pytest.mark.parametrize("source", [0, 1], ids=["compiled", "python"])
def test_volumes_too_small_to_interpolate_give_the_fill(shape, source):
    volume = np.ones(shape, np.float32)
    out, _ = sliced(
        kernels(kernels_.slice_volume)[source], volume, np.zeros((3, 3)), shape=(4, 4, 4)
    )
    np.testing.assert_array_equal(out, [FILL] * 3)
    index, weight = np.zeros((1, 1), np.int32), np.zeros((1, 1), np.float32)
    one = np.ones(1)
    out = np.empty((1, 1, 1), np.float32)
    kernels(kernels_.convert_pyramid)[source](
        volume, one, one, one, index, weight, index, weight, 0.0, 1.0, FILL, 0, 1, out
    )
    assert out == FILL
    out = np.empty((1, 1, 1), np.float32)
    flat, w = index.reshape(-1), weight.reshape(-1)
    kernels(kernels_.convert_grid)[source](volume, flat, w, flat, w, flat, w, FILL, 0, 1, out)
    assert out == FILL


def test_one_specialisation_serves_all_calls():
    for name in (
        "axis_table", "slice_table", "slice_volume", "convert_grid", "convert_pyramid",
        "smooth_samples", "smooth_lines",
    ):  # fmt: skip
        assert len(getattr(getattr(kernels_, name), "signatures", [None])) <= 1
