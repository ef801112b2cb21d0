"""Faults that other beamformers have had, and what they looked like.

- Lens delay left out: everything lies too deep (zea#441 reports 1.4 mm).
- F-number by the depth axis where elements look elsewhere: a convex array's sides blur (zea#516;
  mach and ogl_beamforming do so, too).
- A jump of the delays at the focus of focused waves: see test_focus.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from usdk.acquisition import ReceiveSettings
from usdk.beamform import Beamformer
from usdk.probe import Probe
from usdk.scan import LinearScan, SectorScan
from usdk.sequences import plane_waves
from usdk.transmit import DivergingWave, Transmit, TransmitSequence

C, FC, FS = 1540.0, 4e6, 25e6
BAND = {"centre_frequency_hz": FC, "fractional_bandwidth": 0.7}
CONVEX = Probe.curved("C", n_elements=128, pitch_m=0.5e-3, radius_m=50e-3, **BAND)
LINEAR = Probe.linear("L", n_elements=96, pitch_m=0.3e-3, **BAND)


def echo(
    probe: Probe, wave: Transmit, point_m: NDArray[np.float64], lens_delay_s: float = 0.0
) -> tuple[NDArray[np.complex64], ReceiveSettings]:
    """Return IQ of one point, heard by the elements that it lies before, through a lens."""
    offset_m = point_m - probe.element_positions_m
    range_m = np.linalg.norm(offset_m, axis=1)
    arrival_s = float(wave.arrival_time_s(point_m[None], probe, C)[0]) + 2 * lens_delay_s
    first_s = arrival_s + range_m.min() / C - 4e-6
    time_s = first_s + np.arange(1024) / FS
    late = FC * (time_s - (arrival_s + range_m[:, None] / C))
    before = np.sum(offset_m * probe.element_normals, axis=1)[:, None] > 0
    analytic = before * np.exp(-((late / 1.2) ** 2) + 2j * np.pi * late)
    receive = ReceiveSettings(
        sampling_frequency_hz=FS,
        n_samples=1024,
        time_zero_s=(first_s,),
        demodulation_frequency_hz=FC,
        sound_speed_m_s=C,
    )
    return (analytic * np.exp(-2j * np.pi * FC * time_s)).astype(np.complex64)[None], receive


def depth_of_peak_m(probe: Probe, data: Any, receive: ReceiveSettings, about_m: float) -> float:
    scan = LinearScan(x_m=np.array([0.0, 1e-6]), z_m=about_m + np.arange(-250, 251) * 10e-6)
    image = np.abs(Beamformer(probe, plane_waves([0]), receive, scan)(data)[0])
    return float(scan.z_m[image.argmax()])


def test_a_lens_that_is_left_out_lies_1_4_mm_too_deep() -> None:
    """Measured: 0.01 mm off with the lens, 1.41 mm too deep without."""
    lens_delay_s = 1.4e-3 / C
    wave = plane_waves([0]).transmits[0]
    data, receive = echo(LINEAR, wave, np.array([0.0, 0.0, 30e-3]), lens_delay_s)
    with_lens = replace(LINEAR, lens_delay_s=lens_delay_s)
    assert abs(depth_of_peak_m(with_lens, data, receive, 30e-3) - 30e-3) < 0.05e-3
    assert depth_of_peak_m(LINEAR, data, receive, 30e-3) == pytest.approx(31.4e-3, abs=0.1e-3)


def lateral_width_m(probe: Probe, angle_rad: float) -> float:
    """Full width at half maximum, across the line, of a point 50 mm before a convex array."""
    centre_m = CONVEX.centre_of_curvature_m
    outward = np.array([np.sin(angle_rad), 0.0, np.cos(angle_rad)])
    wave = DivergingWave(source_m=tuple(float(v) for v in centre_m))
    data, receive = echo(CONVEX, wave, centre_m + 100e-3 * outward)
    scan = SectorScan(
        angles_rad=angle_rad + np.linspace(-0.04, 0.04, 161),
        ranges_m=100e-3 + np.linspace(-0.5e-3, 0.5e-3, 21),
        apex_m=(float(centre_m[0]), float(centre_m[2])),
    )
    sequence = TransmitSequence(transmits=(wave,))
    plan = Beamformer(probe, sequence, receive, scan, f_number=1.5, kernel="general")
    profile = np.abs(plan(data)).max(axis=1)
    fine_rad = np.linspace(scan.angles_rad[0], scan.angles_rad[-1], 8001)
    high = np.interp(fine_rad, scan.angles_rad, profile) > profile.max() / 2
    return float(np.ptp(fine_rad[high]) * 100e-3)


def test_a_convex_array_is_as_sharp_aside_as_straight_ahead() -> None:
    """Measured: 1.86 mm at any angle; by the depth axis 0.90 mm at 0°, 1.43 at 15°, 6.7 at 25°."""
    straight_m = lateral_width_m(CONVEX, 0.0)
    for angle_deg in (15.0, 25.0):
        assert lateral_width_m(CONVEX, np.radians(angle_deg)) == pytest.approx(straight_m, rel=0.02)
    by_depth = replace(CONVEX, element_normals=np.tile([0.0, 0.0, 1.0], (128, 1)))
    assert lateral_width_m(by_depth, np.radians(25.0)) > 5 * lateral_width_m(by_depth, 0.0)
