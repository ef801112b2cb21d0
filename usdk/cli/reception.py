"""Options of how a front-end receives: gain over time, and its settings by name."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from usdk.acquisition import GainCurve
from usdk.errors import ArgumentError
from usdk.front_end import FrontEnd, change_settings, settings_of

__all__ = ["add_reception_arguments", "apply_settings", "gain_curve"]

_ON, _OFF = ("on", "true", "1"), ("off", "false", "0")


def add_reception_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--tgc`` and ``--set``."""
    parser.add_argument(
        "--tgc",
        metavar="MM:DB,MM:DB,…",
        help="gain over time of the device, dB at depths, such as 0:0,40:20; level when absent",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the device, such as trigger.source=external (repeatable)",
    )


def gain_curve(text: str | None) -> GainCurve | None:
    """Return the curve that ``--tgc`` asks for; `ArgumentError` if it is none."""
    if text is None:
        return None
    try:
        points = [tuple(map(float, point.split(":"))) for point in text.split(",")]
        depths_mm, gains_db = zip(*points, strict=True)
    except ValueError:
        raise ArgumentError(
            f"--tgc must be depths in mm with gains in dB, such as 0:0,40:20, got {text!r}"
        ) from None
    try:
        return GainCurve.over_depth([depth_mm * 1e-3 for depth_mm in depths_mm], gains_db)
    except ArgumentError as error:
        raise ArgumentError(f"--tgc: {error}") from None


def apply_settings(front_end: FrontEnd, texts: Iterable[str]) -> None:
    """Set what ``--set`` names; `ArgumentError` if there is no such setting, or it cannot be."""
    known, values = settings_of(front_end), {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator:
            raise ArgumentError(f"--set takes NAME=VALUE, got {text!r}")
        # An unknown name is for `change_settings` to refuse.
        now = known[name].value if name in known else value
        values[name] = _of_kind(name, now, value)
    if values:
        change_settings(front_end, values)


def _of_kind(name: str, now: object, text: str) -> bool | int | float | str | GainCurve:
    if isinstance(now, bool):
        if text not in (*_ON, *_OFF):
            raise ArgumentError(f"{name} is on or off, got {text!r}")
        return text in _ON
    if isinstance(now, GainCurve):
        curve = gain_curve(text)
        assert curve is not None
        return curve
    if isinstance(now, str):
        return text
    try:
        return int(text) if isinstance(now, int) else float(text)
    except ValueError:
        raise ArgumentError(f"{name} is a number, got {text!r}") from None
