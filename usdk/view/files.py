"""Files: pictures as PNG, cines as an animated GIF."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from usdk.arguments import positive, require_instance
from usdk.doppler.spectral import SpectralFrame
from usdk.errors import ArgumentError
from usdk.files import atomic_file
from usdk.frame import Frame
from usdk.m_mode import MModeFrame
from usdk.view.drawing import picture
from usdk.view.layout import pillow

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["MAX_CINE_FRAMES", "save_picture", "write_cine", "write_png"]

MAX_CINE_FRAMES = 2000
# GIF counts hundredths of a second, and viewers slow anything faster than 2 of them down.
_GIF_TICK_S = 0.01
_GIF_SHORTEST_TICKS = 2
_GIF_LOWEST_HZ = 1e-3
_GIF_COLOURS = 256
_GIF_GREYS = 96


def write_png(
    frame: Frame | MModeFrame | SpectralFrame, path: str | os.PathLike[str], *, ruler: bool = True
) -> Path:
    """Write a frame as PNG, and return the path; options as for `picture`.

    Raises
    ------
    StorageError
        If the file cannot be written.
    """
    return save_picture(picture(frame, ruler=ruler), Path(path), format="PNG")


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
    frames = list(frames)
    for frame in frames:
        require_instance(frame, Frame, "every frame of a cine")
    if not 1 <= len(frames) <= MAX_CINE_FRAMES:
        raise ArgumentError(f"a cine has 1 to {MAX_CINE_FRAMES} frames, got {len(frames)}")
    if len({frame.shape for frame in frames}) != 1:
        raise ArgumentError("the frames of a cine must have one shape")
    period_s = 1 / max(positive(frame_rate_hz, "frame_rate_hz"), _GIF_LOWEST_HZ)
    ticks = max(_GIF_SHORTEST_TICKS, round(period_s / _GIF_TICK_S))
    first, *rest = _paletted([picture(frame) for frame in frames], frames)
    try:
        return save_picture(
            first,
            Path(path),
            format="GIF",
            save_all=True,
            append_images=rest,
            duration=ticks * 10,
            loop=0,
            optimize=False,
        )
    except OverflowError:
        # Frames that are alike become one, whose time is all of theirs.
        raise ArgumentError(
            "GIF shows no picture for longer than 655 s: take a higher frame_rate_hz"
        ) from None


def save_picture(image: Image.Image, path: Path, **options: Any) -> Path:
    """Write a picture whole or not at all, with Pillow's options, and return its path."""
    # A picture that cannot be written whole must not take the place of one that was there.
    with atomic_file(path, name=str(path)) as (file, _):
        image.save(file, **options)
    return path


def _paletted(images: list[Image.Image], frames: Sequence[Frame]) -> list[Image.Image]:
    """Return pictures as GIF can hold them: colours of one palette for all, greys as they are."""
    image_module, _ = pillow()
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
