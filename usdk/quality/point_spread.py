"""Where a point target comes out, and how wide."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import finite, positive
from usdk.errors import ArgumentError
from usdk.image.inputs import require_planar
from usdk.scan import LinearScan, SectorScan

__all__ = ["PointSpread", "measure_point_spread"]

_MIN_POINTS = 5


@dataclass(frozen=True, kw_only=True)
class PointSpread:
    """What `measure_point_spread` found.

    Parameters
    ----------
    x_m, z_m : float
        Where the envelope peaks, between the points of the scan, m.
    peak : float
        The envelope there.
    fwhm_lateral_m, fwhm_axial_m : float
        Full width at half the maximum (−6.02 dB), across the lines (along the arc in a sector)
        and along them, m.
    peak_side_lobe_db : float
        Greatest level beyond the main lobe, to either side of it and at any depth of the window,
        dB re the peak; −inf where the window shows none.
    """

    x_m: float
    z_m: float
    peak: float
    fwhm_lateral_m: float
    fwhm_axial_m: float
    peak_side_lobe_db: float


def measure_point_spread(
    envelope: NDArray[np.floating],
    scan: LinearScan | SectorScan,
    about_m: tuple[float, float],
    *,
    half_width_m: float,
    half_depth_m: float,
) -> PointSpread:
    """Measure a point target in a window of a picture.

    Parameters
    ----------
    envelope : ndarray, (n_lines, n_samples)
        Amplitudes on the scan, before log compression.
    scan : LinearScan or SectorScan
        Where its points lie; four of them in a width sought measure it to 0.5 %.
    about_m : (x, z)
        Middle of the window, m.
    half_width_m, half_depth_m : float
        Half the window across the lines and along them, m. The brightest echo inside is measured.

    Returns
    -------
    PointSpread

    Raises
    ------
    ArgumentError
        If the window holds fewer than 5 × 5 points, nothing bright, or an echo that is brightest at
        its rim or that does not fall to half its height inside.

    Notes
    -----
    The window is read by bicubic splines, so that neither the place nor the widths depend on where
    the scan's points happen to fall. The main lobe ends where the greatest level over depth first
    rises again on either side. IEC 61391-1:2006 is the standard for such measurements on scanners.
    """
    image = np.asarray(envelope)
    require_planar(scan)
    try:
        x_m, z_m = (finite(value, "about_m") for value in about_m)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"about_m must be two finite numbers (x, z) in m: {error}") from error
    about_m = (x_m, z_m)
    if image.shape != scan.shape or image.dtype.kind != "f":
        raise ArgumentError(
            f"envelope must hold real amplitudes of shape {scan.shape}, "
            f"got {image.dtype} {image.shape}"
        )
    across_m, along_m, lines, samples = _window(scan, about_m, half_width_m, half_depth_m)
    part = image[lines, samples].astype(np.float64)
    if not np.all(np.isfinite(part)) or part.min() < 0 or part.max() == 0:
        raise ArgumentError("the window must hold finite amplitudes from 0 on, not all silent")
    line, sample = (int(i) for i in np.unravel_index(int(part.argmax()), part.shape))
    if line in (0, part.shape[0] - 1) or sample in (0, part.shape[1] - 1):
        raise ArgumentError(
            "the brightest echo lies on the rim of the window: move the window, or make it smaller"
        )
    surface = _surface(across_m, along_m, part)
    lateral_m, axial_m, peak = _peak(surface, across_m, along_m, (line, sample))
    x_m, z_m = _place(scan, about_m, lateral_m, axial_m)
    # Widths across a fan are arcs at the peak's own range.
    stretch = axial_m / _reference_range_m(scan, about_m) if isinstance(scan, SectorScan) else 1.0
    lateral, axial = surface(across_m, axial_m)[:, 0], surface(lateral_m, along_m)[0]
    return PointSpread(
        x_m=x_m,
        z_m=z_m,
        peak=peak,
        fwhm_lateral_m=stretch * _width(across_m, lateral, lateral_m, peak / 2),
        fwhm_axial_m=_width(along_m, axial, axial_m, peak / 2),
        peak_side_lobe_db=_side_lobe_db(part.max(axis=1), line),
    )


def _window(
    scan: LinearScan | SectorScan,
    about_m: tuple[float, float],
    half_width_m: float,
    half_depth_m: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64], slice, slice]:
    """Return places across and along the lines, m, and which lines and samples they are."""
    if isinstance(scan, SectorScan):
        range_m = _reference_range_m(scan, about_m)
        middle_m = range_m * _angle_rad(scan, about_m)
        across_m, along_m, centre_m = range_m * scan.angles_rad, scan.ranges_m, range_m
    else:
        across_m, along_m = scan.x_m, scan.z_m
        middle_m, centre_m = about_m
    lines = _between(across_m, middle_m, half_width_m, "lines")
    samples = _between(along_m, centre_m, half_depth_m, "samples")
    return across_m[lines], along_m[samples], lines, samples


def _between(places_m: NDArray[np.float64], middle_m: float, half_m: float, what: str) -> slice:
    half_m = positive(half_m, "half_width_m and half_depth_m")
    if not (math.isfinite(middle_m) and math.isfinite(half_m) and half_m > 0):
        raise ArgumentError("about_m must be finite, half_width_m and half_depth_m positive")
    first, stop = np.searchsorted(places_m, [middle_m - half_m, middle_m + half_m], side="left")
    if stop - first < _MIN_POINTS:
        raise ArgumentError(
            f"the window holds {stop - first} {what}, at least {_MIN_POINTS} are needed: widen it, "
            "move it onto the scan, or make the scan finer"
        )
    return slice(int(first), int(stop))


def _reference_range_m(scan: SectorScan, about_m: tuple[float, float]) -> float:
    return max(math.dist(about_m, scan.apex_m), float(np.finfo(np.float64).tiny))


def _angle_rad(scan: SectorScan, about_m: tuple[float, float]) -> float:
    return math.atan2(about_m[0] - scan.apex_m[0], about_m[1] - scan.apex_m[1])


def _place(
    scan: LinearScan | SectorScan, about_m: tuple[float, float], lateral_m: float, axial_m: float
) -> tuple[float, float]:
    if isinstance(scan, LinearScan):
        return float(lateral_m), float(axial_m)
    angle_rad = lateral_m / _reference_range_m(scan, about_m)
    return (
        scan.apex_m[0] + axial_m * math.sin(angle_rad),
        scan.apex_m[1] + axial_m * math.cos(angle_rad),
    )


def _surface(
    across_m: NDArray[np.float64], along_m: NDArray[np.float64], part: NDArray[np.float64]
) -> Any:
    """Return the cubic spline through a window, called with places across and along, m."""
    from scipy.interpolate import RectBivariateSpline

    return RectBivariateSpline(across_m, along_m, part)


def _peak(
    surface: Any,
    across_m: NDArray[np.float64],
    along_m: NDArray[np.float64],
    at: tuple[int, int],
) -> tuple[float, float, float]:
    """Return the place across and along, m, and the height of the maximum next to a point."""
    from scipy.optimize import minimize

    line, sample = at
    start = np.array([across_m[line], along_m[sample]])
    step_m = np.array([across_m[1] - across_m[0], along_m[1] - along_m[0]])
    height = float(surface(*start)[0, 0])

    def fall(moved: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        place = start + moved * step_m
        slope = [surface(*place, dx=1)[0, 0], surface(*place, dy=1)[0, 0]]
        return -float(surface(*place)[0, 0]) / height, -np.array(slope) * step_m / height

    found = minimize(fall, np.zeros(2), jac=True, method="L-BFGS-B", bounds=[(-1, 1), (-1, 1)])
    lateral_m, axial_m = start + found.x * step_m
    return float(lateral_m), float(axial_m), height * -float(found.fun)


def _width(
    places_m: NDArray[np.float64], profile: NDArray[np.float64], peak_m: float, level: float
) -> float:
    """Return the distance between the level's crossings next to the peak."""
    from scipy.interpolate import CubicSpline

    crossings_m = CubicSpline(places_m, profile).solve(level, extrapolate=False)
    before_m, after_m = crossings_m[crossings_m < peak_m], crossings_m[crossings_m > peak_m]
    if before_m.size == 0 or after_m.size == 0:
        raise ArgumentError("the echo does not fall to half its height inside the window: widen it")
    return float(after_m.min() - before_m.max())


def _side_lobe_db(levels: NDArray[np.float64], peak: int) -> float:
    """Return the greatest level beyond the first minimum on either side, dB re the peak."""
    greatest = 0.0
    for side in (levels[peak:], levels[peak::-1]):
        rising = np.flatnonzero(np.diff(side) > 0)
        if rising.size:
            greatest = max(greatest, float(side[rising[0] :].max()))
    return 20 * math.log10(greatest / float(levels[peak])) if greatest > 0 else -math.inf
