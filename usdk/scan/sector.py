"""Lines that fan out from an apex."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from usdk.errors import ArgumentError
from usdk.scan.axes import even_axis, require_points
from usdk.scan.base import PlanarScan

__all__ = ["SectorScan"]


@dataclass(frozen=True, eq=False, kw_only=True)
class SectorScan(PlanarScan):
    """Lines that fan out from an apex; a convex scan's apex lies behind the face.

    Parameters
    ----------
    angles_rad : array_like, (n_lines,)
        Direction of each line, from +z towards +x, equally spaced, increasing, rad.
    ranges_m : array_like, (n_samples,)
        Distances from the apex along each line, equally spaced, increasing, m.
    apex_m : (x, z)
        Where the lines meet, m.
    """

    angles_rad: NDArray[np.float64]
    ranges_m: NDArray[np.float64]
    apex_m: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "angles_rad", even_axis(self.angles_rad, "angles_rad"))
        object.__setattr__(self, "ranges_m", even_axis(self.ranges_m, "ranges_m"))
        if max(abs(self.angles_rad[0]), abs(self.angles_rad[-1])) >= math.pi:
            raise ArgumentError("angles_rad must lie between −π and π")
        if self.ranges_m[0] < 0:
            raise ArgumentError("ranges_m must not be negative")
        try:
            apex_m = np.array(self.apex_m, dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            apex_m = np.empty(0)
        if apex_m.shape != (2,) or not np.all(np.isfinite(apex_m)):
            raise ArgumentError("apex_m must be two finite numbers (x, z) in m")
        object.__setattr__(self, "apex_m", tuple(apex_m.tolist()))
        require_points(self.shape)

    @property
    def shape(self) -> tuple[int, int]:
        """(n_lines, n_samples)."""
        return (self.angles_rad.size, self.ranges_m.size)

    def points_m(self) -> NDArray[np.float64]:
        """Return where one looks, (n_lines, n_samples, 3), m."""
        points_m = np.zeros((*self.shape, 3))
        points_m[..., 0] = self.apex_m[0] + np.outer(np.sin(self.angles_rad), self.ranges_m)
        points_m[..., 2] = self.apex_m[1] + np.outer(np.cos(self.angles_rad), self.ranges_m)
        return points_m

    def lines(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return bases (n_lines, 3), directions (n_lines, 3) and ranges (n_samples,) of lines."""
        directions = np.zeros((self.angles_rad.size, 3))
        directions[:, 0], directions[:, 2] = np.sin(self.angles_rad), np.cos(self.angles_rad)
        apex_m = np.array([self.apex_m[0], 0.0, self.apex_m[1]])
        return np.tile(apex_m, (self.angles_rad.size, 1)), directions, self.ranges_m

    @property
    def bounds_m(self) -> tuple[float, float, float, float]:
        """(x least, x greatest, z least, z greatest) of the points, m."""
        angles_rad = self.angles_rad
        # The extremes of sine and cosine inside the fan, which need not fall on a line.
        turning_rad = np.array([-math.pi / 2, 0.0, math.pi / 2])
        inside = turning_rad[(turning_rad > angles_rad[0]) & (turning_rad < angles_rad[-1])]
        edges_rad = np.concatenate((angles_rad[[0, -1]], inside))
        reach_m = self.ranges_m[[0, -1]]
        x_m = self.apex_m[0] + np.outer(np.sin(edges_rad), reach_m)
        z_m = self.apex_m[1] + np.outer(np.cos(edges_rad), reach_m)
        return (float(x_m.min()), float(x_m.max()), float(z_m.min()), float(z_m.max()))
