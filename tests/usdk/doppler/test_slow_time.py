"""Phase to velocity, and back to a Doppler shift."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from usdk.doppler import SlowTime
from usdk.errors import ArgumentError

CLOCK = SlowTime(prf_hz=4000.0, frequency_hz=5e6, sound_speed_m_s=1540.0)


def test_half_a_turn_from_pulse_to_pulse_is_the_nyquist_velocity() -> None:
    assert CLOCK.nyquist_m_s == pytest.approx(1540 * 4000 / (4 * 5e6))
    assert CLOCK.velocity_m_s(math.pi) == pytest.approx(CLOCK.nyquist_m_s)
    assert CLOCK.velocity_m_s(-math.pi / 2) == pytest.approx(-CLOCK.nyquist_m_s / 2)


def test_a_scatterer_that_comes_nearer_moves_with_a_positive_velocity() -> None:
    pulses = np.arange(8)
    depth_m = 0.02 - 0.1 * pulses * CLOCK.interval_s
    # Echo of the carrier, demodulated, at a fixed place: later echoes lag in phase.
    iq = np.exp(-4j * np.pi * CLOCK.frequency_hz * depth_m / CLOCK.sound_speed_m_s)
    phase_rad = np.angle(np.sum(iq[1:] * iq[:-1].conj()))
    assert CLOCK.velocity_m_s(phase_rad) == pytest.approx(0.1)


def test_the_doppler_shift_at_the_nyquist_velocity_is_half_the_prf() -> None:
    assert CLOCK.doppler_shift_hz(CLOCK.nyquist_m_s) == pytest.approx(2000.0)


@pytest.mark.parametrize("name", ["prf_hz", "frequency_hz", "sound_speed_m_s"])
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_numbers_that_are_no_rate_are_refused(name: str, value: float) -> None:
    with pytest.raises(ArgumentError, match=name):
        replace(CLOCK, **{name: value})
