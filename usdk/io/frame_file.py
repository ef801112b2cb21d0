"""Frames on disk: what `usdk scan` hands to `usdk export`.

A NumPy archive of two entries: ``pixels``, uint8 (n_frames, n_rows, n_columns), and ``about``,
the bytes of a JSON text with everything else. Nothing in it is ever run: objects are refused.
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

from usdk.errors import ArgumentError, DataDamagedError
from usdk.files import atomic_file, open_regular, storage_errors
from usdk.frame import Frame, Provenance
from usdk.io.foreign import ARCHIVE_ERRORS, damage
from usdk.scan import Raster

__all__ = ["MAX_ABOUT_BYTES", "MAX_FRAMES", "MAX_PIXEL_BYTES", "load_frames", "save_frames"]

VERSION = 1
MAX_FRAMES = 1_000_000
MAX_PIXEL_BYTES = 16 * 2**30
"""Largest array of pixels that is read, bytes."""
MAX_ABOUT_BYTES = 2**30
"""Longest description that is read, bytes."""

_KIND = "usdk frames"
_EXPECTED = "a file of usdk frames"
# Times may be NaN, which JSON has no word for.
_TIMES = ("device_timestamp_s", "host_timestamp_s")


def save_frames(
    path: str | os.PathLike[str], frames: Iterable[Frame], *, overwrite: bool = False
) -> Path:
    """Save frames of one size losslessly, and return their path.

    The file appears under its name only when it is whole and on the disk.

    Raises
    ------
    ArgumentError
        If there is no frame, or the frames differ in size.
    StorageError
        If the path exists and ``overwrite`` is false, or the disk is full or fails.
    """
    path = Path(path)
    frames = list(frames)
    if not 1 <= len(frames) <= MAX_FRAMES:
        raise ArgumentError(f"save 1 to {MAX_FRAMES} frames at a time, got {len(frames)}")
    if any(frame.shape != frames[0].shape for frame in frames):
        raise ArgumentError("the frames differ in size: save those of one size together")
    pixels = np.stack([frame.pixels for frame in frames])
    about = {"kind": _KIND, "version": VERSION, "frames": [_plain(frame) for frame in frames]}
    try:
        text = json.dumps(about, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"a frame's description cannot be saved: {error}") from error
    with atomic_file(path, overwrite=overwrite, name=str(path)) as (file, _):
        np.savez_compressed(file, pixels=pixels, about=np.frombuffer(text, np.uint8))
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
        if sorted(archive.namelist()) != ["about.npy", "pixels.npy"]:
            raise DataDamagedError(f"{path} is not {_EXPECTED}: save frames with save_frames")
        text = _bytes(archive, "about", 1, MAX_ABOUT_BYTES).tobytes()
        about = json.loads(text, parse_constant=_refuse_constant)
        if about["kind"] != _KIND or about["version"] != VERSION:
            raise DataDamagedError(
                f"{path} has version {about['version']}, this usdk reads {VERSION}: update usdk"
            )
        pixels = _bytes(archive, "pixels", 3, MAX_PIXEL_BYTES)
        if not 1 <= len(pixels) == len(about["frames"]):
            raise DataDamagedError(f"{path}: pixels and description differ in number")
        return [_frame(*both) for both in zip(pixels, about["frames"], strict=True)]


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


def _frame(pixels: NDArray[np.uint8], plain: dict[str, Any]) -> Frame:
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
    )


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _bytes(archive: zipfile.ZipFile, name: str, n_dimensions: int, limit: int) -> NDArray[np.uint8]:
    """Return an entry of uint8; its size is checked before it is read."""
    if archive.getinfo(f"{name}.npy").file_size > limit:
        raise DataDamagedError(f"{name} is longer than {limit} bytes")
    with archive.open(f"{name}.npy") as entry:
        array = npy_format.read_array(entry, allow_pickle=False)
    if array.dtype != np.uint8 or array.ndim != n_dimensions:
        raise DataDamagedError(f"{name} must be uint8 of {n_dimensions} dimensions")
    return np.asarray(array, np.uint8)
