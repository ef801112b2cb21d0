from __future__ import annotations

import math
from typing import Any

import pytest

from usdk.doppler.colours import FlowThresholds
from usdk.errors import ArgumentError


def test_the_stricter_threshold_of_power_holds() -> None:
    both = FlowThresholds(below_reference_db=40, over_noise_db=10)
    assert both.least_db(reference=1.0, noise_power=1e-6) == -40
    assert both.least_db(reference=1.0, noise_power=1e-3) == pytest.approx(-20)
    assert both.least_db(reference=1.0, noise_power=0.0) == -40
    none = FlowThresholds(below_reference_db=None)
    assert none.least_db(reference=1.0, noise_power=math.nan) == -math.inf


def test_a_threshold_over_noise_needs_the_noise() -> None:
    with pytest.raises(ArgumentError, match="noise_power"):
        FlowThresholds(over_noise_db=6).least_db(reference=1.0, noise_power=math.nan)


@pytest.mark.parametrize(
    "options",
    [
        {"below_reference_db": math.nan},
        {"over_noise_db": "much"},
        {"least_velocity_m_s": -0.1},
        {"least_velocity_m_s": math.inf},
        {"least_neighbours": 9},
        {"least_neighbours": -1},
        {"grey_limit": 257},
        {"grey_limit": 1.5},
    ],
)
def test_values_that_are_no_threshold_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match=next(iter(options))):
        FlowThresholds(**options)


def test_the_settings_are_told() -> None:
    full = FlowThresholds(over_noise_db=6, least_velocity_m_s=0.02, grey_limit=90)
    assert full.describe() == (
        "power to 20 dB below the reference, power 6 dB over the noise, speed 0.02 m/s, "
        "2 neighbours, grey below 90"
    )
    assert FlowThresholds(below_reference_db=None, least_neighbours=0).describe() == "none"
