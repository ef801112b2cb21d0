from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from usdk.errors import ArgumentError, DataDamagedError
from usdk.gain_curve import MAX_GAIN_POINTS, GainCurve

CURVE = GainCurve(times_s=(10e-6, 30e-6), gains_db=(6.0, 26.0))


def test_gain_goes_straight_in_db_and_stays_at_the_ends() -> None:
    gains_db = CURVE.at([0.0, 10e-6, 15e-6, 30e-6, 1.0])
    assert np.allclose(gains_db, [6.0, 6.0, 11.0, 26.0, 26.0])


def test_a_factor_is_that_of_an_amplitude() -> None:
    factors = CURVE.factors(4, 1 / 10e-6)
    assert np.allclose(factors, [10**0.3, 10**0.3, 10**0.8, 10**1.3])


def test_a_curve_over_depth_is_one_over_the_way_there_and_back() -> None:
    curve = GainCurve.over_depth([0.0, 0.03], [0.0, 30.0], sound_speed_m_s=1500.0)
    assert curve.times_s == pytest.approx((0.0, 40e-6))
    assert curve.describe() == "0 dB at 0 µs to 30 dB at 40 µs"
    assert GainCurve.constant(3.0).describe() == "3 dB"
    assert GainCurve.constant(3.0).is_constant


@given(
    st.lists(st.floats(0, 1e-3), min_size=1, max_size=20, unique=True).map(sorted),
    st.randoms(use_true_random=False),
)
def test_it_comes_back_from_plain_values(times_s: list[float], random: Any) -> None:
    gains_db = tuple(random.uniform(-50, 50) for _ in times_s)
    curve = GainCurve(times_s=tuple(times_s), gains_db=gains_db)
    assert GainCurve.from_dict(curve.to_dict()) == curve


@pytest.mark.parametrize(
    ("times_s", "gains_db"),
    [
        ((), ()),
        ((0.0,), (1.0, 2.0)),
        ((0.0, 0.0), (1.0, 2.0)),
        ((-1e-6,), (1.0,)),
        ((0.0,), (math.nan,)),
        ((math.inf,), (1.0,)),
        ("12", (1.0, 2.0)),
        (0.0, 1.0),
        (tuple(range(MAX_GAIN_POINTS + 1)), (0.0,) * (MAX_GAIN_POINTS + 1)),
    ],
)
def test_what_is_no_curve_is_refused(times_s: Any, gains_db: Any) -> None:
    with pytest.raises(ArgumentError):
        GainCurve(times_s=times_s, gains_db=gains_db)


@pytest.mark.parametrize("plain", [{}, {"times_s": [0.0]}, {"times_s": [0.0], "gains_db": ["a"]}])
def test_damaged_values_are_refused(plain: dict[str, Any]) -> None:
    with pytest.raises(DataDamagedError):
        GainCurve.from_dict(plain)
