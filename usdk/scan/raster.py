"""Raster: the square pixels that a scan becomes."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass

from usdk.errors import ArgumentError
from usdk.scan.axes import MAX_POINTS

__all__ = ["Raster"]


@dataclass(frozen=True, kw_only=True)
class Raster:
    """Square pixels of an image in the x-z plane.

    Parameters
    ----------
    x_m, z_m : float
        Centre of the pixel in row 0, column 0, m.
    pixel_size_m : float
        Side of a pixel, m.
    n_rows, n_columns : int
        Rows run along z, columns along x.
    """

    x_m: float
    z_m: float
    pixel_size_m: float
    n_rows: int
    n_columns: int

    def __post_init__(self) -> None:
        # Kept as plain numbers, so that the description can be written as JSON.
        try:
            for name in ("x_m", "z_m", "pixel_size_m"):
                object.__setattr__(self, name, float(getattr(self, name)))
            for name in ("n_rows", "n_columns"):
                object.__setattr__(self, name, operator.index(getattr(self, name)))
        except (TypeError, ValueError, OverflowError) as error:
            raise ArgumentError(f"a raster needs numbers: {error}") from error
        if not (math.isfinite(self.x_m) and math.isfinite(self.z_m)):
            raise ArgumentError(f"x_m and z_m must be finite, got {self.x_m} and {self.z_m}")
        if not (math.isfinite(self.pixel_size_m) and self.pixel_size_m > 0):
            raise ArgumentError(f"pixel_size_m must be positive, got {self.pixel_size_m}")
        if self.n_rows < 1 or self.n_columns < 1 or self.n_rows * self.n_columns > MAX_POINTS:
            raise ArgumentError(
                f"a raster has 1 to {MAX_POINTS} pixels, got {self.n_rows} × {self.n_columns}"
            )
