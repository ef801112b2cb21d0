"""Parallel lines along z."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from usdk.scan.axes import even_axis, require_points
from usdk.scan.base import PlanarScan

__all__ = ["LinearScan"]


@dataclass(frozen=True, eq=False, kw_only=True)
class LinearScan(PlanarScan):
    """Parallel lines along z.

    Parameters
    ----------
    x_m : array_like, (n_lines,)
        Where the lines stand, equally spaced, increasing, m.
    z_m : array_like, (n_samples,)
        Depths along each line, equally spaced, increasing, m.
    """

    x_m: NDArray[np.float64]
    z_m: NDArray[np.float64]

    def __post_init__(self) -> None:
        object.__setattr__(self, "x_m", even_axis(self.x_m, "x_m"))
        object.__setattr__(self, "z_m", even_axis(self.z_m, "z_m"))
        require_points(self.shape)

    @property
    def shape(self) -> tuple[int, int]:
        """(n_lines, n_samples)."""
        return (self.x_m.size, self.z_m.size)

    def points_m(self) -> NDArray[np.float64]:
        """Return where one looks, (n_lines, n_samples, 3), m."""
        points_m = np.zeros((*self.shape, 3))
        points_m[..., 0] = self.x_m[:, None]
        points_m[..., 2] = self.z_m
        return points_m

    def lines(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return bases (n_lines, 3), directions (n_lines, 3) and ranges (n_samples,) of lines."""
        bases_m = np.zeros((self.x_m.size, 3))
        bases_m[:, 0] = self.x_m
        return bases_m, np.tile([0.0, 0.0, 1.0], (self.x_m.size, 1)), self.z_m

    @property
    def bounds_m(self) -> tuple[float, float, float, float]:
        """(x least, x greatest, z least, z greatest) of the points, m."""
        return (
            float(self.x_m[0]),
            float(self.x_m[-1]),
            float(self.z_m[0]),
            float(self.z_m[-1]),
        )
