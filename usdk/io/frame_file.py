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
import zipfile
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from usdk.arguments import require_instance
from usdk.errors import ArgumentError, DataDamagedError
from usdk.files import atomic_file, open_regular, storage_errors
from usdk.flow_overlay import FlowOverlay
from usdk.frame import Frame, Provenance
from usdk.io.foreign import ARCHIVE_ERRORS, damage
from usdk.io.frame_overlay import (
    OVERLAY_ARRAYS,
    overlay_arrays,
    overlays_from_plain,
    overlays_to_plain,
)
from usdk.scan import Raster

__all__ = ["MAX_ABOUT_BYTES", "MAX_FRAMES", "MAX_PIXEL_BYTES", "load_frames", "save_frames"]

VERSION = 1
COLOUR_VERSION = 2
MAX_FRAMES = 1_000_000
MAX_PIXEL_BYTES = 16 * 2**30
"""Largest array of pixels that is read, bytes."""
MAX_ABOUT_BYTES = 2**30
"""Longest description that is read, bytes."""

MAX_VALUE_BYTES = 32 * 2**30
"""Largest array of velocities or of powers that is read, bytes."""

_KIND = "usdk frames"
_EXPECTED = "a file of usdk frames"
# Times may be NaN, which JSON has no word for.
_ENTRIES = ["about.npy", "pixels.npy"]
_COLOUR_ENTRIES = sorted([*_ENTRIES, *(f"{name}.npy" for name in OVERLAY_ARRAYS)])
_TIMES = ("device_timestamp_s", "host_timestamp_s")


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
    about = {"kind": _KIND, "version": version, "frames": [_plain(frame) for frame in frames]}
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
    """Load the frames that `save_frames` saved.

    Raises
    ------
    DataDamagedError
        If the file is damaged or not of usdk frames.
    StorageError
        If the file cannot be opened.
    """
    path = Path(path)
    with storage_errors(f"read {path}"):
        file = os.fdopen(open_regular(path, str(path)), "rb")
    with file, _damage(path), zipfile.ZipFile(file) as archive:
        names = sorted(archive.namelist())
        if names not in (_ENTRIES, _COLOUR_ENTRIES):
            raise DataDamagedError(f"{path} is not {_EXPECTED}: save frames with save_frames")
        text = _array(archive, "about", np.uint8, 1, MAX_ABOUT_BYTES).tobytes()
        about = json.loads(text, parse_constant=_refuse_constant)
        if about["kind"] != _KIND or about["version"] not in (VERSION, COLOUR_VERSION):
            raise DataDamagedError(
                f"{path} has version {about['version']}, this usdk reads {COLOUR_VERSION}: "
                "update usdk"
            )
        is_colour = about["version"] == COLOUR_VERSION
        pixels = _array(archive, "pixels", np.uint8, 4 if is_colour else 3, MAX_PIXEL_BYTES)
        if not 1 <= len(pixels) == len(about["frames"]):
            raise DataDamagedError(f"{path}: pixels and description differ in number")
        overlays = _overlays(archive, about) if is_colour else [None] * len(pixels)
        return [_frame(*all_of) for all_of in zip(pixels, about["frames"], overlays, strict=True)]


def _overlays(archive: zipfile.ZipFile, about: dict[str, Any]) -> list[FlowOverlay | None]:
    arrays = {name: np.empty((0, 0, 0), np.float32) for name in OVERLAY_ARRAYS}
    if f"{OVERLAY_ARRAYS[0]}.npy" in archive.namelist():
        arrays = {
            name: _array(archive, name, np.float32, 3, MAX_VALUE_BYTES) for name in OVERLAY_ARRAYS
        }
    return overlays_from_plain(about, arrays)


def _damage(path: Path) -> Any:
    return damage(path, _EXPECTED, *ARCHIVE_ERRORS)


def _plain(frame: Frame) -> dict[str, Any]:
    plain = {
        "raster": asdict(frame.raster),
        "dynamic_range_db": frame.dynamic_range_db,
        "provenance": frame.provenance.to_dict(),
        "sequence_number": frame.sequence_number,
    }
    for name in _TIMES:
        time_s = getattr(frame, name)
        plain[name] = None if math.isnan(time_s) else time_s
    return plain


def _frame(pixels: NDArray[np.uint8], plain: dict[str, Any], overlay: FlowOverlay | None) -> Frame:
    raster = plain["raster"]
    size_m = float(raster["pixel_size_m"])
    if not size_m > 0:
        raise DataDamagedError(f"pixel_size_m must be positive, got {size_m}")
    device_s, host_s = (math.nan if plain[t] is None else float(plain[t]) for t in _TIMES)
    return Frame(
        pixels=pixels,
        raster=Raster(
            x_m=float(raster["x_m"]),
            z_m=float(raster["z_m"]),
            pixel_size_m=size_m,
            n_rows=int(raster["n_rows"]),
            n_columns=int(raster["n_columns"]),
        ),
        dynamic_range_db=float(plain["dynamic_range_db"]),
        provenance=Provenance.from_dict(plain["provenance"]),
        sequence_number=int(plain["sequence_number"]),
        device_timestamp_s=device_s,
        host_timestamp_s=host_s,
        overlay=overlay,
    )


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _array(
    archive: zipfile.ZipFile,
    name: str,
    dtype: type[np.generic],
    n_dimensions: int,
    limit: int,
) -> NDArray[Any]:
    """Return an entry of one type; its size is checked before it is read."""
    if archive.getinfo(f"{name}.npy").file_size > limit:
        raise DataDamagedError(f"{name} is longer than {limit} bytes")
    with archive.open(f"{name}.npy") as entry:
        array = npy_format.read_array(entry, allow_pickle=False)
    if array.dtype != dtype or array.ndim != n_dimensions:
        raise DataDamagedError(f"{name} must be {dtype.__name__} of {n_dimensions} dimensions")
    return np.asarray(array, dtype)
