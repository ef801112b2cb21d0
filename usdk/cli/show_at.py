"""What a DICOM image says at pixels, for ``usdk show --at``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

from usdk.errors import ArgumentError

__all__ = ["add_at_arguments", "describe_places"]

MAX_PLACES = 100
_NO_ORIGIN = "a region without reference pixel: only what lies between two is known"


def add_at_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that name pixels."""
    parser.add_argument(
        "--at",
        action="append",
        type=_pixel,
        default=[],
        metavar="COLUMN,ROW",
        help="of a DICOM image, what is measured at this pixel, and from the one before "
        "(repeatable)",
    )
    parser.add_argument(
        "--frame", type=int, default=1, metavar="N", help="which frame, from 1 (default: 1)"
    )


def describe_places(
    path: Path, pixels: Sequence[tuple[float, float]], frame: int
) -> tuple[dict[str, Any], str]:
    """Return what a frame says at each pixel and between two, in types JSON knows and as text.

    Parameters
    ----------
    pixels : sequence of (column, row)
    frame : int
        Which frame, from 1.
    """
    from usdk.dicom import read_region_pictures
    from usdk.dicom.readings import readings_at, readings_between

    if len(pixels) > MAX_PLACES:
        raise ArgumentError(f"give at most {MAX_PLACES} pixels with --at, not {len(pixels)}")
    pictures = read_region_pictures(path, frame=frame - 1)
    places, lines = [], []
    for pixel in pixels:
        readings = readings_at(pictures, pixel)
        places.append({"pixel": list(pixel), "readings": [asdict(one) for one in readings]})
        said = [f"{one.quantity} {one.value:.4g} {one.unit}" for one in readings]
        is_inside = any(picture.region.contains(*pixel) for picture in pictures)
        nothing = _NO_ORIGIN if is_inside else "no region: nothing is calibrated here"
        lines.append(f"{_named(pixel):<16} {', '.join(said) or nothing}")
    between = []
    for start, end in pairwise(pixels):
        measured = readings_between(pictures, start, end)
        between.append(
            {
                quantity: {"value": value, "unit": unit}
                for quantity, (value, unit) in measured.items()
            }
        )
        said = [f"{quantity} {value:.4g} {unit}" for quantity, (value, unit) in measured.items()]
        lines.append(
            f"{_named(start)} to {_named(end)}: "
            f"{', '.join(said) or 'they lie in different pictures'}"
        )
    return {"frame": frame, "places": places, "between": between}, "\n".join(lines)


def _named(pixel: tuple[float, float]) -> str:
    return f"{pixel[0]:g},{pixel[1]:g}"


def _pixel(text: str) -> tuple[float, float]:
    try:
        column, row = (float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not COLUMN,ROW, such as 120,80") from None
    return column, row
