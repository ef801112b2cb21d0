from __future__ import annotations

import numpy as np
import pytest

from usdk.doppler.colours import colour_map
from usdk.errors import ArgumentError


def test_a_symmetrical_scale_has_the_map_s_own_colours() -> None:
    red_blue = colour_map("red-blue")
    assert np.array_equal(red_blue.between(-0.4, 0.4), red_blue.colours)
    assert np.array_equal(red_blue.between(-0.4, 0.4, is_inverted=True), red_blue.colours[::-1])


def test_a_moved_baseline_keeps_the_same_colour_for_the_same_speed() -> None:
    red_blue = colour_map("red-blue")
    moved = red_blue.between(-0.2, 0.6)
    velocity_m_s = -0.2 + 0.8 * (np.arange(256) + 0.5) / 256
    expected = red_blue.colours[((velocity_m_s / 0.6 + 1) * 128).astype(int)]
    assert np.array_equal(moved, expected)
    assert np.array_equal(moved[-1], red_blue.colours[-1])
    variance = colour_map("variance")
    assert variance.between(0.0, 1.0).shape == variance.colours.shape


@pytest.mark.parametrize("ends", [(1.0, 1.0), (1.0, 0.0), (0.0, np.nan), (-np.inf, 0.0)])
def test_a_scale_without_extent_is_refused(ends: tuple[float, float]) -> None:
    with pytest.raises(ArgumentError, match="lower to a higher"):
        colour_map("red-blue").between(*ends)
