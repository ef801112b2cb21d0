"""Scales: the greys and the colours of a picture beside it, with what they stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from usdk.doppler.spectral import SpectralFrame
from usdk.flow_overlay import FlowKind, FlowOverlay
from usdk.frame import Frame
from usdk.image import GreyMap, grey_curve
from usdk.m_mode import MModeFrame
from usdk.view.layout import COLOUR_BAR, INK, MARGIN, pillow

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["colour_marks", "draw_grey_scale", "with_colour_scale"]

_COLOUR_INK = (INK, INK, INK)
_BAR_COLUMNS = 20
_LEAST_BAR_ROWS = 16
_LEAST_MARK_SHARE = 0.08


def draw_grey_scale(
    canvas: Image.Image, draw: Any, frame: Frame | MModeFrame | SpectralFrame, *, left: int
) -> None:
    """Draw greys and their levels in dB from a column on."""
    image_module, _ = pillow()
    n_rows = frame.pixels.shape[0]
    height = min(n_rows - 12, 256)
    if height < _LEAST_BAR_ROWS:
        return
    # Places along the ramp are equal steps in dB, whatever greys they have.
    processing = () if frame.provenance is None else frame.provenance.processing
    name = dict(processing).get("grey map")
    grey_map = GreyMap(name) if name in list(GreyMap) else GreyMap.LINEAR_DB
    curve = grey_curve(grey_map, frame.dynamic_range_db)
    ramp = curve[np.linspace(curve.size - 1, 0, height).astype(int)]
    canvas.paste(image_module.fromarray(np.repeat(ramp[:, None], 10, axis=1)), (left, 6))
    draw.text((left + 14, 6), "0", fill=INK, anchor="lm")
    draw.text((left + 14, 6 + height), f"-{frame.dynamic_range_db:g}", fill=INK, anchor="lm")
    draw.text((left, 14 + height), "dB", fill=INK)


def with_colour_scale(
    canvas: Image.Image, pixels: Image.Image, frame: Frame | MModeFrame | SpectralFrame
) -> Image.Image:
    """Return rulers and grey scale with pixels in colour, and the colour scale beside them."""
    image_module, draw_module = pillow()
    overlay = None if isinstance(frame, SpectralFrame) else frame.overlay
    width = canvas.width + (0 if overlay is None else COLOUR_BAR)
    coloured: Image.Image = image_module.new("RGB", (width, canvas.height))
    coloured.paste(canvas.convert("RGB"), (0, 0))
    coloured.paste(pixels, (MARGIN, 0))
    height = min(pixels.height - 12, 256)
    if overlay is None or height < _LEAST_BAR_ROWS:
        return coloured
    draw = draw_module.Draw(coloured)
    left = canvas.width
    # (n_colours, n_spreads): the scale upwards, spread from left to right.
    table = (
        overlay.colours.swapaxes(0, 1) if overlay.colours.ndim == 3 else overlay.colours[:, None]
    )
    rows = np.linspace(len(table) - 1, 0, height).round().astype(int)
    columns = np.linspace(0, table.shape[1] - 1, _BAR_COLUMNS).round().astype(int)
    bar = np.ascontiguousarray(table[rows][:, columns])
    coloured.paste(image_module.fromarray(bar), (left, 6))
    marks, unit = colour_marks(overlay)
    for place, text in marks:
        y = 6 + round((1 - place) * (height - 1))
        right = left + _BAR_COLUMNS
        draw.line((right, y, right + 2, y), fill=_COLOUR_INK)
        draw.text((right + 4, y), text, fill=_COLOUR_INK, anchor="lm")
    draw.text((left, 14 + height), unit, fill=_COLOUR_INK)
    return coloured


def colour_marks(overlay: FlowOverlay) -> tuple[list[tuple[float, str]], str]:
    """Return the marks of a colour scale, share from its lower end and text, and their unit."""
    low, high = overlay.scale
    if overlay.kind is FlowKind.DIRECTIONAL_POWER:
        # The middle is no power, the ends the most of both directions.
        return [(0.0, "0"), (0.5, f"-{high:g}"), (1.0, "0")], overlay.unit
    if overlay.kind is FlowKind.POWER:
        return [(0.0, f"{low:g}"), (1.0, f"{high:g}")], overlay.unit
    factor, unit = (1.0, "m/s") if max(abs(low), abs(high)) >= 1 else (100.0, "cm/s")
    marks = [(0.0, f"{low * factor:+.3g}"), (1.0, f"{high * factor:+.3g}")]
    zero = -low / (high - low)
    # Not where its text would stand in that of an end.
    if _LEAST_MARK_SHARE < zero < 1 - _LEAST_MARK_SHARE:
        marks.insert(1, (zero, "0"))
    return marks, unit
