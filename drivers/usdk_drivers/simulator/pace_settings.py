"""The pace of a simulated device as settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from usdk.front_end import Setting
from usdk_drivers.simulator.packet_source import Pace

__all__ = ["pace_settings", "with_setting"]

_GREATEST_SPEED = 1000.0


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


def with_setting(pace: Pace, name: str, value: Any) -> Pace:
    """Return a pace with one setting changed, which was checked."""
    return replace(pace, **{name.removeprefix("pace."): value})
