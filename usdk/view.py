"""View: frames as pictures that a person sees, on screen, as PNG and as an animated GIF."""

from __future__ import annotations

import importlib
import math
import os
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from usdk.doppler.spectral import SpectralFrame
from usdk.errors import ArgumentError, MissingExtraError
from usdk.files import atomic_file
from usdk.flow_overlay import FlowKind, FlowOverlay
from usdk.frame import Frame
from usdk.image import GreyMap, grey_curve
from usdk.m_mode import MModeFrame

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["MAX_CINE_FRAMES", "picture", "show", "write_cine", "write_png"]

MAX_CINE_FRAMES = 2000
# GIF counts hundredths of a second, and viewers slow anything faster than 2 of them down.
_GIF_TICK_S = 0.01
_GIF_SHORTEST_TICKS = 2
_MARGIN = 34
_BAR = 46
_INK = 176
_TRACE = (255, 214, 10)
_COLOUR_INK = (_INK, _INK, _INK)
_COLOUR_BAR = 64
_BAR_COLUMNS = 20
_LEAST_BAR_ROWS = 16
_LEAST_MARK_SHARE = 0.08
_GIF_COLOURS = 256
_GIF_GREYS = 96
_RIGHT: dict[str, Any] = {"fill": _INK, "anchor": "rm"}
_BELOW: dict[str, Any] = {"fill": _INK, "anchor": "ma"}


class _Axis(NamedTuple):
    """What a ruler shows: the value of pixel 0, the step to the next, and how it is written."""

    start: float
    step: float
    n: int
    unit: str
    per_unit: float


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
    image_module, draw_module = _pillow()
    pixels: Image.Image = image_module.fromarray(frame.pixels)
    if not ruler:
        return pixels
    n_rows, n_columns = frame.pixels.shape[:2]
    size = (_MARGIN + n_columns + _BAR + _MARGIN, n_rows + _MARGIN)
    canvas: Image.Image = image_module.new("L", size, 0)
    if pixels.mode == "L":
        canvas.paste(pixels, (_MARGIN, 0))
    draw = draw_module.Draw(canvas)
    down, across = _axes(frame)
    step = _tick_step(abs(down.step) * n_rows)
    for mark in _marks(down.start, down.step, n_rows, step):
        y = round((mark * step - down.start) / down.step)
        draw.line((_MARGIN - 6, y, _MARGIN - 2, y), fill=_INK)
        label_y = min(max(y, 6), n_rows - 6)
        draw.text((_MARGIN - 9, label_y), f"{mark * step * down.per_unit:g}", **_RIGHT)
    if across.unit != down.unit:
        step = _tick_step(across.step * n_columns)
    for mark in _marks(across.start, across.step, n_columns, step):
        x = _MARGIN + round((mark * step - across.start) / across.step)
        draw.line((x, n_rows + 2, x, n_rows + 6), fill=_INK)
        draw.text((x, n_rows + 9), f"{mark * step * across.per_unit:g}", **_BELOW)
    units = dict.fromkeys((down.unit, across.unit))
    draw.text((2, n_rows + 20), ", ".join(units), fill=_INK)
    _grey_scale(canvas, draw, frame, left=_MARGIN + n_columns + 16)
    if isinstance(frame, SpectralFrame):
        return _with_trace(canvas, draw_module, frame)
    if pixels.mode != "L":
        return _in_colour(canvas, pixels, frame)
    return canvas


def write_png(
    frame: Frame | MModeFrame | SpectralFrame, path: str | os.PathLike[str], *, ruler: bool = True
) -> Path:
    """Write a frame as PNG, and return the path; options as for `picture`.

    Raises
    ------
    StorageError
        If the file cannot be written.
    """
    return _save(picture(frame, ruler=ruler), Path(path), format="PNG")


