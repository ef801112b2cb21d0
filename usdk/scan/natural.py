"""The scan that is natural for a probe."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import count, finite
from usdk.errors import ArgumentError
from usdk.probe import ArrayKind, Probe
from usdk.scan.axes import MAX_LINES, MAX_POINTS
from usdk.scan.linear import LinearScan
from usdk.scan.pyramid import PyramidScan
from usdk.scan.sector import SectorScan

__all__ = ["planar_scan_for", "scan_for"]

_PYRAMID_LINES = 64  # in each direction


def scan_for(
    probe: Probe,
    *,
    depth_m: float,
    start_m: float = 2e-3,
    n_lines: int | None = None,
    spacing_m: float | None = None,
    half_angle_rad: float = math.pi / 4,
) -> LinearScan | SectorScan | PyramidScan:
    """Return the scan that is natural for a probe.

    Parallel lines over a linear array, a fan from the origin for a phased array, a fan from the
    centre of curvature over a curved array's own angle, and a pyramid from the origin for a
    matrix array.

    Parameters
    ----------
    depth_m, start_m : float
        Greatest and least depth below the face, m.
    n_lines : int, optional
        Lines; two per element of a linear or curved array, 192 of a phased one, and 64 in each
        direction of a matrix array when absent.
    spacing_m : float, optional
        Distance of samples along a line, m; a quarter wavelength at 1540 m/s when absent.
    half_angle_rad : float
        Half of a phased array's fan, and of a matrix array's pyramid both ways, rad.
    """
    if probe.kind is not ArrayKind.MATRIX:
        return planar_scan_for(
            probe,
            depth_m=depth_m,
            start_m=start_m,
            n_lines=n_lines,
            spacing_m=spacing_m,
            half_angle_rad=half_angle_rad,
        )
    depths_m = _depths_m(probe, depth_m, start_m, n_lines, spacing_m)
    angles_rad = np.linspace(-half_angle_rad, half_angle_rad, n_lines or _PYRAMID_LINES)
    return PyramidScan(azimuths_rad=angles_rad, elevations_rad=angles_rad, ranges_m=depths_m)


def planar_scan_for(
    probe: Probe,
    *,
    depth_m: float,
    start_m: float = 2e-3,
    n_lines: int | None = None,
    spacing_m: float | None = None,
    half_angle_rad: float = math.pi / 4,
) -> LinearScan | SectorScan:
    """Return the scan of `scan_for` where it is a plane; `ArgumentError` where it is a volume."""
    if probe.kind is ArrayKind.MATRIX:
        raise ArgumentError(
            "the natural scan of a matrix array is a volume (scan_for): for a picture of one "
            "plane make a LinearScan or SectorScan"
        )
    if probe.kind not in (ArrayKind.LINEAR, ArrayKind.PHASED, ArrayKind.CURVED):
        raise ArgumentError(f"no natural scan for {probe.kind} elements: make one yourself")
    depths_m = _depths_m(probe, depth_m, start_m, n_lines, spacing_m)
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


def _depths_m(
    probe: Probe,
    depth_m: float,
    start_m: float,
    n_lines: int | None,
    spacing_m: float | None,
) -> NDArray[np.float64]:
    start_m, depth_m = finite(start_m, "start_m"), finite(depth_m, "depth_m")
    if not 0 <= start_m < depth_m:
        raise ArgumentError(f"need 0 <= start_m < depth_m, got {start_m} and {depth_m}")
    if n_lines is not None:
        count(n_lines, "n_lines", least=2, most=MAX_LINES)
    if spacing_m is None:
        spacing_m = 1540.0 / probe.centre_frequency_hz / 4
    if not (depth_m - start_m) / MAX_POINTS < finite(spacing_m, "spacing_m"):
        raise ArgumentError(f"spacing_m must be positive and give a usable scan, got {spacing_m}")
    n_samples = max(2, math.ceil((depth_m - start_m) / spacing_m) + 1)
    return np.linspace(start_m, depth_m, n_samples)
