"""Frames on disk: what `usdk scan` hands to `usdk export`.

A NumPy archive of two entries: ``pixels``, uint8 (n_frames, n_rows, n_columns), and ``about``,
the bytes of a JSON text with everything else. Frames in colour are version 2 of the format: their
pixels have a fourth axis, red, green and blue, and ``velocity_m_s`` and ``power_db``, float32
(n_overlays, n_rows, n_columns), are the values of those that have an overlay. Nothing in a file is
ever run: objects are refused.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from usdk.arguments import require_instance
from usdk.errors import ArgumentError
from usdk.files import atomic_file
from usdk.frame import Frame
from usdk.io.frame_overlay import overlay_arrays, overlays_to_plain
from usdk.io.frame_reader import COLOUR_VERSION, KIND, TIMES, VERSION, FrameReader

__all__ = ["MAX_FRAMES", "load_frames", "save_frames"]

MAX_FRAMES = 1_000_000


def save_frames(
    path: str | os.PathLike[str], frames: Iterable[Frame], *, overwrite: bool = False
) -> Path:
    """Save frames of one size losslessly, and return their path.

    The file appears under its name only when it is whole and on the disk.

    Raises
    ------
    ArgumentError
        If there is no frame, or the frames differ in size, or some are grey and some in colour.
    StorageError
        If the path exists and ``overwrite`` is false, or the disk is full or fails.
    """
    path = Path(path)
    frames = list(frames) if isinstance(frames, Iterable) else []
    for frame in frames:
        require_instance(frame, Frame, "every frame")
    if not 1 <= len(frames) <= MAX_FRAMES:
        raise ArgumentError(f"save 1 to {MAX_FRAMES} frames at a time, got {len(frames)}")
    if any(frame.shape != frames[0].shape for frame in frames):
        raise ArgumentError("the frames differ in size: save those of one size together")
    is_colour = frames[0].is_colour
    if any(frame.is_colour != is_colour for frame in frames):
        raise ArgumentError("some frames are grey and some in colour: save them apart")
    arrays: dict[str, Any] = {"pixels": np.stack([frame.pixels for frame in frames])}
    version = COLOUR_VERSION if is_colour else VERSION
    about = {"kind": KIND, "version": version, "frames": [_plain(frame) for frame in frames]}
    if is_colour:
        overlays = [frame.overlay for frame in frames]
        about |= overlays_to_plain(overlays)
        if known := [overlay for overlay in overlays if overlay is not None]:
            arrays |= overlay_arrays(known)
    try:
        text = json.dumps(about, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"a frame's description cannot be saved: {error}") from error
    with atomic_file(path, overwrite=overwrite, name=str(path)) as (file, _):
        np.savez_compressed(file, **arrays, about=np.frombuffer(text, np.uint8))
    return path


def load_frames(path: str | os.PathLike[str]) -> list[Frame]:
    """Load the frames that `save_frames` saved; `FrameReader` gives them one by one.

    Raises
    ------
    DataDamagedError
        If the file is damaged or not of usdk frames.
    StorageError
        If the file cannot be opened.
    """
    with FrameReader(path) as frames:
        return list(frames)


def _plain(frame: Frame) -> dict[str, Any]:
    plain = {
        "raster": asdict(frame.raster),
        "dynamic_range_db": frame.dynamic_range_db,
        "provenance": frame.provenance.to_dict(),
        "sequence_number": frame.sequence_number,
    }
    for name in TIMES:
        time_s = getattr(frame, name)
        plain[name] = None if math.isnan(time_s) else time_s
    return plain