def write_cine(
    frames: Sequence[Frame], path: str | os.PathLike[str], *, frame_rate_hz: float = 15.0
) -> Path:
    """Write frames as an animated GIF that repeats, and return the path.

    Parameters
    ----------
    frames : sequence of Frame
        At most `MAX_CINE_FRAMES`, all of one shape. GIF has 256 colours: of frames in colour 96 are
        greys and the others those of the scale.
    path : path-like
        Where to write.
    frame_rate_hz : float
        Rate of the display, not of the acquisition, Hz; GIF allows 50 at most.
    """
    if not 1 <= len(frames) <= MAX_CINE_FRAMES:
        raise ArgumentError(f"a cine has 1 to {MAX_CINE_FRAMES} frames, got {len(frames)}")
    if len({frame.shape for frame in frames}) != 1:
        raise ArgumentError("the frames of a cine must have one shape")
    if not (math.isfinite(frame_rate_hz) and frame_rate_hz > 0):
        raise ArgumentError(f"frame_rate_hz must be positive, got {frame_rate_hz}")
    ticks = max(_GIF_SHORTEST_TICKS, round(1 / frame_rate_hz / _GIF_TICK_S))
    first, *rest = _paletted([picture(frame) for frame in frames], frames)
    return _save(
        first,
        Path(path),
        format="GIF",
        save_all=True,
        append_images=rest,
        duration=ticks * 10,
        loop=0,
        optimize=False,
    )


def show(frame: Frame | MModeFrame | SpectralFrame) -> Any:
    """Show a frame: in a notebook below the cell, on a desktop in a window, else as a PNG file.

    Returns
    -------
    PIL.Image.Image or pathlib.Path
        The picture, or where the file was written when there is no screen.
    """
    image = picture(frame)
    if _in_notebook():
        importlib.import_module("IPython.display").display(image)
        return image
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or os.name == "nt":
        image.show(title="usdk")
        return image
    handle, name = tempfile.mkstemp(prefix="usdk-frame-", suffix=".png")
    os.close(handle)
    path = _save(image, Path(name), format="PNG")
    print(f"no screen: the frame is in {path}", file=sys.stderr)  # noqa: T201
    return path


def _in_notebook() -> bool:
    # Only a program that already runs inside IPython has imported it.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and "IPKernelApp" in shell.config


def _axes(frame: Frame | MModeFrame | SpectralFrame) -> tuple[_Axis, _Axis]:
    """Return the axis of the rows and that of the columns."""
    n_rows, n_columns = frame.pixels.shape[:2]
    if isinstance(frame, SpectralFrame):
        return (
            _Axis(frame.first_velocity_m_s, frame.row_m_s, n_rows, "m/s", 1.0),
            _Axis(frame.time_s(0), frame.column_s, n_columns, "s", 1.0),
        )
    if isinstance(frame, MModeFrame):
        return (
            _Axis(frame.depth_m(0), frame.row_m, n_rows, "mm", 1e3),
            _Axis(frame.time_s(0), frame.column_s, n_columns, "s", 1.0),
        )
    raster = frame.raster
    return (
        _Axis(raster.z_m, raster.pixel_size_m, n_rows, "mm", 1e3),
        _Axis(raster.x_m, raster.pixel_size_m, n_columns, "mm", 1e3),
    )


def _with_trace(canvas: Image.Image, draw_module: Any, frame: SpectralFrame) -> Image.Image:
    """Return a spectral picture with a mark at its baseline, and with its trace."""
    n_rows, n_columns = frame.pixels.shape[:2]
    draw = draw_module.Draw(canvas)
    baseline = round(frame.baseline_row)
    if 0 <= baseline < n_rows:
        draw.line((_MARGIN + n_columns + 2, baseline, _MARGIN + n_columns + 8, baseline), fill=_INK)
    if frame.trace is None:
        return canvas
    canvas = canvas.convert("RGB")
    draw = draw_module.Draw(canvas)
    rows = [frame.row(float(velocity)) for velocity in frame.trace.maximum_m_s]
    for column in range(1, n_columns):
        ends = rows[column - 1 : column + 1]
        if all(math.isfinite(row) and 0 <= row < n_rows for row in ends):
            x = _MARGIN + column
            draw.line((x - 1, round(ends[0]), x, round(ends[1])), fill=_TRACE)
    return canvas


