"""Lattice: lines over which receive geometry repeats itself, and the table that they share.

Where elements stand evenly on a line or a circle, and scan lines on their normals or a rational
part of the way between them, the receive path from element e to range s of line l depends on s and
on the difference of places of e and l alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from usdk.beamform.directivity import element_size_wavelengths
from usdk.beamform.geometry import Geometry
from usdk.beamform.options import Method
from usdk.scan import LinearScan, SectorScan

__all__ = ["MAX_PHASES", "Lattice", "find_lattice", "receive_apodization"]

MAX_PHASES = 16
"""Most places that lines have between two elements."""
_MAX_TILT = 1e-6
"""Farthest end of an element's normal from where it should be; unit vectors."""
_FACE_SAMPLES = 1e-4
"""A point nearer to the plane of an element's face lies on it, by its rounding."""


@dataclass(frozen=True, eq=False)
class Lattice:
    """Rows of the receive table of a scan and a probe.

    Parameters
    ----------
    radius_m : float
        Radius of the circle that elements stand on, about which lines turn, m; 0 where elements
        stand on a line.
    phases : int
        Places that lines have between two elements.
    lines_per_pitch : str
        Step of the lines in pitches of the elements, for people.
    places : (n_rows,) float64
        Place of the line less that of the element, of every row: rad on a circle, m on a line.
    first_row : (n_lines,) int64
        Row of element 0 at each line; element e stands e rows on.
    """

    radius_m: float
    phases: int
    lines_per_pitch: str
    places: NDArray[np.float64]
    first_row: NDArray[np.int64]

    def reach_m(self, ranges_m: NDArray[np.float64]) -> float:
        """Return a bound of the distance of any element from any point, m."""
        across_m = 0.0 if self.radius_m else float(np.abs(self.places).max())
        return float(np.abs(ranges_m).max()) + self.radius_m + across_m

    def receive_geometry_m(
        self, ranges_m: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return distance, way along the normal and across it of every row's points, (n_rows, n).

        On a circle of radius R a point at range r and angle δ is √((r − R)² + 4 r R sin²(δ/2))
        away, which keeps its digits where δ is small.
        """
        if not self.radius_m:
            across_m = np.broadcast_to(self.places[:, None], (self.places.size, ranges_m.size))
            axial_m = np.broadcast_to(ranges_m, across_m.shape)
            return np.hypot(axial_m, across_m), axial_m, across_m
        bend = np.sin(self.places / 2)[:, None] ** 2
        above_m = ranges_m - self.radius_m
        distance_m = np.sqrt(above_m**2 + 4 * self.radius_m * ranges_m * bend)
        return (
            distance_m,
            above_m - 2 * ranges_m * bend,
            ranges_m * np.sin(self.places)[:, None],
        )


def find_lattice(geometry: Geometry) -> Lattice | str:
    """Return the lattice that a scan and a probe stand on, or why they stand on none.

    Elements and lines count as evenly spaced when they are so to the rounding of float32, which is
    all that the general kernel holds of a coordinate.
    """
    scan, probe = geometry.scan, geometry.probe
    positions_m, normals = probe.element_positions_m, probe.element_normals
    if len(positions_m) < 2:
        return "one element has no pitch"
    if isinstance(scan, LinearScan):
        elements, lines, radius_m = positions_m[:, 0], scan.x_m, 0.0
        if np.any(positions_m[:, 1:]) or np.any(normals != (0, 0, 1)):
            return "the elements do not stand on the x axis and look along z"
    elif isinstance(scan, SectorScan):
        arms_m = positions_m - np.array((scan.apex_m[0], 0.0, scan.apex_m[1]))
        radius_m = float(np.linalg.norm(arms_m, axis=1).mean())
        if not radius_m > 0:
            return "the apex stands on the elements"
        elements, lines = np.unwrap(np.arctan2(arms_m[:, 0], arms_m[:, 2])), scan.angles_rad
        outward = np.zeros_like(arms_m)
        outward[:, 0], outward[:, 2] = np.sin(elements), np.cos(elements)
        rounding_m = _rounding_m(positions_m, scan)
        if np.abs(arms_m - radius_m * outward).max() > rounding_m:
            return "the elements do not stand on a circle about the apex"
        if np.abs(normals - outward).max() > _MAX_TILT:
            return "the elements do not look away from the apex"
    else:
        return "the scan is neither parallel lines nor a fan"
    pitch = float(elements[-1] - elements[0]) / (elements.size - 1)
    off = _rounding_m(positions_m, scan) / (radius_m or 1.0)
    if pitch == 0 or not _is_even(elements, pitch, off):
        return "the elements are not evenly spaced"
    step = float(lines[-1] - lines[0]) / (lines.size - 1)
    for phases in range(1, MAX_PHASES + 1):
        per_phase = round(phases * step / pitch)
        if _is_even(lines, pitch * per_phase / phases, off):
            return _rows(elements, lines, pitch, per_phase, phases, radius_m)
    return "lines do not stand on a rational part of the elements' pitch"


def receive_apodization(
    lattice: Lattice,
    geometry: Geometry,
    method: Method,
    ranges_m: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return receive distance, m, and apodization of every row at every range, (n_rows, n)."""
    distance_m, axial_m, across_m = lattice.receive_geometry_m(ranges_m)
    per_m = geometry.receive.sampling_frequency_hz / geometry.receive.sound_speed_m_s
    is_before = axial_m * per_m > _FACE_SAMPLES
    safe_m = np.where(is_before, axial_m, 1.0)
    place = 2 * method.f_number * np.abs(across_m) / safe_m
    taper, a0, a1, a2 = method.window_coefficients
    weight = np.ones_like(place)
    if taper > 0:
        v = np.pi * np.clip((place - (1 - taper)) / taper, 0, 1)
        weight = np.maximum(a0 + a1 * np.cos(v) + a2 * np.cos(2 * v), 0)
    if method.directivity:
        # Only arrays in a plane stand on a lattice: the height of their elements counts as 0.
        width = element_size_wavelengths(geometry)[0]
        away_m = np.where(is_before, distance_m, 1.0)
        weight *= np.sinc(width * across_m / away_m) * safe_m / away_m
    return distance_m, np.where(is_before & (place <= 1), weight, 0).astype(np.float32)


def _rows(
    elements: NDArray[np.float64],
    lines: NDArray[np.float64],
    pitch: float,
    per_phase: int,
    phases: int,
    radius_m: float,
) -> Lattice:
    """Return the rows: of each phase the lines that have it, from the last one's place down."""
    whole, phase = np.divmod(np.arange(lines.size) * per_phase, phases)
    places, first_row, n_rows = [], np.zeros(lines.size, np.int64), 0
    for one in np.unique(phase):
        of_phase = phase == one
        greatest, least = int(whole[of_phase].max()), int(whole[of_phase].min())
        first_row[of_phase] = n_rows + greatest - whole[of_phase]
        steps = np.arange(greatest, least - elements.size, -1)
        places.append(lines[0] - elements[0] + pitch * (steps + one / phases))
        n_rows += steps.size
    share = abs(per_phase) if phases == 1 else f"{abs(per_phase)}/{phases}"
    return Lattice(radius_m, phases, str(share), np.concatenate(places), first_row)


def _rounding_m(positions_m: NDArray[np.float64], scan: LinearScan | SectorScan) -> float:
    reach_m = max(np.abs(positions_m).max(), *(abs(bound) for bound in scan.bounds_m))
    return float(np.spacing(np.float32(reach_m)))


def _is_even(places: NDArray[np.float64], step: float, off: float) -> bool:
    even = places[0] + np.arange(places.size) * step
    return bool(np.abs(places - even).max() <= off)
