from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from usdk.doppler.spectral import SampleVolume
from usdk.errors import ArgumentError


def test_the_gate_lies_about_its_centre_along_the_beam() -> None:
    gate = SampleVolume(centre_m=(1e-3, 20e-3), length_m=2e-3, beam_rad=math.radians(30))
    points_m = gate.line(5).points_m()
    np.testing.assert_allclose(points_m[2], (1e-3, 0, 20e-3))
    np.testing.assert_allclose(
        points_m[4] - points_m[0], (1e-3, 0, 2e-3 * math.cos(math.radians(30))), atol=1e-12
    )


@pytest.mark.parametrize("window", ["boxcar", "hann", "hamming", "blackman", "tukey"])
@pytest.mark.parametrize("n_looks", [1, 4])
def test_weights_of_each_look_add_up_to_one(window: str, n_looks: int) -> None:
    gate = SampleVolume(centre_m=(0, 2e-2), length_m=2e-3, window=window, n_looks=n_looks)
    weights = gate.weights(48)
    assert weights.shape == (n_looks, 48)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    # Looks stand one behind the other and share nothing.
    assert np.all((weights > 0).sum(axis=0) == 1)
    np.testing.assert_allclose(weights, weights[::-1, ::-1], atol=1e-15)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"centre_m": (1.0,)}, "centre_m"),
        ({"centre_m": 3.0}, "centre_m"),
        ({"centre_m": (math.nan, 0.0)}, "centre_m"),
        ({"length_m": 0.0}, "length_m"),
        ({"beam_rad": 2.0}, "beam_rad"),
        ({"angle_rad": math.radians(86)}, "turn the beam"),
        ({"window": "round"}, "round"),
        ({"n_looks": 0}, "n_looks"),
    ],
)
def test_options_out_of_range_are_refused(options: Any, match: str) -> None:
    with pytest.raises(ArgumentError, match=match):
        SampleVolume(**({"centre_m": (0.0, 2e-2), "length_m": 1e-3} | options))
