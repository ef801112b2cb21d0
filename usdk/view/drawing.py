"""Drawing: a frame with its rulers, scales and trace as one picture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from usdk.doppler.spectral import SpectralFrame
from usdk.errors import ArgumentError
from usdk.frame import Frame
from usdk.m_mode import MModeFrame
from usdk.view.layout import BAR, INK, MARGIN, TRACE, pillow
from usdk.view.rulers import draw_rulers
from usdk.view.scales import draw_grey_scale, with_colour_scale

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["picture"]


def picture(frame: Frame | MModeFrame | SpectralFrame, *, ruler: bool = True) -> Image.Image:
    """Return a frame as a Pillow image, grey or, of a frame in colour, RGB.

    Parameters
    ----------
    frame : Frame, MModeFrame or SpectralFrame
        What to draw.
    ruler : bool
        Add rulers in mm (of an M-mode picture depth in mm and time in s, of a spectral one velocity
        in m/s and time), the grey scale in dB, and the colour scale in m/s, cm/s or dB beside the
        pixels, never on them; the trace of a spectral picture, where it has one, is drawn over
        them.
    """
    if not isinstance(frame, Frame | MModeFrame | SpectralFrame):
        raise ArgumentError(f"a frame can be drawn, not {type(frame).__name__}")
    image_module, draw_module = pillow()
    pixels: Image.Image = image_module.fromarray(frame.pixels)
    if not ruler:
        return pixels
    n_rows, n_columns = frame.pixels.shape[:2]
    size = (MARGIN + n_columns + BAR + MARGIN, n_rows + MARGIN)
    canvas: Image.Image = image_module.new("L", size, 0)
    if pixels.mode == "L":
        canvas.paste(pixels, (MARGIN, 0))
    draw = draw_module.Draw(canvas)
    draw_rulers(draw, frame)
    draw_grey_scale(canvas, draw, frame, left=MARGIN + n_columns + 16)
    if isinstance(frame, SpectralFrame):
        return _with_trace(canvas, draw_module, frame)
    if pixels.mode != "L":
        return with_colour_scale(canvas, pixels, frame)
    return canvas


def _with_trace(canvas: Image.Image, draw_module: Any, frame: SpectralFrame) -> Image.Image:
    """Return a spectral picture with a mark at its baseline, and with its trace."""
    n_rows, n_columns = frame.pixels.shape[:2]
    draw = draw_module.Draw(canvas)
    baseline = round(frame.baseline_row)
    if 0 <= baseline < n_rows:
        draw.line((MARGIN + n_columns + 2, baseline, MARGIN + n_columns + 8, baseline), fill=INK)
    if frame.trace is None:
        return canvas
    canvas = canvas.convert("RGB")
    draw = draw_module.Draw(canvas)
    rows = [frame.row(float(velocity)) for velocity in frame.trace.maximum_m_s]
    for column in range(1, n_columns):
        ends = rows[column - 1 : column + 1]
        if all(math.isfinite(row) and 0 <= row < n_rows for row in ends):
            x = MARGIN + column
            draw.line((x - 1, round(ends[0]), x, round(ends[1])), fill=TRACE)
    return canvas
