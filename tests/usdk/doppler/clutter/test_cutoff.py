"""Cutoffs as a share of the PRF."""

from __future__ import annotations

import math

import pytest

from usdk.doppler import SlowTime
from usdk.doppler.clutter import IirFilter, cutoff_for
from usdk.errors import ArgumentError

SLOW_TIME = SlowTime(prf_hz=4000, frequency_hz=5e6)


def test_a_cutoff_is_the_doppler_shift_over_the_prf():
    velocity_m_s = 0.03
    expected = SLOW_TIME.doppler_shift_hz(velocity_m_s) / SLOW_TIME.prf_hz
    assert cutoff_for(velocity_m_s, SLOW_TIME) == pytest.approx(expected, rel=1e-12)
    assert IirFilter(cutoff_for(velocity_m_s, SLOW_TIME)).cutoff == pytest.approx(expected)


@pytest.mark.parametrize("velocity_m_s", [0, -0.1, 0.308, 5, math.nan, math.inf, "fast"])
def test_a_velocity_out_of_range_is_refused(velocity_m_s):
    with pytest.raises(ArgumentError, match=r"velocity_m_s|Nyquist velocity of 0\.308"):
        cutoff_for(velocity_m_s, SLOW_TIME)


@pytest.mark.parametrize("cutoff", [0, 0.5, -0.1, math.nan, "low", None])
def test_a_cutoff_out_of_range_is_refused(cutoff):
    with pytest.raises(ArgumentError, match="cutoff"):
        IirFilter(cutoff)


def test_a_slow_time_that_is_none_is_refused_by_name():
    with pytest.raises(ArgumentError, match="slow_time"):
        cutoff_for(0.02, 4e3)
