from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from usdk.errors import ArgumentError
from usdk.front_end import GainCurve, TgcLimits

LIMITS = TgcLimits(least_db=-6.3, greatest_db=40.0, step_db=0.5, step_s=1e-6, max_points=3)


@given(st.floats(-6.3, 40.0), st.floats(0, 1e-3))
def test_what_a_device_makes_of_a_point_is_on_its_steps_and_in_its_range(
    gain_db: float, time_s: float
) -> None:
    curve = LIMITS.quantised(GainCurve(times_s=(time_s,), gains_db=(gain_db,)))
    (made_s,), (made_db,) = curve.times_s, curve.gains_db
    assert LIMITS.least_db - 1e-9 <= made_db <= LIMITS.greatest_db + 1e-9
    assert abs(made_db - gain_db) <= 0.5  # half a step, and one where the range ends between two
    steps = (made_db - LIMITS.least_db) / 0.5
    assert np.isclose(steps, round(steps), atol=1e-6)
    assert abs(made_s - time_s) <= 0.5e-6 + 1e-12


def test_of_points_that_fall_together_the_last_counts() -> None:
    curve = GainCurve(times_s=(0.0, 1.1e-6, 1.2e-6), gains_db=(0.7, 10.7, 20.7))
    assert LIMITS.quantised(curve).gains_db == pytest.approx((0.7, 20.7))


@pytest.mark.parametrize(
    ("curve", "match"),
    [
        (GainCurve.constant(40.1), "40 dB"),
        (GainCurve.constant(-6.4), "-6.3"),
        (GainCurve(times_s=(0, 1, 2, 3), gains_db=(0, 0, 0, 0)), "at most 3"),
    ],
)
def test_what_is_beyond_the_limits_is_refused_by_name(curve: GainCurve, match: str) -> None:
    with pytest.raises(ArgumentError, match=match):
        LIMITS.require(curve, "scanner")
    LIMITS.require(GainCurve.constant(40.0), "scanner")


def test_a_device_without_steps_makes_any_curve() -> None:
    curve = GainCurve(times_s=(1e-7, 1.23456e-5), gains_db=(0.123, 7.89))
    assert TgcLimits(least_db=0.0, greatest_db=10.0).quantised(curve) == curve
