"""The scan that is natural for a probe."""

from __future__ import annotations

import math

import numpy as np

from usdk.errors import ArgumentError
from usdk.probe import ArrayKind, Probe
from usdk.scan.axes import MAX_POINTS
from usdk.scan.linear import LinearScan
from usdk.scan.sector import SectorScan

__all__ = ["scan_for"]


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
