"""Frequency responses, bias, and velocities found under a moving wall."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from clutter_packets import N_PULSES, PEAK_M_S, RADIUS_M, SLOW_TIME, across_m, inside, moving
from clutter_rows import PICTURED, ROWS
from clutter_tables import AVERAGING
from PIL import Image, ImageDraw, ImageFont

from usdk.doppler import Autocorrelator, average, flow_values
from usdk.doppler.clutter import ClutterFilter, frequency_bias, frequency_response
from usdk.doppler.colours import colour_map
from usdk.plots import curves, responses

IMAGES = Path(__file__).parents[2] / "docs/images"
REGRESSION = (
    "mean", "polynomial, degree 1", "polynomial, degree 2", "polynomial, degree 3",
    "FIR, difference", "FIR, difference of order 2", "FIR high pass, 5 taps",
)  # fmt: skip
RECURSIVE = (
    "IIR, order 2, projection", "IIR, order 4, projection", "IIR, order 4, step",
    "IIR, order 4, zero",
)  # fmt: skip
BIASED = ("polynomial, degree 1", "polynomial, degree 3", *RECURSIVE)
SCALE_M_S = 0.2
# Points that the filter leaves weaker than this, re blood, are not shown.
THRESHOLD_DB = -10.0
ZOOM, LABEL, GAP, N_COLUMNS = 1.4, 16, 6, 4


def draw_all() -> list[Path]:
    """Write every picture and return where."""
    filters = [{name: named(name) for name in names} for names in (REGRESSION, RECURSIVE)]
    plots = [responses(some, N_PULSES, slow_time=SLOW_TIME, height=260) for some in filters]
    return [
        _stacked([*plots, _bias()], "clutter-filters-responses.png"),
        _velocities("clutter-filters-velocities.png"),
    ]


def named(name: str) -> ClutterFilter:
    """Return a filter of the table."""
    clutter = ROWS[name]
    assert clutter is not None
    return clutter


def _bias() -> Image.Image:
    shifts = np.linspace(0.002, 0.5, 997)
    reach_cm_s = 200 * SLOW_TIME.nyquist_m_s
    found = {}
    for name in BIASED:
        bias = frequency_bias(named(name), N_PULSES, shifts)
        # Of what the filter stops the bias is that of rounding.
        bias[frequency_response(named(name), N_PULSES, shifts) < 1e-3] = np.nan
        found[name] = (shifts * reach_cm_s, bias * reach_cm_s)
    return curves(
        found,
        x_range=(0.0, reach_cm_s / 2),
        y_range=(-2.0, 5.0),
        x_label="velocity along the beam, cm/s",
        y_label="bias of the mean velocity, cm/s",
        height=220,
    )


def _stacked(panels: list[Image.Image], name: str) -> Path:
    sheet = Image.new("RGB", (max(p.width for p in panels), sum(p.height for p in panels)))
    y = 0
    for panel in panels:
        sheet.paste(panel, (0, y))
        y += panel.height
    return _saved(sheet, name)


def _velocities(name: str) -> Path:
    panels = [(title, _map(ROWS[title])) for title in PICTURED]
    width, height = panels[0][1].width + GAP, panels[0][1].height + LABEL + GAP
    n_rows = -(-len(panels) // N_COLUMNS)
    sheet = Image.new("RGB", (N_COLUMNS * width - GAP, n_rows * height - GAP))
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(11)
    for k, (title, panel) in enumerate(panels):
        x, y = k % N_COLUMNS * width, k // N_COLUMNS * height
        # The font has no ×.
        draw.text((x + 2, y + 1), title.replace("×", "x"), fill=(200, 200, 200), font=font)
        sheet.paste(panel, (x, y + LABEL))
    return _saved(sheet, name)


def _map(clutter: ClutterFilter | None) -> Image.Image:
    vessel = moving()
    assert vessel.blood is not None
    plan = Autocorrelator(vessel.packet.shape[:-1], N_PULSES, clutter=clutter)
    found = average(plan(vessel.packet), AVERAGING)
    velocity_m_s, _ = flow_values(found, SLOW_TIME)
    blood = np.mean(np.abs(vessel.blood[inside()]) ** 2)
    share = np.clip(velocity_m_s / SCALE_M_S, -1, 1) / 2 + 0.5
    colours = colour_map("red-blue").colours
    pixels = colours[np.rint(share * (len(colours) - 1)).astype(int)]
    pixels[found.power < blood * 10 ** (THRESHOLD_DB / 10)] = 40
    edge = np.abs(np.abs(across_m()) - RADIUS_M) < 40e-6
    pixels[edge] = 255
    # Lines lie 150 µm apart, samples 50 µm.
    size = round(pixels.shape[0] * 3 * ZOOM / 2), round(pixels.shape[1] * ZOOM / 2)
    return Image.fromarray(pixels.transpose(1, 0, 2).copy()).resize(size, Image.Resampling.NEAREST)


def _saved(sheet: Image.Image, name: str) -> Path:
    path = IMAGES / name
    sheet.quantize(64).save(path, optimize=True)
    return path


assert SCALE_M_S > PEAK_M_S / 2
