"""What the image chain is given: scans of the kind it takes, real values, places to write."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.errors import ArgumentError
from usdk.scan import LinearScan, PyramidScan, SectorScan, VolumeScan

__all__ = ["place_to_write", "real_values", "require_planar", "require_spatial"]


def require_planar(scan: Any) -> None:
    """Raise `ArgumentError` unless a scan is one whose lines make a flat picture."""
    if not isinstance(scan, LinearScan | SectorScan):
        raise ArgumentError(
            f"a flat picture needs a LinearScan or SectorScan, got {type(scan).__name__}: "
            "volumes are cut by usdk.image.SliceConverter, a LineScan is for usdk.MMode"
        )


def require_spatial(scan: Any) -> None:
    """Raise `ArgumentError` unless a scan is one of a volume."""
    if not isinstance(scan, VolumeScan | PyramidScan):
        raise ArgumentError(
            f"a volume needs a VolumeScan or PyramidScan, got {type(scan).__name__}: "
            "usdk.image.ScanConverter converts scans in a plane"
        )


def real_values(values: Any, shape: tuple[int, ...], name: str) -> NDArray[np.float32]:
    """Return real values of a shape as float32, C-contiguous and writable.

    Raises
    ------
    ArgumentError
        If they are complex, no numbers, or of another shape.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "fiu":
        raise ArgumentError(
            f"{name} must hold real numbers, got {array.dtype}: take the envelope of IQ "
            "(usdk.image.envelope or numpy.abs)"
        )
    if array.shape != shape:
        raise ArgumentError(f"{name} must have the scan's shape {shape}, got {array.shape}")
    return np.require(array, np.float32, ("C", "W"))


def place_to_write(out: Any, shape: tuple[int, ...], dtype: type[np.generic]) -> NDArray[Any]:
    """Return the array that a caller gives, or a new one; `ArgumentError` if it does not fit."""
    if out is None:
        return np.empty(shape, dtype)
    if (
        not isinstance(out, np.ndarray)
        or out.shape != shape
        or out.dtype != dtype
        or not (out.flags.c_contiguous and out.flags.writeable)
    ):
        raise ArgumentError(f"out must be writable, C-contiguous {dtype.__name__} of {shape}")
    return out
