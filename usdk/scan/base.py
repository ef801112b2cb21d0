"""What every scan has."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from usdk.errors import ArgumentError
from usdk.scan.axes import MAX_POINTS
from usdk.scan.raster import Raster, covering_raster
from usdk.scan.volume_raster import VolumeRaster

__all__ = ["PlanarScan", "Scan", "SpatialScan"]


class Scan(ABC):
    """Lines, and samples equally spaced along each; the samples are the last axis."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Points along each axis; the last counts the samples along a line."""

    @abstractmethod
    def points_m(self) -> NDArray[np.float64]:
        """Return where one looks, (*shape, 3), m."""

    def lines(
        self,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]] | None:
        """Return the points as base + range · direction of straight lines, None if they are none.

        Bases (n_lines, 3), m; unit directions (n_lines, 3); ranges (n_samples,), m; lines in C
        order.
        """
        return None


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
        return covering_raster(self.bounds_m, pixel_size_m=pixel_size_m, n_rows=n_rows)


class SpatialScan(Scan):
    """Lines over a volume, on a grid of two directions, which become voxels."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int, int]:
        """Lines in either direction, and samples along each."""

    @property
    @abstractmethod
    def bounds_m(self) -> tuple[float, float, float, float, float, float]:
        """(x least, x greatest, y least, y greatest, z least, z greatest) of the points, m."""

    @abstractmethod
    def coordinates(self, points_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return places in the grid, in steps from its first point, (..., 3), of (..., 3) in m."""

    def raster(self, *, voxel_size_m: float | None = None, n_z: int | None = None) -> VolumeRaster:
        """Return cubic voxels that cover the scan; ``n_z`` 128 unless one of both is given."""
        bounds_m = np.array(self.bounds_m).reshape(3, 2)
        size_m = bounds_m[:, 1] - bounds_m[:, 0]
        if voxel_size_m is not None and n_z is not None:
            raise ArgumentError("give voxel_size_m or n_z, not both")
        if voxel_size_m is None:
            count = 128 if n_z is None else n_z
            if count < 2:
                raise ArgumentError(f"n_z must be at least 2, got {count}")
            voxel_size_m = float(size_m[2]) / (count - 1)
        if not (math.isfinite(voxel_size_m) and voxel_size_m > 0):
            raise ArgumentError(f"voxel_size_m must be positive, got {voxel_size_m}")
        if size_m.max() / voxel_size_m >= MAX_POINTS:
            raise ArgumentError("the volume is too large: take a larger voxel_size_m")
        # The voxels never reach past the bounds; the small allowance absorbs rounding.
        n_x, n_y, n_z = (int(size / voxel_size_m * (1 + 1e-9)) + 1 for size in size_m.tolist())
        middle_m = bounds_m.mean(axis=1).tolist()
        return VolumeRaster(
            x_m=middle_m[0] - (n_x - 1) / 2 * voxel_size_m,
            y_m=middle_m[1] - (n_y - 1) / 2 * voxel_size_m,
            z_m=float(bounds_m[2, 0]),
            voxel_size_m=voxel_size_m,
            n_x=n_x,
            n_y=n_y,
            n_z=n_z,
        )
