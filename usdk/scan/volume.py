"""Points on a Cartesian grid in space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from usdk.scan.axes import even_axis, require_points
from usdk.scan.base import SpatialScan

__all__ = ["VolumeScan"]


@dataclass(frozen=True, eq=False, kw_only=True)
class VolumeScan(SpatialScan):
    """Parallel lines along z over a grid in x and y.

    Parameters
    ----------
    x_m, y_m : array_like, (n_x,) and (n_y,)
        Where the lines stand, equally spaced, increasing, m.
    z_m : array_like, (n_z,)
        Depths along each line, equally spaced, increasing, m.
    """

    x_m: NDArray[np.float64]
    y_m: NDArray[np.float64]
    z_m: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in ("x_m", "y_m", "z_m"):
            object.__setattr__(self, name, even_axis(getattr(self, name), name))
        require_points(self.shape)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(n_x, n_y, n_z)."""
        return (self.x_m.size, self.y_m.size, self.z_m.size)

    def points_m(self) -> NDArray[np.float64]:
        """Return where one looks, (n_x, n_y, n_z, 3), m."""
        points_m = np.empty((*self.shape, 3))
        points_m[..., 0] = self.x_m[:, None, None]
        points_m[..., 1] = self.y_m[:, None]
        points_m[..., 2] = self.z_m
        return points_m

    def lines(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return bases (n_lines, 3), directions (n_lines, 3) and ranges (n_samples,) of lines."""
        x_m, y_m = np.meshgrid(self.x_m, self.y_m, indexing="ij")
        bases_m = np.stack((x_m.ravel(), y_m.ravel(), np.zeros(x_m.size)), axis=1)
        return bases_m, np.tile([0.0, 0.0, 1.0], (x_m.size, 1)), self.z_m

    @property
    def bounds_m(self) -> tuple[float, float, float, float, float, float]:
        """(x least, x greatest, y least, y greatest, z least, z greatest) of the points, m."""
        x0, x1 = self.x_m[[0, -1]].tolist()
        y0, y1 = self.y_m[[0, -1]].tolist()
        z0, z1 = self.z_m[[0, -1]].tolist()
        return (x0, x1, y0, y1, z0, z1)

    def coordinates(self, points_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return places in the grid, in steps from its first point, (..., 3), of (..., 3) in m."""
        first_m = np.array([self.x_m[0], self.y_m[0], self.z_m[0]])
        last_m = np.array([self.x_m[-1], self.y_m[-1], self.z_m[-1]])
        step_m = (last_m - first_m) / (np.array(self.shape) - 1)
        return np.asarray((points_m - first_m) / step_m)
