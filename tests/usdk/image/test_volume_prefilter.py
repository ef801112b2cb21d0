"""The low-pass before volumes are read coarsely, against triangles in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.ndimage import convolve1d

from usdk.image.volume_prefilter import MAX_HALF_WIDTH, VolumePrefilter

SHAPE = (9, 12, 20)
VOLUME = np.random.default_rng(2).standard_normal(SHAPE).astype(np.float32)
NARROW = np.ones(20)


def triangle(volume: Any, axis: int, half_width: float) -> Any:
    """A triangle along an axis, its weights scaled up where it reaches past an edge."""
    reach = int(np.ceil(half_width))
    taps = np.maximum(1 - np.abs(np.arange(-reach, reach + 1)) / half_width, 0)
    heard = convolve1d(np.ones(volume.shape), taps, axis=axis, mode="constant")
    return convolve1d(np.asarray(volume, float), taps, axis=axis, mode="constant") / heard


@pytest.mark.parametrize("a", [1.0, 2.5])
@pytest.mark.parametrize("b", [1.0, 3.3])
@pytest.mark.parametrize("c", [1.0, 1.8])
def test_every_axis_has_its_own_triangle(a: float, b: float, c: float) -> None:
    smooth = VolumePrefilter(SHAPE, a * NARROW, b * NARROW, c)(VOLUME)
    expected = VOLUME
    for axis, half_width in enumerate((a, b, c)):
        if half_width > 1:
            expected = triangle(expected, axis, half_width)
    np.testing.assert_allclose(smooth, expected, atol=3e-6)


def test_widths_across_lines_follow_the_range() -> None:
    half_widths = np.linspace(5.0, 0.5, 20)
    smooth = VolumePrefilter(SHAPE, half_widths, NARROW, 1.0)(VOLUME)
    for sample, half_width in enumerate(half_widths):
        expected = triangle(VOLUME[..., sample], 0, max(half_width, 1.0))
        np.testing.assert_allclose(smooth[..., sample], expected, atol=2e-6)


def test_nothing_to_smooth_costs_nothing() -> None:
    prefilter = VolumePrefilter(SHAPE, NARROW, NARROW, 1.0)
    assert prefilter(VOLUME) is VOLUME
    assert prefilter.n_bytes == 0


def test_widths_that_no_grid_needs_are_cut() -> None:
    wide = VolumePrefilter(SHAPE, np.full(20, np.inf), np.full(20, np.nan), np.inf)
    assert np.isfinite(wide(VOLUME)).all()
    assert wide.n_bytes < 2 * VOLUME.nbytes + 4 * 20 * (MAX_HALF_WIDTH + 1)


def test_the_volume_given_stays_as_it_is() -> None:
    given = VOLUME.copy()
    VolumePrefilter(SHAPE, 3 * NARROW, 3 * NARROW, 3.0)(given)
    np.testing.assert_array_equal(given, VOLUME)
