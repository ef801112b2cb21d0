from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from usdk.errors import ArgumentError
from usdk.image.persistence import FrameAverage, Persistence

NAN = math.nan


def averages(persistence: Persistence, frames: list[dict[str, Any]]) -> list[float]:
    """Return what each frame becomes; a frame is its value and what is known of it."""
    average = FrameAverage(persistence, (1, 1))
    seen = []
    for frame in frames:
        known = dict(frame)
        image = np.full((1, 1), known.pop("value"), np.float32)
        average(image, **known)
        seen.append(float(image[0, 0]))
    return seen


def test_an_echo_that_goes_away_fades_by_the_coefficient() -> None:
    frames = [{"value": v, "sequence_number": n} for n, v in enumerate((8.0, 0, 0, 0))]
    assert averages(Persistence(coefficient=0.5), frames) == [8, 4, 2, 1]
    assert averages(Persistence(coefficient=0), frames) == [8, 0, 0, 0]


def test_a_time_constant_fades_by_the_time_between_frames() -> None:
    frames = [
        {"value": v, "sequence_number": n, "time_s": t}
        for n, (v, t) in enumerate(((1.0, 0.0), (0.0, 0.1), (0.0, 0.4), (0.0, 0.5)))
    ]
    expected = [math.exp(-t / 0.2) for t in (0.0, 0.1, 0.4, 0.5)]
    assert averages(Persistence(time_constant_s=0.2), frames) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("second", "persists"),
    [
        ({"sequence_number": 6}, True),
        ({"sequence_number": 5}, True),  # nobody counts
        ({"sequence_number": 7}, False),
        ({"sequence_number": 0}, False),
        ({"sequence_number": 6, "is_after_gap": True}, False),
        ({"sequence_number": 6, "time_s": 2.0}, True),
        ({"sequence_number": 6, "time_s": 0.5}, False),
    ],
)
def test_it_begins_anew_after_what_was_lost(second: dict[str, Any], persists: bool) -> None:
    first = {"value": 4.0, "sequence_number": 5, "time_s": 1.0 if "time_s" in second else NAN}
    _, value = averages(Persistence(coefficient=0.5), [first, {"value": 0.0, **second}])
    assert value == (2.0 if persists else 0.0)


@pytest.mark.parametrize("time_s", [NAN, 1.0])
def test_a_time_constant_needs_times(time_s: float) -> None:
    first, second = {"value": 4.0, "time_s": 1.0}, {"value": 0.0, "time_s": time_s}
    assert averages(Persistence(time_constant_s=0.5), [first, second]) == [4, 0]


def test_it_can_be_made_to_forget() -> None:
    average = FrameAverage(Persistence(coefficient=0.9), (2, 3))
    average(np.ones((2, 3), np.float32))
    average.reset()
    image = np.zeros((2, 3), np.float32)
    average(image)
    assert not image.any()


@pytest.mark.parametrize("coefficient", [0.5, 0.8])
def test_independent_speckle_is_averaged_as_theory_says(coefficient: float) -> None:
    # Weights (1 − a) aᵏ: the variance falls by (1 − a) / (1 + a).
    rng = np.random.default_rng(2)
    average = FrameAverage(Persistence(coefficient=coefficient), (200, 200))
    for number in range(40):
        image = rng.rayleigh(1.0, (200, 200)).astype(np.float32)
        average(image, sequence_number=number)
    snr = image.mean() / image.std()
    assert snr == pytest.approx(1.913 * math.sqrt((1 + coefficient) / (1 - coefficient)), rel=0.02)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"coefficient": 0.5, "time_constant_s": 1.0},
        {"coefficient": 1.0},
        {"coefficient": -0.1},
        {"coefficient": NAN},
        {"time_constant_s": 0.0},
        {"time_constant_s": math.inf},
    ],
)
def test_settings_that_cannot_be_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ArgumentError):
        Persistence(**options)


def test_images_of_another_shape_are_refused() -> None:
    with pytest.raises(ArgumentError, match="shape"):
        FrameAverage(Persistence(coefficient=0.5), (2, 3))(np.zeros((3, 2), np.float32))
