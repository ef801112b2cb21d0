from __future__ import annotations

import math
from typing import Any

import pytest

from usdk.doppler.spectral import RangeAmbiguity
from usdk.errors import ArgumentError


def test_up_to_the_spacing_one_gate_alone_is_heard() -> None:
    pulses = RangeAmbiguity(prf_hz=5000.0, sound_speed_m_s=1540.0)
    assert pulses.spacing_m == pytest.approx(0.154)
    assert pulses.gates_m(0.1) == (0.1,)
    assert pulses.extra_gates_m(0.1) == ()
    assert not pulses.is_high_prf(0.1)


def test_high_prf_hears_gates_a_spacing_apart() -> None:
    pulses = RangeAmbiguity(prf_hz=10_000.0, sound_speed_m_s=1500.0)
    assert pulses.gates_m(0.2) == pytest.approx((0.05, 0.125, 0.2))
    assert pulses.extra_gates_m(0.2) == pytest.approx((0.05, 0.125))
    assert pulses.n_pulses_behind(0.2) == 2
    assert pulses.is_high_prf(0.2)


def test_deeper_gates_count_as_far_as_echoes_are_strong() -> None:
    pulses = RangeAmbiguity(prf_hz=10_000.0, sound_speed_m_s=1500.0)
    assert pulses.gates_m(0.03, deepest_m=0.2) == pytest.approx((0.03, 0.105, 0.18))


def test_a_depth_is_not_heard_while_a_pulse_is_sent() -> None:
    pulses = RangeAmbiguity(prf_hz=10_000.0, sound_speed_m_s=1500.0, blind_s=4e-6)
    with pytest.raises(ArgumentError, match="cannot be reached at a PRF"):
        pulses.gates_m(0.076)
    assert pulses.gates_m(0.079) == pytest.approx((0.004, 0.079))


def test_a_gate_must_lie_within_one_interval() -> None:
    pulses = RangeAmbiguity(prf_hz=10_000.0, sound_speed_m_s=1500.0)
    pulses.require_heard(0.1, 0.01)
    with pytest.raises(ArgumentError, match="cannot be reached"):
        pulses.require_heard(0.0745, 0.002)


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf])
def test_a_prf_is_positive(value: float) -> None:
    with pytest.raises(ArgumentError, match="prf_hz"):
        RangeAmbiguity(prf_hz=value)


def test_a_blind_time_is_shorter_than_an_interval() -> None:
    with pytest.raises(ArgumentError, match="blind_s"):
        RangeAmbiguity(prf_hz=1000.0, blind_s=2e-3)


@pytest.mark.parametrize("depth_m", [1e9, 1e308, "deep"])
def test_a_depth_that_no_echo_comes_from_is_refused_and_does_not_hang(depth_m: Any) -> None:
    pulses = RangeAmbiguity(prf_hz=5000.0)
    for ask in (pulses.gates_m, pulses.n_pulses_behind, pulses.is_high_prf):
        with pytest.raises(ArgumentError):
            ask(depth_m)
    with pytest.raises(ArgumentError):
        pulses.gates_m(0.1, deepest_m=depth_m)
