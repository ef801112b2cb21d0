from __future__ import annotations

import numpy as np
import pytest

from usdk.doppler.colours import Deficiency, seen_with
from usdk.doppler.colours.perceptual import lab
from usdk.errors import ArgumentError


@pytest.mark.parametrize("deficiency", Deficiency)
def test_greys_stay_grey(deficiency: Deficiency) -> None:
    greys = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    assert np.abs(seen_with(deficiency, greys).astype(int) - greys).max() <= 1


def test_red_and_green_come_together_and_blue_and_yellow_do_not_without_red_cones() -> None:
    pure = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0]], np.uint8)
    red, green, blue, yellow = seen_with("deuteranopia", pure).astype(int)
    _, a, b = lab(np.array([red, green], np.uint8)).T
    assert np.ptp(np.degrees(np.arctan2(b, a))) < 15
    _, a, b = lab(pure[:2]).T
    assert np.ptp(np.degrees(np.arctan2(b, a))) > 90
    assert yellow[0] > 200 > yellow[2]
    assert blue[2] > 200 > blue[0]
    # A red light is dark to those without red cones.
    assert seen_with("protanopia", pure)[0].max() < 120


def test_another_deficiency_is_refused() -> None:
    with pytest.raises(ArgumentError, match="protanopia"):
        seen_with("myopia", np.zeros((1, 3), np.uint8))
