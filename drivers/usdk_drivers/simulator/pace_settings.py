"""What is set of a simulated device's surroundings: its pace, and what triggers it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from usdk.front_end import Setting
from usdk_drivers.simulator.packet_source import Pace

__all__ = ["GENERATOR_RATE", "generator_setting", "pace_settings", "with_setting"]

GENERATOR_RATE = "generator.rate_hz"
"""Name of the setting of what is connected to the trigger input."""

_GREATEST_SPEED = 1000.0
_GREATEST_RATE_HZ = 1e6


def pace_settings(pace: Pace) -> tuple[Setting, ...]:
    """Return a pace as settings."""
    return (
        Setting(
            name="pace.speed",
            value=float(pace.speed),
            least=0.0,
            greatest=_GREATEST_SPEED,
            meaning="times the frame rate that is set; 0 makes frames when they are asked for",
        ),
        Setting(
            name="pace.overruns",
            value=pace.overruns,
            meaning="frames are made whether or not the host takes them, and dropped and counted",
        ),
    )


def generator_setting(trigger_hz: float) -> Setting:
    """Return the rate of the generator at the trigger input as a setting."""
    return Setting(
        name=GENERATOR_RATE,
        value=float(trigger_hz),
        unit="Hz",
        least=0.0,
        greatest=_GREATEST_RATE_HZ,
        meaning="triggers that come to the device's trigger input; 0 for none",
    )


def with_setting(pace: Pace, name: str, value: Any) -> Pace:
    """Return a pace with one setting changed, which was checked."""
    return replace(pace, **{name.removeprefix("pace."): value})
