"""The same data by several methods, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from quality_methods import ROWS
from quality_subjects import SUBJECTS
from quality_tables import envelope

from usdk.scan import LinearScan

IMAGES = Path(__file__).parents[2] / "docs/images"
# Few greys keep the files small; speckle hides the steps.
N_GREYS = 24
# Tissue stands this far below white, and black this far below white, dB.
TISSUE_DB, RANGE_DB = 22.0, 55.0
PIXELS_PER_RADIUS = 22
LABEL = 15
GAP = 4


LESIONS = (
    "default", "boxcar", "Hann", "F-number 0 (open)", "F-number 2.5", "directivity",
    "incoherent", "3 groups, incoherent", "coherence factor", "coherence factor of transmits",
)  # fmt: skip
POINTS = (
    "default", "boxcar", "Hann", "Blackman", "F-number 0 (open)", "F-number 2.5",
    "nearest, IQ at fs / 3", "incoherent", "coherence factor", "coherence factor of transmits",
)  # fmt: skip
GEOMETRIES = (
    ("focused", "nearest two beams (default)"), ("focused", "retrospective"),
    ("convex", "default"), ("convex", "3 groups, incoherent"),
    ("phased", "default (open)"), ("phased", "3 groups, incoherent"),
)  # fmt: skip


def draw_all() -> list[Path]:
    """Write every picture and return where."""
    lesions = [_lesions("linear", method) for method in LESIONS]
    points = [_point("pybf", method, 0) for method in POINTS]
    geometries = [_lesions(name, method) for name, method in GEOMETRIES]
    return [
        _montage(lesions, 2, "image-quality-lesions.png"),
        _montage(points, 5, "image-quality-points.png"),
        _montage(geometries, 2, "image-quality-geometries.png"),
    ]


def _lesions(name: str, method: str) -> tuple[str, Image.Image]:
    """Return the lesions of a subject."""
    subject = SUBJECTS[name]
    first, last = subject.lesions_m[0], subject.lesions_m[-1]
    radius_m, z_m = first.radius_m, first.z_m
    pixel_m = radius_m / PIXELS_PER_RADIUS
    scan = LinearScan(
        x_m=np.arange(first.x_m - 2 * radius_m, last.x_m + 2 * radius_m, pixel_m),
        z_m=np.arange(z_m - 2 * radius_m, z_m + 2 * radius_m, pixel_m),
    )
    image = envelope(subject.lesions, scan, ROWS[name][method])
    around = np.concatenate([image[lesion.outside.mask(scan)] for lesion in subject.lesions_m])
    white = np.sqrt(np.mean(around**2)) * 10 ** (TISSUE_DB / 20)
    label = f"{method}" if name == "linear" else f"{name}: {method}"
    return label, _grey(image, white, RANGE_DB)


def _point(name: str, method: str, index: int) -> tuple[str, Image.Image]:
    """Return the surroundings of a point target, white at its own peak."""
    subject = SUBJECTS[name]
    x_m, z_m = subject.points_m[index]
    scan = LinearScan(
        x_m=x_m + np.linspace(-3e-3, 3e-3, 121), z_m=z_m + np.linspace(-1.5e-3, 1.5e-3, 61)
    )
    image = envelope(subject.points, scan, ROWS[name][method])
    picture = _grey(image, image.max(), 60.0)
    return method, picture.resize((picture.width * 3 // 2, picture.height * 3 // 2))


def _grey(image: np.ndarray[Any, Any], white: float, range_db: float) -> Image.Image:
    level = 1 + 20 * np.log10(np.maximum(image / white, 1e-9)) / range_db
    steps = np.rint(np.clip(level, 0, 1) * (N_GREYS - 1))
    return Image.fromarray((steps * (255 // (N_GREYS - 1))).astype(np.uint8).T)


def _montage(panels: list[tuple[str, Image.Image]], n_columns: int, name: str) -> Path:
    font = ImageFont.load_default(12)
    width = max(panel.width for _, panel in panels) + GAP
    height = max(panel.height for _, panel in panels) + LABEL + GAP
    n_rows = -(-len(panels) // n_columns)
    sheet = Image.new("L", (n_columns * width - GAP, n_rows * height - GAP), 255)
    draw = ImageDraw.Draw(sheet)
    draw.fontmode = "1"
    for k, (label, panel) in enumerate(panels):
        x, y = k % n_columns * width, k // n_columns * height
        draw.text((x + 2, y), label, fill=0, font=font)
        sheet.paste(panel, (x, y + LABEL))
    path = IMAGES / name
    sheet.quantize(N_GREYS + 2).save(path, optimize=True)
    return path
