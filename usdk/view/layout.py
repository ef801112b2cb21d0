"""Layout: where the parts of a picture stand, pixels, and what they are drawn with."""

from __future__ import annotations

from typing import Any

from usdk.errors import MissingExtraError

__all__ = ["BAR", "COLOUR_BAR", "INK", "MARGIN", "TRACE", "pillow"]

MARGIN = 34
"""Left of the pixels and below them, for rulers."""
BAR = 46
"""Right of the pixels, for the grey scale."""
COLOUR_BAR = 64
"""Right of the grey scale, for the colour scale."""
INK = 176
"""Grey of rulers and text."""
TRACE = (255, 214, 10)
"""Yellow of a trace: no grey of a spectrum has it."""


def pillow() -> tuple[Any, Any]:
    """Return Pillow's modules Image and ImageDraw.

    Raises
    ------
    MissingExtraError
        If Pillow is not installed.
    """
    try:
        from PIL import Image, ImageDraw
    except ImportError as error:
        raise MissingExtraError.for_extra("view", "Showing and saving pictures") from error
    return Image, ImageDraw
