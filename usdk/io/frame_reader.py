"""FrameReader: the frames of a file, one at a time, so that memory does not grow with the cine."""

from __future__ import annotations

import json
import math
import os
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from usdk.errors import DataDamagedError
from usdk.files import open_regular, storage_errors
from usdk.flow_overlay import FlowOverlay
from usdk.frame import Frame, Provenance
from usdk.io.foreign import ARCHIVE_ERRORS, damage
from usdk.io.frame_overlay import OVERLAY_ARRAYS, overlay_from_plain, tables_from_plain
from usdk.scan import Raster

__all__ = [
    "COLOUR_VERSION",
    "KIND",
    "MAX_ABOUT_BYTES",
    "MAX_PIXEL_BYTES",
    "MAX_VALUE_BYTES",
    "TIMES",
    "VERSION",
    "FrameReader",
]

VERSION = 1
COLOUR_VERSION = 2
KIND = "usdk frames"
# Times may be NaN, which JSON has no word for.
TIMES = ("device_timestamp_s", "host_timestamp_s")
MAX_PIXEL_BYTES = 16 * 2**30
"""Largest array of pixels that is read, bytes."""
MAX_ABOUT_BYTES = 2**30
"""Longest description that is read, bytes."""
MAX_VALUE_BYTES = 32 * 2**30
"""Largest array of velocities or of powers that is read, bytes."""

_EXPECTED = "a file of usdk frames"
_ENTRIES = ["about.npy", "pixels.npy"]
_COLOUR_ENTRIES = sorted([*_ENTRIES, *(f"{name}.npy" for name in OVERLAY_ARRAYS)])


