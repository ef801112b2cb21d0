from __future__ import annotations

import math
from typing import Any

import pytest

from usdk.doppler.colours import VelocityScale
from usdk.errors import ArgumentError


def test_the_scale_is_nyquist_unless_said_otherwise() -> None:
    assert VelocityScale().ends_m_s(0.4) == (-0.4, 0.4)
    assert VelocityScale(limit_m_s=0.3).ends_m_s(0.4) == (-0.3, 0.3)
    assert VelocityScale(baseline_m_s=0.2).ends_m_s(0.4) == pytest.approx((-0.2, 0.6))


def test_an_angle_widens_the_scale_as_it_does_the_velocities() -> None:
    scale = VelocityScale(angle_rad=math.radians(60), baseline_m_s=0.2)
    assert scale.correction == pytest.approx(2)
    assert scale.ends_m_s(0.4) == pytest.approx((-0.6, 1.0))


@pytest.mark.parametrize("degrees", [80.1, 90, -85, 120])
def test_an_angle_near_ninety_degrees_is_refused(degrees: float) -> None:
    with pytest.raises(ArgumentError, match="steer the beam"):
        VelocityScale(angle_rad=math.radians(degrees))


@pytest.mark.parametrize(
    "options",
    [
        {"limit_m_s": 0},
        {"limit_m_s": -1},
        {"limit_m_s": math.inf},
        {"baseline_m_s": math.nan},
        {"angle_rad": math.nan},
        {"angle_rad": "steep"},
    ],
)
def test_values_that_are_no_scale_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match=next(iter(options))):
        VelocityScale(**options)


def test_a_baseline_beyond_nyquist_is_refused_where_velocities_alias() -> None:
    with pytest.raises(ArgumentError, match="higher PRF"):
        VelocityScale(baseline_m_s=0.5).ends_m_s(0.4)
    dealiased = VelocityScale(baseline_m_s=0.5, limit_m_s=1.0, is_dealiased=True)
    assert dealiased.ends_m_s(0.4) == (-0.5, 1.5)


def test_the_settings_are_told() -> None:
    assert VelocityScale().describe() == "0 m/s ± Nyquist"
    scale = VelocityScale(
        limit_m_s=1, baseline_m_s=0.1, is_inverted=True, angle_rad=math.pi / 3, is_dealiased=True
    )
    assert scale.describe() == "0.1 m/s ± 1 m/s, corrected for 60°, dealiased, inverted"
