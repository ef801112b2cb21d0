"""Regions of a picture, in metres, and which of its points lie in them."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from usdk.errors import ArgumentError
from usdk.scan import PlanarScan, Raster

__all__ = ["Circle", "Rectangle", "Region", "Ring"]


@dataclass(frozen=True)
class Region(ABC):
    """A part of the x-z plane."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not math.isfinite(value):
                raise ArgumentError(f"{field.name} must be finite, got {value}")

    @abstractmethod
    def holds(self, x_m: NDArray[np.float64], z_m: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which places lie inside, m; the rim belongs to the region."""

    def mask(self, on: PlanarScan | Raster) -> NDArray[np.bool_]:
        """Return which points of a scan, (n_lines, n_samples), or which pixels, lie inside.

        Raises
        ------
        ArgumentError
            If none does.
        """
        if isinstance(on, Raster):
            x_m = on.x_m + on.pixel_size_m * np.arange(on.n_columns, dtype=np.float64)[None, :]
            z_m = on.z_m + on.pixel_size_m * np.arange(on.n_rows, dtype=np.float64)[:, None]
        else:
            points_m = on.points_m()
            x_m, z_m = points_m[..., 0], points_m[..., 2]
        inside = self.holds(x_m, z_m)
        if not inside.any():
            raise ArgumentError(f"{self} holds no point of the picture: move or enlarge it")
        return inside


@dataclass(frozen=True)
class Circle(Region):
    """A disc about (x, z), m."""

    x_m: float
    z_m: float
    radius_m: float

    def holds(self, x_m: NDArray[np.float64], z_m: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which places lie inside, m."""
        return np.asarray(np.hypot(x_m - self.x_m, z_m - self.z_m) <= self.radius_m)


@dataclass(frozen=True)
class Ring(Region):
    """What lies between two circles about (x, z), m."""

    x_m: float
    z_m: float
    inner_radius_m: float
    outer_radius_m: float

    def holds(self, x_m: NDArray[np.float64], z_m: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which places lie inside, m."""
        distance_m = np.hypot(x_m - self.x_m, z_m - self.z_m)
        return np.asarray((distance_m >= self.inner_radius_m) & (distance_m <= self.outer_radius_m))


@dataclass(frozen=True)
class Rectangle(Region):
    """What lies between two lateral positions and between two depths, m."""

    x_min_m: float
    x_max_m: float
    z_min_m: float
    z_max_m: float

    def holds(self, x_m: NDArray[np.float64], z_m: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which places lie inside, m."""
        across = (x_m >= self.x_min_m) & (x_m <= self.x_max_m)
        return np.asarray(across & (z_m >= self.z_min_m) & (z_m <= self.z_max_m))
