"""One line, of any direction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import count, finite
from usdk.errors import ArgumentError
from usdk.scan.axes import MAX_POINTS
from usdk.scan.base import Scan
from usdk.scan.linear import LinearScan
from usdk.scan.sector import SectorScan

__all__ = ["LineScan"]


@dataclass(frozen=True, eq=False, kw_only=True)
class LineScan(Scan):
    """Points equally spaced along a line between two places.

    Parameters
    ----------
    start_m, end_m : (x, z) or (x, y, z)
        The first and the last point, m.
    n_samples : int
        Points, both ends included, 2 to `MAX_POINTS`.
    start_depth_m : float
        Depth that the first point is said to have; the others add their distance from it, m.
    """

    start_m: tuple[float, float, float]
    end_m: tuple[float, float, float]
    n_samples: int
    start_depth_m: float = 0.0

    def __post_init__(self) -> None:
        for name in ("start_m", "end_m"):
            object.__setattr__(self, name, _place(getattr(self, name), name))
        if self.start_m == self.end_m:
            raise ArgumentError("a line needs two places: start_m and end_m are the same")
        n_samples = count(self.n_samples, "n_samples", least=2, most=MAX_POINTS)
        object.__setattr__(self, "n_samples", n_samples)
        object.__setattr__(self, "start_depth_m", finite(self.start_depth_m, "start_depth_m"))

    @classmethod
    def of(
        cls,
        scan: LinearScan | SectorScan,
        *,
        x_m: float | None = None,
        angle_rad: float | None = None,
    ) -> LineScan:
        """Return a line of a planar scan, with its samples, also between the scan's own lines.

        Parameters
        ----------
        scan : LinearScan or SectorScan
            Where one looks.
        x_m : float, optional
            Where the line stands, of a `LinearScan`, m.
        angle_rad : float, optional
            Direction of the line, of a `SectorScan`, rad. Depth counts from the face: from the apex
            of a fan that begins on it, and from the arc through x = 0, z = 0 of one whose apex lies
            behind.
        """
        if isinstance(scan, LinearScan):
            if x_m is None or angle_rad is not None:
                raise ArgumentError("a line of parallel ones is chosen by x_m")
            if not scan.x_m[0] <= x_m <= scan.x_m[-1]:
                raise ArgumentError(f"x_m must lie in the scan, got {x_m}")
            z_m = scan.z_m
            return cls(
                start_m=(x_m, 0.0, float(z_m[0])),
                end_m=(x_m, 0.0, float(z_m[-1])),
                n_samples=z_m.size,
                start_depth_m=float(z_m[0]),
            )
        if angle_rad is None or x_m is not None:
            raise ArgumentError("a line of a fan is chosen by angle_rad")
        if not scan.angles_rad[0] <= angle_rad <= scan.angles_rad[-1]:
            raise ArgumentError(f"angle_rad must lie in the scan, got {angle_rad}")
        (apex_x_m, apex_z_m), ranges_m = scan.apex_m, scan.ranges_m
        ends = [
            (apex_x_m + r * math.sin(angle_rad), 0.0, apex_z_m + r * math.cos(angle_rad))
            for r in (float(ranges_m[0]), float(ranges_m[-1]))
        ]
        return cls(
            start_m=ends[0],
            end_m=ends[1],
            n_samples=ranges_m.size,
            start_depth_m=float(ranges_m[0]) - max(0.0, -apex_z_m),
        )

    @property
    def shape(self) -> tuple[int]:
        """(n_samples,)."""
        return (self.n_samples,)

    @property
    def length_m(self) -> float:
        """Distance between the ends, m."""
        return math.dist(self.start_m, self.end_m)

    @property
    def depths_m(self) -> NDArray[np.float64]:
        """Depth of each point, (n_samples,), m."""
        return self.start_depth_m + np.linspace(0.0, self.length_m, self.n_samples)

    def points_m(self) -> NDArray[np.float64]:
        """Return where one looks, (n_samples, 3), m."""
        return np.linspace(self.start_m, self.end_m, self.n_samples)


def _place(value: Sequence[float], name: str) -> tuple[float, float, float]:
    try:
        numbers = [float(number) for number in value]
    except (TypeError, ValueError, OverflowError) as error:
        raise ArgumentError(f"{name} must be two or three numbers: {error}") from error
    if len(numbers) == 2:
        numbers.insert(1, 0.0)
    if len(numbers) != 3 or not all(map(math.isfinite, numbers)):
        raise ArgumentError(f"{name} must be two or three finite numbers, (x, z) or (x, y, z)")
    return (numbers[0], numbers[1], numbers[2])
