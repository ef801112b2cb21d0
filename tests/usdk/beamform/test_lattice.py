"""Which scans and probes stand on a lattice, and its rows against coordinates."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from usdk.acquisition import ReceiveSettings
from usdk.beamform.geometry import Geometry
from usdk.beamform.lattice import Lattice, find_lattice
from usdk.probe import Probe
from usdk.scan import LinearScan, Scan, SectorScan, VolumeScan, planar_scan_for
from usdk.sequences import plane_waves

BAND = {"centre_frequency_hz": 5e6, "fractional_bandwidth": 0.6}
LINEAR = Probe.linear("L", n_elements=16, pitch_m=0.3e-3, **BAND)
CONVEX = Probe.curved("C", n_elements=17, pitch_m=0.5e-3, radius_m=15e-3, **BAND)
PITCH_RAD = 2 * np.arcsin(0.5e-3 / 2 / 15e-3)
RANGES_M = np.linspace(3e-3, 27e-3, 40)


def columns(n: int, pitches: float, offset: float = 0.0) -> LinearScan:
    return LinearScan(x_m=(np.arange(n) - n / 2 + offset) * pitches * 0.3e-3, z_m=RANGES_M)


def fan(n: int, pitches: float, offset: float = 0.0, apex: float = -15e-3) -> SectorScan:
    angles_rad = (np.arange(n) - n / 2 + offset) * pitches * PITCH_RAD
    return SectorScan(angles_rad=angles_rad, ranges_m=15e-3 + RANGES_M, apex_m=(0.0, apex))


def lattice_of(probe: Probe, scan: Scan) -> Lattice | str:
    receive = ReceiveSettings(sampling_frequency_hz=20e6, n_samples=100, time_zero_s=(0.0,))
    return find_lattice(Geometry(probe, plane_waves(), receive, scan))


def reversed_elements(probe: Probe) -> Probe:
    return replace(
        probe,
        element_positions_m=probe.element_positions_m[::-1],
        element_normals=probe.element_normals[::-1],
    )


@pytest.mark.parametrize(
    ("probe", "scan", "share", "phases"),
    [
        (CONVEX, fan(20, 1), "1", 1),
        (CONVEX, fan(33, 0.5, 0.3), "1/2", 2),
        (CONVEX, fan(31, 2 / 3, 0.11), "2/3", 3),
        (CONVEX, fan(9, 3), "3", 1),
        (CONVEX, fan(41, 5 / 16), "5/16", 16),
        (CONVEX, planar_scan_for(CONVEX, depth_m=20e-3), "1/2", 2),
        (reversed_elements(CONVEX), fan(31, 2 / 3, 0.11), "2/3", 3),
        (LINEAR, columns(20, 1, 0.4), "1", 1),
        (LINEAR, columns(31, 0.75), "3/4", 4),
        (reversed_elements(LINEAR), columns(31, 0.75), "3/4", 4),
        (LINEAR, planar_scan_for(LINEAR, depth_m=20e-3), "1/2", 2),
    ],
)
def test_rows_hold_the_receive_geometry_of_every_line_and_element(
    probe: Probe, scan: Scan, share: str, phases: int
) -> None:
    lattice = lattice_of(probe, scan)
    assert isinstance(lattice, Lattice)
    assert (lattice.lines_per_pitch, lattice.phases) == (share, phases)
    lines = scan.lines()
    assert lines is not None
    distance_m, axial_m, across_m = lattice.receive_geometry_m(lines[2])
    points_m = scan.points_m()
    for line, first in enumerate(lattice.first_row):
        for e, (position_m, normal) in enumerate(
            zip(probe.element_positions_m, probe.element_normals, strict=True)
        ):
            way_m = points_m[line] - position_m
            tangent = np.array([normal[2], 0, -normal[0]])
            of = first + e
            np.testing.assert_allclose(
                distance_m[of], np.linalg.norm(way_m, axis=1), rtol=0, atol=1e-12
            )
            np.testing.assert_allclose(axial_m[of], way_m @ normal, rtol=0, atol=1e-12)
            np.testing.assert_allclose(across_m[of], way_m @ tangent, rtol=0, atol=1e-12)
    assert distance_m.max() <= lattice.reach_m(lines[2])


def test_lines_share_rows() -> None:
    lattice = lattice_of(CONVEX, fan(192, 2 / 3))
    assert isinstance(lattice, Lattice)
    assert lattice.places.size <= 192 * 2 + 17 * 3
    assert sorted(set(lattice.first_row)) == sorted(lattice.first_row)


MOVED_M = CONVEX.element_positions_m + (np.arange(17) == 5)[:, None] * [3e-8, 0, 0]
TURNED = CONVEX.element_normals + (np.arange(17) == 5)[:, None] * [3e-6, 0, 0]
ALONG = CONVEX.element_positions_m.copy()
ALONG[5] = CONVEX.centre_of_curvature_m + 15e-3 * np.array(
    [np.sin(-2.999 * PITCH_RAD), 0, np.cos(-2.999 * PITCH_RAD)]
)


@pytest.mark.parametrize(
    ("probe", "scan", "reason"),
    [
        (CONVEX, fan(20, 1, apex=-14.9e-3), "circle about the apex"),
        (CONVEX, fan(20, 0.777123), "rational part"),
        (CONVEX, fan(20, 1 + 1e-5), "rational part"),
        (CONVEX, columns(20, 1), "x axis"),
        (LINEAR, fan(20, 1), "circle about the apex"),
        (LINEAR, columns(20, 0.777123), "rational part"),
        (replace(CONVEX, element_positions_m=MOVED_M), fan(20, 1), "circle|look away"),
        (replace(CONVEX, element_normals=TURNED), fan(20, 1), "look away"),
        (
            Probe.linear("one", n_elements=1, pitch_m=1e-3, **BAND), columns(9, 1), "no pitch",
        ),
        (
            Probe.matrix("M", n_elements_x=4, n_elements_y=4, pitch_m=0.3e-3, **BAND),
            columns(9, 1), "x axis",
        ),
        (
            LINEAR, VolumeScan(x_m=np.arange(3) * 3e-4, y_m=np.arange(2) * 1e-3, z_m=RANGES_M),
            "neither parallel lines nor a fan",
        ),
    ],
)  # fmt: skip
def test_what_stands_on_no_lattice_is_told(probe: Probe, scan: Scan, reason: str) -> None:
    found: Any = lattice_of(probe, scan)
    assert isinstance(found, str)
    assert any(part in found for part in reason.split("|"))


def test_an_element_off_its_place_on_the_circle_is_told() -> None:
    arm = ALONG - CONVEX.centre_of_curvature_m
    probe = replace(CONVEX, element_positions_m=ALONG, element_normals=arm / 15e-3)
    assert lattice_of(probe, fan(20, 1)) == "the elements are not evenly spaced"
