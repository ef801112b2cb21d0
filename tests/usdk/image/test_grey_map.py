from __future__ import annotations

import math

import numpy as np
import pytest

from usdk.errors import ArgumentError
from usdk.image.grey_map import CURVE_ENTRIES, GreyMap, grey_curve


@pytest.mark.parametrize("grey_map", GreyMap)
@pytest.mark.parametrize("range_db", [20.0, 60.0, 100.0])
def test_greys_rise_from_black_to_white_and_never_fall(grey_map: GreyMap, range_db: float) -> None:
    curve = grey_curve(grey_map, range_db)
    assert (curve.size, curve[0], curve[-1]) == (CURVE_ENTRIES, 0, 255)
    assert np.all(np.diff(curve.astype(int)) >= 0)


@pytest.mark.parametrize("range_db", [40.0, 60.0])
def test_each_map_is_its_closed_form(range_db: float) -> None:
    for entry in (1, 100, 1365, 2048, 3000, 4000):
        u = entry / (CURVE_ENTRIES - 1)
        black = 10 ** (-range_db / 20)
        amplitude = 10 ** (range_db * (u - 1) / 20)
        logistic = [1 / (1 + math.exp(-6 * (x - 0.5))) for x in (0, u, 1)]
        expected = {
            GreyMap.LINEAR_DB: u,
            GreyMap.SQUARE_ROOT: math.sqrt((amplitude - black) / (1 - black)),
            GreyMap.S_CURVE: (logistic[1] - logistic[0]) / (logistic[2] - logistic[0]),
        }
        for grey_map, share in expected.items():
            assert abs(grey_curve(grey_map, range_db)[entry] - 255 * share) <= 0.5 + 1e-9


def test_maps_differ_as_they_are_meant_to() -> None:
    linear, root, sigmoid = (grey_curve(name, 60.0).astype(int) for name in GreyMap)
    quarter, three_quarters = CURVE_ENTRIES // 4, 3 * CURVE_ENTRIES // 4
    # The S-curve is darker below the middle and brighter above; the root is darker throughout.
    assert sigmoid[quarter] < linear[quarter] - 10
    assert sigmoid[three_quarters] > linear[three_quarters] + 10
    assert root[three_quarters] < linear[three_quarters] - 50


def test_a_map_is_named_by_its_text() -> None:
    assert np.array_equal(grey_curve("s-curve", 60.0), grey_curve(GreyMap.S_CURVE, 60.0))
    with pytest.raises(ArgumentError, match="linear-db, square-root, s-curve"):
        grey_curve("gamma", 60.0)
    for range_db in (0.0, -3.0, float("nan"), float("inf")):
        with pytest.raises(ArgumentError, match="dynamic_range_db"):
            grey_curve("s-curve", range_db)
