from __future__ import annotations

import math

import pytest

from usdk.errors import ArgumentError
from usdk_drivers.simulator.parameters import finite, positive


def test_numbers_are_taken_as_they_are_meant() -> None:
    assert finite("-2e-3", "depth_m") == -0.002
    assert positive(3, "depth_m") == 3.0
    assert positive(math.inf, "length_m", or_infinite=True) == math.inf


@pytest.mark.parametrize("bad", [math.nan, math.inf, "deep", None, [1.0]])
def test_what_is_no_number_is_refused_by_name(bad: object) -> None:
    for check in (finite, positive):
        with pytest.raises(ArgumentError, match="depth_m must be"):
            check(bad, "depth_m")


@pytest.mark.parametrize("bad", [0, -1.0, math.nan])
def test_what_must_be_positive_is(bad: float) -> None:
    with pytest.raises(ArgumentError, match="positive"):
        positive(bad, "length_m", or_infinite=True)