class FrameReader:
    """The frames that `save_frames` saved, read when they are asked for; a context manager.

    It may be iterated again and again; each time frames are read anew.

    Parameters
    ----------
    path : path-like

    Raises
    ------
    DataDamagedError
        The file is damaged or not of usdk frames; also while it is iterated.
    StorageError
        The file cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = path = Path(path)
        with ExitStack() as opened:
            with storage_errors(f"read {path}"):
                file = opened.enter_context(os.fdopen(open_regular(path, str(path)), "rb"))
            with self._damage():
                self._archive = opened.enter_context(zipfile.ZipFile(file))
                self._about = self._read_about()
                self._rows: list[dict[str, Any]] = self._about["frames"]
                is_colour = self._about["version"] == COLOUR_VERSION
                self._overlay_rows = self._about["overlays"] if is_colour else None
                self._tables = tables_from_plain(self._about) if is_colour else []
                # An array that is not there, or not as long as it must be, is said at once.
                for _ in self._arrays().values():
                    pass
            self._opened = opened.pop_all()

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Frame]:
        with self._damage():
            arrays = self._arrays()
        pixels = arrays.pop("pixels")
        overlay_rows = self._overlay_rows or [None] * len(self._rows)
        for plain, overlay_row in zip(self._rows, overlay_rows, strict=True):
            with self._damage():
                overlay = None
                if overlay_row is not None:
                    values = {name: next(array) for name, array in arrays.items()}
                    overlay = overlay_from_plain(overlay_row, self._tables, **values)
                frame = _frame(next(pixels), plain, overlay)
            yield frame
        with self._damage():
            # What is read to its end is compared with its checksum.
            for array in (pixels, *arrays.values()):
                next(array, None)

    def close(self) -> None:
        """Close the file; may be called again."""
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def device_timestamps_s(self) -> list[float]:
        """When each frame was acquired by the device's clock, s; NaN where it does not tell."""
        with self._damage():
            return [_time_s(plain, "device_timestamp_s") for plain in self._rows]

    def _damage(self) -> Any:
        return damage(self._path, _EXPECTED, *ARCHIVE_ERRORS)

    def _read_about(self) -> dict[str, Any]:
        names = sorted(self._archive.namelist())
        if names not in (_ENTRIES, _COLOUR_ENTRIES):
            raise DataDamagedError(f"{self._path} is not {_EXPECTED}: save frames with save_frames")
        if self._archive.getinfo("about.npy").file_size > MAX_ABOUT_BYTES:
            raise DataDamagedError(f"about is longer than {MAX_ABOUT_BYTES} bytes")
        with self._archive.open("about.npy") as entry:
            text = npy_format.read_array(entry, allow_pickle=False)
        if text.dtype != np.uint8 or text.ndim != 1:
            raise DataDamagedError("about must be uint8 of 1 dimension")
        about: dict[str, Any] = json.loads(text.tobytes(), parse_constant=_refuse_constant)
        if about["kind"] != KIND or about["version"] not in (VERSION, COLOUR_VERSION):
            raise DataDamagedError(
                f"{self._path} has version {about['version']}, this usdk reads {COLOUR_VERSION}: "
                "update usdk"
            )
        return about

    def _arrays(self) -> dict[str, Iterator[NDArray[Any]]]:
        """Return what yields one frame's part of each array after the other."""
        is_colour, n_frames = self._overlay_rows is not None, len(self._rows)
        if n_frames < 1:
            raise DataDamagedError(f"{self._path} holds no frame")
        n_dimensions = 4 if is_colour else 3
        arrays = {"pixels": self._parts("pixels", np.uint8, n_dimensions, n_frames)}
        if self._overlay_rows is None:
            return arrays
        if len(self._overlay_rows) != n_frames:
            raise DataDamagedError("pixels and description of colours differ in number")
        n_overlays = sum(row is not None for row in self._overlay_rows)
        has_values = f"{OVERLAY_ARRAYS[0]}.npy" in self._archive.namelist()
        if n_overlays and not has_values:
            raise DataDamagedError("values and description of colours differ in number")
        for name in OVERLAY_ARRAYS if has_values else ():
            arrays[name] = self._parts(name, np.float32, 3, n_overlays)
        return arrays

    def _parts(
        self, name: str, kind: type[np.generic], n_dimensions: int, n_parts: int
    ) -> Iterator[NDArray[Any]]:
        """Return the parts of an entry along its first axis; its head is checked at once."""
        limit = MAX_PIXEL_BYTES if name == "pixels" else MAX_VALUE_BYTES
        info = self._archive.getinfo(f"{name}.npy")
        if info.file_size > limit:
            raise DataDamagedError(f"{name} is longer than {limit} bytes")
        with self._archive.open(info) as entry:
            shape, is_fortran, dtype = _read_head(entry)
            n_head_bytes = entry.tell()
        if dtype != kind or len(shape) != n_dimensions or is_fortran:
            raise DataDamagedError(f"{name} must be {kind.__name__} of {n_dimensions} dimensions")
        if shape[0] != n_parts:
            raise DataDamagedError(f"{name} and description differ in number")
        n_bytes = math.prod(shape) * dtype.itemsize
        if info.file_size != n_head_bytes + n_bytes:
            raise DataDamagedError(f"{name} has another length than it says")
        return self._read_parts(info, n_head_bytes, shape, dtype)

    def _read_parts(
        self, info: zipfile.ZipInfo, n_head_bytes: int, shape: tuple[int, ...], dtype: Any
    ) -> Iterator[NDArray[Any]]:
        n_bytes = math.prod(shape[1:]) * dtype.itemsize
        with self._archive.open(info) as entry:
            _read_whole(entry, n_head_bytes)
            for _ in range(shape[0]):
                yield np.frombuffer(_read_whole(entry, n_bytes), dtype).reshape(shape[1:])
            entry.read(1)


def _read_head(entry: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = npy_format.read_magic(entry)
    if version == (1, 0):
        return npy_format.read_array_header_1_0(entry)
    if version == (2, 0):
        return npy_format.read_array_header_2_0(entry)
    raise DataDamagedError("an array is of a version that this usdk does not read")


def _read_whole(entry: IO[bytes], n_bytes: int) -> bytes:
    data = entry.read(n_bytes)
    if len(data) != n_bytes:
        raise DataDamagedError("an array ends too early")
    return data


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _time_s(plain: dict[str, Any], name: str) -> float:
    return math.nan if plain[name] is None else float(plain[name])


def _frame(pixels: NDArray[np.uint8], plain: dict[str, Any], overlay: FlowOverlay | None) -> Frame:
    raster = plain["raster"]
    size_m = float(raster["pixel_size_m"])
    if not size_m > 0:
        raise DataDamagedError(f"pixel_size_m must be positive, got {size_m}")
    device_s, host_s = (_time_s(plain, name) for name in TIMES)
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