def _grey_scale(
    canvas: Image.Image, draw: Any, frame: Frame | MModeFrame | SpectralFrame, *, left: int
) -> None:
    image_module, _ = _pillow()
    n_rows = frame.pixels.shape[0]
    height = min(n_rows - 12, 256)
    if height < 16:
        return
    # Places along the ramp are equal steps in dB, whatever greys they have.
    processing = () if frame.provenance is None else frame.provenance.processing
    name = dict(processing).get("grey map")
    grey_map = GreyMap(name) if name in list(GreyMap) else GreyMap.LINEAR_DB
    curve = grey_curve(grey_map, frame.dynamic_range_db)
    ramp = curve[np.linspace(curve.size - 1, 0, height).astype(int)]
    canvas.paste(image_module.fromarray(np.repeat(ramp[:, None], 10, axis=1)), (left, 6))
    draw.text((left + 14, 6), "0", fill=_INK, anchor="lm")
    draw.text((left + 14, 6 + height), f"-{frame.dynamic_range_db:g}", fill=_INK, anchor="lm")
    draw.text((left, 14 + height), "dB", fill=_INK)


def _in_colour(
    canvas: Image.Image, pixels: Image.Image, frame: Frame | MModeFrame | SpectralFrame
) -> Image.Image:
    """Return rulers and grey scale with pixels in colour, and the colour scale beside them."""
    image_module, draw_module = _pillow()
    overlay = None if isinstance(frame, SpectralFrame) else frame.overlay
    width = canvas.width + (0 if overlay is None else _COLOUR_BAR)
    coloured: Image.Image = image_module.new("RGB", (width, canvas.height))
    coloured.paste(canvas.convert("RGB"), (0, 0))
    coloured.paste(pixels, (_MARGIN, 0))
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
    marks, unit = _colour_marks(overlay)
    for place, text in marks:
        y = 6 + round((1 - place) * (height - 1))
        right = left + _BAR_COLUMNS
        draw.line((right, y, right + 2, y), fill=_COLOUR_INK)
        draw.text((right + 4, y), text, fill=_COLOUR_INK, anchor="lm")
    draw.text((left, 14 + height), unit, fill=_COLOUR_INK)
    return coloured


def _colour_marks(overlay: FlowOverlay) -> tuple[list[tuple[float, str]], str]:
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


def _paletted(images: list[Image.Image], frames: Sequence[Frame]) -> list[Image.Image]:
    """Return pictures as GIF can hold them: colours of one palette for all, greys as they are."""
    image_module, _ = _pillow()
    if all(image.mode == "L" for image in images):
        return images
    scales = [frame.overlay.colours.reshape(-1, 3) for frame in frames if frame.overlay is not None]
    images = [image.convert("RGB") for image in images]
    if not scales:
        palette = images[0].quantize(_GIF_COLOURS)
    else:
        greys = np.repeat(np.linspace(0, 255, _GIF_GREYS).round()[:, None], 3, axis=1)
        colours = np.concatenate(scales)
        places = np.linspace(0, len(colours) - 1, _GIF_COLOURS - _GIF_GREYS).round().astype(int)
        entries = np.concatenate([greys, colours[places]]).astype(np.uint8)
        palette = image_module.new("P", (1, 1))
        palette.putpalette(entries.tobytes())
    return [image.quantize(palette=palette, dither=image_module.Dither.NONE) for image in images]


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


def _save(image: Image.Image, path: Path, **options: Any) -> Path:
    # A picture that cannot be written whole must not take the place of one that was there.
    with atomic_file(path, name=str(path)) as (file, _):
        image.save(file, **options)
    return path


def _pillow() -> tuple[Any, Any]:
    try:
        from PIL import Image, ImageDraw
    except ImportError as error:
        raise MissingExtraError.for_extra("view", "Showing and saving pictures") from error
    return Image, ImageDraw
