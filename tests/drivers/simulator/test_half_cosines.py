from __future__ import annotations

import numpy as np
import pytest

from usdk_drivers.simulator.half_cosines import HalfCosines

CURVE = HalfCosines((0.0, 0.2, 0.5, 1.0), (0.5, 2.0, -1.0, 0.5))
PHASES = np.linspace(-2, 3, 50_001)


def test_the_curve_passes_its_knots_and_repeats() -> None:
    knots = np.array(CURVE.phases)
    for turn in (-1, 0, 4):
        assert CURVE.value(knots + turn) == pytest.approx(np.array(CURVE.levels), abs=1e-9)
    assert CURVE.value(PHASES).max() == pytest.approx(2.0)
    assert CURVE.value(PHASES).min() == pytest.approx(-1.0)


def test_slope_and_integral_belong_to_the_value() -> None:
    step = PHASES[1] - PHASES[0]
    value, slope, integral = CURVE.value(PHASES), CURVE.slope(PHASES), CURVE.integral(PHASES)
    assert np.gradient(value, step)[1:-1] == pytest.approx(slope[1:-1], abs=2e-2)
    assert np.gradient(integral, step)[1:-1] == pytest.approx(value[1:-1], abs=1e-6)
    assert np.abs(slope).max() == pytest.approx(CURVE.steepest, rel=1e-5)
    assert CURVE.steepest == pytest.approx(np.pi / 2 * 10)


def test_the_mean_is_that_of_a_period() -> None:
    one = (np.arange(1000) + 0.5) / 1000
    assert CURVE.value(one).mean() == pytest.approx(CURVE.mean, abs=1e-6)
    assert CURVE.integral(7.0) == pytest.approx(7 * CURVE.mean)


def test_a_single_phase_gives_a_single_value() -> None:
    assert CURVE.value(0.2).shape == ()
    assert float(CURVE.value(0.2)) == pytest.approx(2.0)
