"""What every scan has."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from usdk.errors import ArgumentError
from usdk.scan.axes import MAX_POINTS
from usdk.scan.raster import Raster

__all__ = ["PlanarScan", "Scan"]


class Scan(ABC):
    """Lines, and samples equally spaced along each; the samples are the last axis."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Points along each axis; the last counts the samples along a line."""

    @abstractmethod
    def points_m(self) -> NDArray[np.float64]:
        """Return where one looks, (*shape, 3), m."""


class PlanarScan(Scan):
    """Lines in the x-z plane, which become a raster."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """(n_lines, n_samples)."""

    @property
    @abstractmethod
    def bounds_m(self) -> tuple[float, float, float, float]:
        """(x least, x greatest, z least, z greatest) of the points, m."""

    def raster(self, *, pixel_size_m: float | None = None, n_rows: int | None = None) -> Raster:
        """Return square pixels that cover the scan; ``n_rows`` 512 unless one of both is given."""
        x0, x1, z0, z1 = self.bounds_m
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
        # The raster never reaches past the scan; the small allowance absorbs rounding.
        n_rows = int((z1 - z0) / pixel_size_m * (1 + 1e-9)) + 1
        n_columns = int((x1 - x0) / pixel_size_m * (1 + 1e-9)) + 1
        x_start_m = (x0 + x1) / 2 - (n_columns - 1) / 2 * pixel_size_m
        return Raster(
            x_m=x_start_m, z_m=z0, pixel_size_m=pixel_size_m, n_rows=n_rows, n_columns=n_columns
        )
