"""VolumeRaster: the cubic voxels that a scan in space becomes."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from usdk.errors import ArgumentError
from usdk.scan.axes import require_points

__all__ = ["VolumeRaster"]


@dataclass(frozen=True, kw_only=True)
class VolumeRaster:
    """Cubic voxels; a volume of them has shape (n_x, n_y, n_z), z fastest.

    Parameters
    ----------
    x_m, y_m, z_m : float
        Centre of voxel (0, 0, 0), m.
    voxel_size_m : float
        Side of a voxel, m.
    n_x, n_y, n_z : int
        Voxels along each axis.
    """

    x_m: float
    y_m: float
    z_m: float
    voxel_size_m: float
    n_x: int
    n_y: int
    n_z: int

    def __post_init__(self) -> None:
        # Kept as plain numbers, so that the description can be written as JSON.
        try:
            for name in ("x_m", "y_m", "z_m", "voxel_size_m"):
                object.__setattr__(self, name, float(getattr(self, name)))
            for name in ("n_x", "n_y", "n_z"):
                object.__setattr__(self, name, operator.index(getattr(self, name)))
        except (TypeError, ValueError, OverflowError) as error:
            raise ArgumentError(f"a volume raster needs numbers: {error}") from error
        if not all(map(math.isfinite, (self.x_m, self.y_m, self.z_m))):
            raise ArgumentError("x_m, y_m and z_m must be finite")
        if not (math.isfinite(self.voxel_size_m) and self.voxel_size_m > 0):
            raise ArgumentError(f"voxel_size_m must be positive, got {self.voxel_size_m}")
        if min(self.shape) < 1:
            raise ArgumentError(f"a volume raster has at least 1 voxel each way, got {self.shape}")
        require_points(self.shape)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(n_x, n_y, n_z)."""
        return (self.n_x, self.n_y, self.n_z)

    def axes_m(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return where the voxels' centres lie along x, y and z, (n_x,), (n_y,) and (n_z,), m."""
        starts_m = (self.x_m, self.y_m, self.z_m)
        x_m, y_m, z_m = (
            start_m + self.voxel_size_m * np.arange(n, dtype=np.float64)
            for start_m, n in zip(starts_m, self.shape, strict=True)
        )
        return x_m, y_m, z_m
