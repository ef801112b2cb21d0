"""Curves stand where their numbers say."""

from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("PIL")

from usdk.doppler import SlowTime
from usdk.doppler.clutter import MeanFilter, PolynomialFilter, SvdFilter
from usdk.errors import ArgumentError
from usdk.plots import COLOURS, curves, responses

RANGES = {"x_range": (0.0, 1.0), "y_range": (0.0, 10.0), "x_label": "x", "y_label": "y"}
LEFT, TOP = 52, 24


def places(image, colour, width, height):
    """Rows and columns within the grid that have a colour."""
    grid = np.asarray(image)[TOP : TOP + height, LEFT : LEFT + width]
    return np.nonzero(np.all(grid == colour, axis=-1))


def test_a_line_goes_from_corner_to_corner():
    image = curves(
        {"a": (np.array([0, 1.0]), np.array([0, 10.0]))}, **RANGES, width=101, height=101
    )
    rows, columns = places(image, COLOURS[0], 101, 101)
    assert np.abs(rows + columns - 100).max() <= 2
    assert {columns.min(), columns.max()} == {0, 100}


def test_levels_lie_at_their_rows_in_their_colours_and_nan_is_a_gap():
    x = np.linspace(0, 1, 101)
    gap = np.where((x > 0.4) & (x < 0.6), np.nan, 8.0)
    named = {"low": (x, np.full(101, 2.0)), "gap": (x, gap)}
    image = curves(named, **RANGES, width=101, height=101)
    rows, columns = places(image, COLOURS[0], 101, 101)
    assert set(rows) <= {79, 80, 81}
    rows, columns = places(image, COLOURS[1], 101, 101)
    assert set(rows) <= {19, 20, 21}
    assert not np.any((columns > 42) & (columns < 58))


def test_what_lies_outside_is_cut_off():
    inside = curves({"a": (np.array([0, 1.0]), np.array([1e9, 1e9]))}, **RANGES)
    assert places(inside, COLOURS[0], 480, 300)[0].size == 0


@pytest.mark.parametrize("slow_time", [None, SlowTime(prf_hz=4000, frequency_hz=5e6)])
def test_a_response_is_drawn_at_its_gain(slow_time):
    image = responses({"mean": MeanFilter()}, 8, slow_time=slow_time, floor_db=-40)
    rows, columns = places(image, COLOURS[0], 480, 300)
    # At half the PRF the gain of mean removal over an even number of pulses is 1: 0 of −40 to 5 dB.
    assert np.median(rows[columns > 470]) == pytest.approx(299 * 5 / 45, abs=2)
    assert rows[columns < 10].max() > 250


@pytest.mark.parametrize(
    "changes",
    [
        {"x_range": (1.0, 1.0)},
        {"y_range": (0.0, math.nan)},
        {"width": 10},
        {"height": 10**6},
        {"named": {}},
        {"named": {str(k): (np.zeros(2), np.zeros(2)) for k in range(9)}},
    ],
)
def test_plots_that_cannot_be_are_refused(changes):
    arguments = {"named": {"a": (np.zeros(2), np.zeros(2))}, **RANGES, **changes}
    with pytest.raises(ArgumentError):
        curves(arguments.pop("named"), **arguments)


def test_filters_without_a_response_and_floors_above_0_are_refused():
    with pytest.raises(ArgumentError, match="no frequency response"):
        responses({"svd": SvdFilter(2)}, 12)
    with pytest.raises(ArgumentError, match="floor_db"):
        responses({"poly": PolynomialFilter(1)}, 12, floor_db=3)
