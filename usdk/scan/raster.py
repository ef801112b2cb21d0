"""Raster: the square pixels that a scan becomes."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass

from usdk.errors import ArgumentError
from usdk.scan.axes import MAX_POINTS

__all__ = ["Raster", "covering_raster"]


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


def covering_raster(
    bounds_m: tuple[float, float, float, float],
    *,
    pixel_size_m: float | None = None,
    n_rows: int | None = None,
) -> Raster:
    """Return square pixels that cover (x least, x greatest, z least, z greatest), m.

    ``n_rows`` is 512 unless one of both is given.
    """
    x0, x1, z0, z1 = bounds_m
    if pixel_size_m is not None and n_rows is not None:
        raise ArgumentError("give pixel_size_m or n_rows, not both")
    if pixel_size_m is None:
        rows = 512 if n_rows is None else n_rows
        if rows < 2:
            raise ArgumentError(f"n_rows must be at least 2, got {rows}")
        pixel_size_m = (z1 - z0) / (rows - 1)
    if not (math.isfinite(pixel_size_m) and pixel_size_m > 0):
        raise ArgumentError(f"pixel_size_m must be positive, got {pixel_size_m}")
    if max(x1 - x0, z1 - z0) / pixel_size_m >= MAX_POINTS:
        raise ArgumentError("the raster is too large: take a larger pixel_size_m")
    # The raster never reaches past the bounds; the small allowance absorbs rounding.
    n_rows = int((z1 - z0) / pixel_size_m * (1 + 1e-9)) + 1
    n_columns = int((x1 - x0) / pixel_size_m * (1 + 1e-9)) + 1
    x_start_m = (x0 + x1) / 2 - (n_columns - 1) / 2 * pixel_size_m
    return Raster(
        x_m=x_start_m, z_m=z0, pixel_size_m=pixel_size_m, n_rows=n_rows, n_columns=n_columns
    )
