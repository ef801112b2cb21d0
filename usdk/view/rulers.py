"""Rulers: what the rows and columns of a picture are, and where their marks stand."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

from usdk.doppler.spectral import SpectralFrame
from usdk.frame import Frame
from usdk.m_mode import MModeFrame
from usdk.view.layout import INK, MARGIN

__all__ = ["Axis", "axes_of", "draw_rulers"]

_RIGHT: dict[str, Any] = {"fill": INK, "anchor": "rm"}
_BELOW: dict[str, Any] = {"fill": INK, "anchor": "ma"}


class Axis(NamedTuple):
    """What a ruler shows: the value of pixel 0, the step to the next, and how it is written."""

    start: float
    step: float
    n: int
    unit: str
    per_unit: float


def axes_of(frame: Frame | MModeFrame | SpectralFrame) -> tuple[Axis, Axis]:
    """Return the axis of the rows and that of the columns."""
    n_rows, n_columns = frame.pixels.shape[:2]
    if isinstance(frame, SpectralFrame):
        return (
            Axis(frame.first_velocity_m_s, frame.row_m_s, n_rows, "m/s", 1.0),
            Axis(frame.time_s(0), frame.column_s, n_columns, "s", 1.0),
        )
    if isinstance(frame, MModeFrame):
        return (
            Axis(frame.depth_m(0), frame.row_m, n_rows, "mm", 1e3),
            Axis(frame.time_s(0), frame.column_s, n_columns, "s", 1.0),
        )
    raster = frame.raster
    return (
        Axis(raster.z_m, raster.pixel_size_m, n_rows, "mm", 1e3),
        Axis(raster.x_m, raster.pixel_size_m, n_columns, "mm", 1e3),
    )


def draw_rulers(draw: Any, frame: Frame | MModeFrame | SpectralFrame) -> None:
    """Draw both rulers, left of the pixels and below them, with their units."""
    n_rows, n_columns = frame.pixels.shape[:2]
    down, across = axes_of(frame)
    step = _tick_step(abs(down.step) * n_rows)
    for mark in _marks(down.start, down.step, n_rows, step):
        y = round((mark * step - down.start) / down.step)
        draw.line((MARGIN - 6, y, MARGIN - 2, y), fill=INK)
        label_y = min(max(y, 6), n_rows - 6)
        draw.text((MARGIN - 9, label_y), f"{mark * step * down.per_unit:g}", **_RIGHT)
    if across.unit != down.unit:
        step = _tick_step(across.step * n_columns)
    for mark in _marks(across.start, across.step, n_columns, step):
        x = MARGIN + round((mark * step - across.start) / across.step)
        draw.line((x, n_rows + 2, x, n_rows + 6), fill=INK)
        draw.text((x, n_rows + 9), f"{mark * step * across.per_unit:g}", **_BELOW)
    units = dict.fromkeys((down.unit, across.unit))
    draw.text((2, n_rows + 20), ", ".join(units), fill=INK)


def _tick_step(extent: float) -> float:
    """Return the step among 1, 2, 5 × 10ⁿ that gives about six marks."""
    power = 10.0 ** math.floor(math.log10(extent / 6))
    return next(
        step * power for step in (1, 2, 5, 10) if extent / (step * power) <= 8 or step == 10
    )


def _marks(start: float, pixel: float, n: int, step: float) -> Iterable[int]:
    low, high = sorted((start, start + (n - 1) * pixel))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return range(first, last + 1)
