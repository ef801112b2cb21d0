"""Plane: where a flat picture stands in space."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from usdk.errors import ArgumentError
from usdk.scan.raster import Raster, covering_raster

__all__ = ["Plane"]

_Vector = tuple[float, float, float]
# Unit vectors given with a few digits pass, and are made exact.
_TOLERANCE = 1e-3


@dataclass(frozen=True, kw_only=True)
class Plane:
    """A plane in space, with the directions in which a raster's columns and rows run.

    A raster's pixel at (x, z) shows the point origin + x · across + z · down.

    Parameters
    ----------
    origin_m : (x, y, z)
        The point that a raster calls (0, 0), m.
    across : (x, y, z)
        Unit vector along which columns follow each other.
    down : (x, y, z)
        Unit vector along which rows follow each other, at right angles to ``across``.
    """

    origin_m: _Vector = (0.0, 0.0, 0.0)
    across: _Vector = (1.0, 0.0, 0.0)
    down: _Vector = (0.0, 0.0, 1.0)

    def __post_init__(self) -> None:
        vectors = {}
        for name in ("origin_m", "across", "down"):
            try:
                vector = np.array(getattr(self, name), dtype=np.float64)
            except (TypeError, ValueError, OverflowError):
                vector = np.empty(0)
            if vector.shape != (3,) or not np.all(np.isfinite(vector)):
                raise ArgumentError(f"{name} must be three finite numbers (x, y, z)")
            vectors[name] = vector
        across, down = vectors["across"], vectors["down"]
        for name in ("across", "down"):
            if abs(float(np.linalg.norm(vectors[name])) - 1) > _TOLERANCE:
                raise ArgumentError(f"{name} must be a unit vector: divide it by its length")
        if abs(float(across @ down)) > _TOLERANCE:
            raise ArgumentError("across and down must stand at right angles")
        across = across / np.linalg.norm(across)
        down = down - (down @ across) * across
        vectors |= {"across": across, "down": down / np.linalg.norm(down)}
        for name, vector in vectors.items():
            object.__setattr__(self, name, tuple(vector.tolist()))

    @classmethod
    def at_y(cls, y_m: float = 0.0) -> Plane:
        """Return the plane of a 2-D picture, x across and z down, at a place along y, m."""
        return cls(origin_m=(0.0, y_m, 0.0))

    @classmethod
    def at_x(cls, x_m: float = 0.0) -> Plane:
        """Return the elevational plane, y across and z down, at a place along x, m."""
        return cls(origin_m=(x_m, 0.0, 0.0), across=(0.0, 1.0, 0.0))

    @classmethod
    def at_z(cls, z_m: float) -> Plane:
        """Return the plane parallel to the face (C-plane), x across and y down, at a depth, m."""
        return cls(origin_m=(0.0, 0.0, z_m), down=(0.0, 1.0, 0.0))

    @property
    def normal(self) -> NDArray[np.float64]:
        """Unit vector across × down, (3,)."""
        return np.cross(self.across, self.down)

    def points_m(self, raster: Raster) -> NDArray[np.float64]:
        """Return where the centres of a raster's pixels lie, (n_rows, n_columns, 3), m."""
        x_m = raster.x_m + raster.pixel_size_m * np.arange(raster.n_columns)
        z_m = raster.z_m + raster.pixel_size_m * np.arange(raster.n_rows)
        down_m = z_m[:, None, None] * np.array(self.down)
        return np.asarray(np.array(self.origin_m) + x_m[:, None] * np.array(self.across) + down_m)

    def raster(
        self,
        bounds_m: tuple[float, float, float, float, float, float],
        *,
        pixel_size_m: float | None = None,
        n_rows: int | None = None,
    ) -> Raster:
        """Return square pixels that cover what the plane cuts out of a box.

        Parameters
        ----------
        bounds_m : tuple of float
            (x least, x greatest, y least, y greatest, z least, z greatest), as a scan has them, m.
        pixel_size_m, n_rows
            Side of a pixel, m, or the number of rows; 512 rows when both are absent.

        Raises
        ------
        ArgumentError
            If the plane misses the box or only touches it.
        """
        try:
            box_m = np.array(bounds_m, np.float64)
        except (TypeError, ValueError, OverflowError):
            box_m = np.empty(0)
        if box_m.shape != (6,) or not np.all(np.isfinite(box_m)):
            raise ArgumentError("bounds_m must be six finite numbers, as scan.bounds_m of a volume")
        cut_m = self._cut_m(box_m.reshape(3, 2))
        if cut_m.size == 0 or not np.all(np.ptp(cut_m, axis=0) > 0):
            raise ArgumentError("the plane does not cut the scan: move its origin_m into it")
        (x0, z0), (x1, z1) = cut_m.min(axis=0).tolist(), cut_m.max(axis=0).tolist()
        return covering_raster((x0, x1, z0, z1), pixel_size_m=pixel_size_m, n_rows=n_rows)

    def _cut_m(self, bounds_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where the plane meets the edges of a box, in its own two directions, (n, 2)."""
        corners_m = np.array([[bounds_m[a, i >> a & 1] for a in range(3)] for i in range(8)])
        corners_m -= np.array(self.origin_m)
        height_m = corners_m @ self.normal
        size_m = math.dist(*bounds_m.T)
        height_m[np.abs(height_m) < 1e-9 * size_m] = 0.0
        places_m = [corners_m[height_m == 0]]
        for i in range(8):
            for j in (i | 1 << a for a in range(3) if not i >> a & 1):
                if height_m[i] * height_m[j] < 0:
                    share = height_m[i] / (height_m[i] - height_m[j])
                    places_m.append([corners_m[i] + share * (corners_m[j] - corners_m[i])])
        found_m = np.concatenate([np.reshape(place, (-1, 3)) for place in places_m])
        return np.asarray(found_m @ np.array([self.across, self.down]).T)
