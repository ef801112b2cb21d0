"""Scans: where one looks, and the raster that it becomes."""

from __future__ import annotations

import math
import operator
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from usdk.errors import ArgumentError
from usdk.probe import ArrayKind, Probe

__all__ = ["LinearScan", "Raster", "Scan", "SectorScan", "scan_for"]

MAX_POINTS = 2**27
# Share of a step by which a place may be off; grids that were stored as float32 pass.
_EVEN_TOLERANCE = 1e-2


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


class Scan(ABC):
    """What every scan has: lines, samples along each, and a bounding box."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """(n_lines, n_samples)."""

    @abstractmethod
    def points_m(self) -> NDArray[np.float64]:
        """Return where one looks, (n_lines, n_samples, 3), m."""

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


@dataclass(frozen=True, eq=False, kw_only=True)
class LinearScan(Scan):
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
        object.__setattr__(self, "x_m", _even(self.x_m, "x_m"))
        object.__setattr__(self, "z_m", _even(self.z_m, "z_m"))
        _limit(self.shape)

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

    @property
    def bounds_m(self) -> tuple[float, float, float, float]:
        """(x least, x greatest, z least, z greatest) of the points, m."""
        return (
            float(self.x_m[0]),
            float(self.x_m[-1]),
            float(self.z_m[0]),
            float(self.z_m[-1]),
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class SectorScan(Scan):
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
        object.__setattr__(self, "angles_rad", _even(self.angles_rad, "angles_rad"))
        object.__setattr__(self, "ranges_m", _even(self.ranges_m, "ranges_m"))
        if max(abs(self.angles_rad[0]), abs(self.angles_rad[-1])) >= math.pi:
            raise ArgumentError("angles_rad must lie between −π and π")
        if self.ranges_m[0] < 0:
            raise ArgumentError("ranges_m must not be negative")
        apex_m = np.array(self.apex_m, dtype=np.float64)
        if apex_m.shape != (2,) or not np.all(np.isfinite(apex_m)):
            raise ArgumentError("apex_m must be two finite numbers (x, z) in m")
        object.__setattr__(self, "apex_m", tuple(apex_m.tolist()))
        _limit(self.shape)

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


def scan_for(
    probe: Probe,
    *,
    depth_m: float,
    start_m: float = 2e-3,
    n_lines: int | None = None,
    spacing_m: float | None = None,
    half_angle_rad: float = math.pi / 4,
) -> LinearScan | SectorScan:
    """Return the scan that is natural for a probe.

    Parallel lines over a linear array, a fan from the origin for a phased array, and a fan from
    the centre of curvature over a curved array's own angle.

    Parameters
    ----------
    depth_m, start_m : float
        Greatest and least depth below the face, m.
    n_lines : int, optional
        Lines; two per element of a linear or curved array, 192 of a phased one when absent.
    spacing_m : float, optional
        Distance of samples along a line, m; a quarter wavelength at 1540 m/s when absent.
    half_angle_rad : float
        Half of a phased array's fan, rad.
    """
    if not (0 <= start_m < depth_m < math.inf):
        raise ArgumentError(f"need 0 <= start_m < depth_m, got {start_m} and {depth_m}")
    if probe.kind not in (ArrayKind.LINEAR, ArrayKind.PHASED, ArrayKind.CURVED):
        raise ArgumentError(f"no natural 2-D scan for a {probe.kind} array: make one yourself")
    if n_lines is not None and n_lines < 2:
        raise ArgumentError(f"n_lines must be at least 2, got {n_lines}")
    if spacing_m is None:
        spacing_m = 1540.0 / probe.centre_frequency_hz / 4
    if not (depth_m - start_m) / MAX_POINTS < spacing_m < math.inf:
        raise ArgumentError(f"spacing_m must be positive and give a usable scan, got {spacing_m}")
    n_samples = max(2, math.ceil((depth_m - start_m) / spacing_m) + 1)
    depths_m = np.linspace(start_m, depth_m, n_samples)
    if probe.kind is ArrayKind.PHASED:
        angles_rad = np.linspace(-half_angle_rad, half_angle_rad, n_lines or 192)
        return SectorScan(angles_rad=angles_rad, ranges_m=depths_m)
    n_lines = n_lines or 2 * probe.n_elements - 1
    if probe.kind is ArrayKind.CURVED:
        centre_m = probe.centre_of_curvature_m
        edges = probe.element_normals[[0, -1]]
        first, last = np.arctan2(edges[:, 0], edges[:, 2])
        return SectorScan(
            angles_rad=np.linspace(first, last, n_lines),
            ranges_m=probe.radius_m + depths_m,
            apex_m=(float(centre_m[0]), float(centre_m[2])),
        )
    x_m = probe.element_positions_m[:, 0]
    return LinearScan(x_m=np.linspace(x_m.min(), x_m.max(), n_lines), z_m=depths_m)


def _even(values: ArrayLike, name: str) -> NDArray[np.float64]:
    array = np.array(values, dtype=np.float64)
    if array.ndim != 1 or array.size < 2 or not np.all(np.isfinite(array)):
        raise ArgumentError(f"{name} must hold at least 2 finite numbers in one dimension")
    step = (array[-1] - array[0]) / (array.size - 1)
    even = np.linspace(array[0], array[-1], array.size)
    if not step > 0 or np.max(np.abs(array - even)) > _EVEN_TOLERANCE * step:
        raise ArgumentError(f"{name} must increase in equal steps: use numpy.linspace")
    array.flags.writeable = False
    return array


def _limit(shape: tuple[int, int]) -> None:
    if shape[0] * shape[1] > MAX_POINTS:
        raise ArgumentError(f"a scan has at most {MAX_POINTS} points, got {shape}")
