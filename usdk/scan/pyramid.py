"""Lines that fan out in two directions from an apex."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from usdk.errors import ArgumentError
from usdk.scan.axes import even_axis, require_points
from usdk.scan.base import SpatialScan

__all__ = ["PyramidScan"]


@dataclass(frozen=True, eq=False, kw_only=True)
class PyramidScan(SpatialScan):
    r"""Lines that fan out in two directions from an apex, as a matrix phased array looks.

    The angles are those of two tilted planes. The azimuth θ turns the plane x = 0 about the y
    axis, from +z towards +x; the elevation φ turns the plane y = 0 about the x axis, from +z
    towards +y. A line is where its two planes meet, so that the point at range r is

    .. math::
        (x, y, z) = \frac{r\,(\tan\theta,\ \tan\phi,\ 1)}{\sqrt{1 + \tan^2\theta + \tan^2\phi}},

    and back, counted from the apex,

    .. math::
        \theta = \mathrm{atan2}(x, z), \qquad \phi = \mathrm{atan2}(y, z), \qquad
        r = \sqrt{x^2 + y^2 + z^2}.

    Both angles count alike, every azimuth and every elevation is a plane, and the four outermost
    planes bound a pyramid. (A plane wave's elevation counts from its own tilted azimuth plane:
    the two agree where either angle is 0.)

    Parameters
    ----------
    azimuths_rad : array_like, (n_azimuths,)
        θ, equally spaced, increasing, between −π/2 and π/2, rad.
    elevations_rad : array_like, (n_elevations,)
        φ, equally spaced, increasing, between −π/2 and π/2, rad.
    ranges_m : array_like, (n_samples,)
        Distances from the apex along each line, equally spaced, increasing, not negative, m.
    apex_m : (x, y, z)
        Where the lines meet, m.

    References
    ----------
    ITK, ``PhasedArray3DSpecialCoordinatesImage``: the same coordinates, of the 3-D scanners of
    Duke University.
    """

    azimuths_rad: NDArray[np.float64]
    elevations_rad: NDArray[np.float64]
    ranges_m: NDArray[np.float64]
    apex_m: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        for name in ("azimuths_rad", "elevations_rad", "ranges_m"):
            object.__setattr__(self, name, even_axis(getattr(self, name), name))
        for name in ("azimuths_rad", "elevations_rad"):
            if np.abs(getattr(self, name)).max() >= math.pi / 2:
                raise ArgumentError(f"{name} must lie between −π/2 and π/2")
        if self.ranges_m[0] < 0:
            raise ArgumentError("ranges_m must not be negative")
        try:
            apex_m = np.array(self.apex_m, dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            apex_m = np.empty(0)
        if apex_m.shape != (3,) or not np.all(np.isfinite(apex_m)):
            raise ArgumentError("apex_m must be three finite numbers (x, y, z) in m")
        object.__setattr__(self, "apex_m", tuple(apex_m.tolist()))
        require_points(self.shape)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(n_azimuths, n_elevations, n_samples)."""
        return (self.azimuths_rad.size, self.elevations_rad.size, self.ranges_m.size)

    @property
    def directions(self) -> NDArray[np.float64]:
        """Unit vector of every line, (n_azimuths, n_elevations, 3)."""
        return _directions(self.azimuths_rad, self.elevations_rad)

    def points_m(self) -> NDArray[np.float64]:
        """Return where one looks, (n_azimuths, n_elevations, n_samples, 3), m."""
        points_m = self.directions[:, :, None, :] * self.ranges_m[:, None]
        points_m += np.array(self.apex_m)
        return points_m

    def lines(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return bases (n_lines, 3), directions (n_lines, 3) and ranges (n_samples,) of lines."""
        directions = self.directions.reshape(-1, 3)
        return np.tile(self.apex_m, (len(directions), 1)), directions, self.ranges_m

    @property
    def bounds_m(self) -> tuple[float, float, float, float, float, float]:
        """(x least, x greatest, y least, y greatest, z least, z greatest) of the points, m.

        Of all points between the outermost lines; a face's middle need not fall on a line.
        """
        # Each coordinate grows or falls steadily with either angle on either side of 0.
        edges = [
            np.unique([angles[0], angles[-1], np.clip(0.0, angles[0], angles[-1])])
            for angles in (self.azimuths_rad, self.elevations_rad)
        ]
        directions = _directions(*edges).reshape(-1, 3)
        corners_m = [r * directions for r in self.ranges_m[[0, -1]]]
        points_m = np.concatenate(corners_m) + np.array(self.apex_m)
        least_m, greatest_m = points_m.min(axis=0), points_m.max(axis=0)
        x0, x1, y0, y1, z0, z1 = itertools.chain.from_iterable(
            zip(least_m.tolist(), greatest_m.tolist(), strict=True)
        )
        return (x0, x1, y0, y1, z0, z1)

    def coordinates(self, points_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return places in the grid, in steps from its first point, (..., 3), of (..., 3) in m.

        NaN behind the apex, where the planes' other halves meet.
        """
        offset_m = points_m - np.array(self.apex_m)
        x_m, y_m, z_m = np.moveaxis(offset_m, -1, 0)
        found = np.stack(
            (np.arctan2(x_m, z_m), np.arctan2(y_m, z_m), np.linalg.norm(offset_m, axis=-1)), axis=-1
        )
        axes = (self.azimuths_rad, self.elevations_rad, self.ranges_m)
        first = np.array([axis[0] for axis in axes])
        step = np.array([(axis[-1] - axis[0]) / (axis.size - 1) for axis in axes])
        return np.where((z_m >= 0)[..., None], (found - first) / step, np.nan)


def _directions(
    azimuths_rad: NDArray[np.float64], elevations_rad: NDArray[np.float64]
) -> NDArray[np.float64]:
    across, up = np.meshgrid(np.tan(azimuths_rad), np.tan(elevations_rad), indexing="ij")
    vectors = np.stack((across, up, np.ones_like(across)), axis=-1)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))
