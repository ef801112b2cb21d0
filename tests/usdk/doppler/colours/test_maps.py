from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from usdk.doppler.colours import COLOUR_MAPS, ColourMap, Deficiency, colour_map, seen_with
from usdk.doppler.colours.perceptual import lab
from usdk.errors import ArgumentError
from usdk.flow_overlay import FlowKind

HALF = 128
DIRECTED = ("red-blue", "blue-orange", "directional power")


def halves(name: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the colours away from and towards the probe, each from slow to fast."""
    colours = colour_map(name).colours
    return colours[:HALF][::-1], colours[HALF:]


def require_even(lightness: NDArray[np.float64]) -> None:
    """Lightness is a straight line, but for the rounding to 8 bits."""
    line = np.linspace(lightness[0], lightness[-1], lightness.size)
    assert np.abs(lightness - line).max() < 0.8


@pytest.mark.parametrize("name", ["red-blue", "directional power"])
def test_speed_and_power_are_equally_light_in_both_directions_and_even(name: str) -> None:
    away, towards = (lab(half)[:, 0] for half in halves(name))
    for lightness in (away, towards):
        require_even(lightness)
        assert lightness[-1] - lightness[0] > 60
    assert np.abs(away - towards).max() < 1.0


def test_power_is_even_and_warm() -> None:
    colours = colour_map("power").colours
    require_even(lab(colours)[:, 0])
    assert np.all(colours[:, 0] >= colours[:, 2])


def test_red_is_towards_the_probe_and_blue_away() -> None:
    away, towards = (half.astype(int) for half in halves("red-blue"))
    assert np.all(towards[:, 0] > towards[:, 1:].max(axis=1) + 60)
    assert np.all(away[:, 2] > away[:, :2].max(axis=1) + 30)
    # Red, not orange, over most of the scale.
    assert np.all(towards[:64, 1] < 60)


def test_blue_orange_tells_direction_and_speed_by_lightness_alone() -> None:
    lightness = lab(colour_map("blue-orange").colours)[:, 0]
    require_even(lightness[:HALF])
    require_even(lightness[HALF:])
    assert lightness[HALF] - lightness[HALF - 1] > 7
    assert lightness[-1] - lightness[0] > 70


@pytest.mark.parametrize("name", DIRECTED)
@pytest.mark.parametrize("deficiency", [None, *Deficiency])
def test_directions_differ_for_every_kind_of_colour_vision(
    name: str, deficiency: Deficiency | None
) -> None:
    away, towards = (
        lab(half if deficiency is None else seen_with(deficiency, half)) for half in halves(name)
    )
    # Any speed away from any speed towards, from a tenth of the scale on.
    distance = np.linalg.norm(away[13:, None] - towards[None, 13:], axis=-1)
    assert distance.min() > 40


def test_the_check_of_directions_finds_a_map_that_fails() -> None:
    ramp = np.linspace(60, 255, HALF).astype(np.uint8)
    zero = np.zeros_like(ramp)
    red, green = (np.stack(parts, axis=-1) for parts in ((ramp, zero, zero), (zero, ramp, zero)))
    seen = [lab(seen_with(Deficiency.PROTANOPIA, half)) for half in (red, green)]
    assert np.linalg.norm(seen[0][:, None] - seen[1][None], axis=-1).min() < 15


@pytest.mark.parametrize("deficiency", [None, *Deficiency])
def test_speeds_differ_for_every_kind_of_colour_vision(deficiency: Deficiency | None) -> None:
    for half in halves("blue-orange"):
        seen = lab(half if deficiency is None else seen_with(deficiency, half))
        # Steps of a fifth of the scale.
        assert np.linalg.norm(seen[25:] - seen[:-25], axis=-1).min() > 4.5


def test_variance_adds_green_and_nothing_else() -> None:
    table = colour_map("variance").colours.astype(int)
    assert np.array_equal(table[0], colour_map("red-blue").colours)
    assert np.array_equal(table[..., 0], np.tile(table[0, :, 0], (len(table), 1)))
    assert np.array_equal(table[..., 2], np.tile(table[0, :, 2], (len(table), 1)))
    assert np.all(np.diff(table[..., 1], axis=0) >= 0)
    assert np.all(table[-1, :, 1] == table[-1].max(axis=1))
    lightness = lab(table.astype(np.uint8))[..., 0]
    assert np.all(np.diff(lightness, axis=0) >= 0)
    assert np.all(np.diff(lightness[:, HALF:], axis=1) >= -0.01)


def test_maps_are_named_and_made_once() -> None:
    for name in COLOUR_MAPS:
        made = colour_map(name)
        assert made.name == name
        assert colour_map(name) is made
        assert not made.colours.flags.writeable
        assert colour_map(made) is made
    for wrong in ("rainbow", 3, None):
        with pytest.raises(ArgumentError, match="red-blue, blue-orange"):
            colour_map(wrong)  # type: ignore[arg-type]


def test_a_map_of_ones_own_is_checked() -> None:
    own = ColourMap(name="own", kind=FlowKind.POWER, colours=np.zeros((2, 3), np.uint8))
    assert colour_map(own) is own
    for colours in (
        np.zeros((2, 3)),
        np.zeros((1, 3), np.uint8),
        np.zeros((2, 4), np.uint8),
        np.zeros((2, 2, 3), np.uint8),
        [[1, 2, 3], [1, 2]],
    ):
        with pytest.raises(ArgumentError, match="n_colours"):
            ColourMap(name="x", kind=FlowKind.VELOCITY, colours=colours)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="n_spreads"):
        ColourMap(name="x", kind=FlowKind.VARIANCE, colours=np.zeros((2, 3), np.uint8))
