from __future__ import annotations

import math
from typing import Any

import numpy as np
import pymust
import pytest

from usdk.errors import ArgumentError
from usdk.probe import ArrayKind, Probe
from usdk.sequences import diverging_waves, focused_lines, plane_waves, single_elements
from usdk.transmit import DivergingWave, FocusedWave, PlaneWave, SingleElement, TransmitSequence

C = 1540.0
BAND = {"centre_frequency_hz": 2.72e6, "fractional_bandwidth": 0.7}
PHASED = Probe.linear("P4", n_elements=64, pitch_m=0.3e-3, kind=ArrayKind.PHASED, **BAND)
LINEAR = Probe.linear("L", n_elements=64, pitch_m=0.3e-3, **BAND)
CONVEX = Probe.curved("C5", n_elements=128, pitch_m=0.508e-3, radius_m=49.57e-3, **BAND)
MATRIX = Probe.matrix("M", n_elements_x=4, n_elements_y=4, pitch_m=0.3e-3, **BAND)


def foci(sequence: TransmitSequence) -> list[FocusedWave]:
    waves = [wave for wave in sequence.transmits if isinstance(wave, FocusedWave)]
    assert len(waves) == len(sequence)
    return waves


@pytest.mark.parametrize("tilt_deg", [-20.0, 0.0, 7.0])
@pytest.mark.parametrize("width_deg", [30.0, 60.0, 90.0])
def test_diverging_waves_are_those_of_pymust(tilt_deg: float, width_deg: float) -> None:
    param = pymust.utils.Param()
    param.fc, param.c, param.pitch = PHASED.centre_frequency_hz, C, PHASED.pitch_m
    param.Nelements, param.radius = PHASED.n_elements, math.inf
    theirs_s = pymust.txdelay(param, math.radians(tilt_deg), math.radians(width_deg))
    sequence = diverging_waves(PHASED, tilts_deg=[tilt_deg], width_deg=width_deg)
    difference_s = sequence.delays_s(PHASED, C)[0] - np.ravel(theirs_s)
    assert np.ptp(difference_s) < 1e-12


@pytest.mark.parametrize("tilt_deg", [-15.0, 0.0, 10.0])
def test_a_diverging_wave_sees_the_array_under_its_width(tilt_deg: float) -> None:
    (wave,) = diverging_waves(PHASED, tilts_deg=[tilt_deg], width_deg=60.0).transmits
    assert isinstance(wave, DivergingWave)
    edges = PHASED.element_positions_m[[0, -1]] - wave.source_m
    first, last = np.degrees(np.arctan2(edges[:, 0], edges[:, 2]))
    assert last - first == pytest.approx(60.0)
    assert (first + last) / 2 == pytest.approx(tilt_deg)


def test_plane_waves_and_single_elements_keep_their_order_and_pulse() -> None:
    sequence = plane_waves([-5, 0, 5], frequency_hz=6e6, n_cycles=2, prf_hz=1e3)
    angles_rad = [w.azimuth_rad for w in sequence.transmits if isinstance(w, PlaneWave)]
    assert np.allclose(np.degrees(angles_rad), [-5, 0, 5])
    assert (sequence.frequency_hz, sequence.n_cycles, sequence.prf_hz) == (6e6, 2, 1e3)
    elements = list(single_elements(np.arange(3, 6)).transmits)
    assert elements == [SingleElement(element=e) for e in (3, 4, 5)]


def test_lines_of_a_linear_array_are_parallel_and_their_apertures_walk() -> None:
    waves = foci(focused_lines(LINEAR, n_lines=64, focus_depth_m=0.03, n_aperture=16))
    for element, wave in enumerate(waves):
        assert wave.origin_m == pytest.approx(tuple(LINEAR.element_positions_m[element]))
        assert wave.focus_m == pytest.approx((wave.origin_m[0], 0, 0.03))
        assert wave.aperture is not None
        first, stop = wave.aperture
        assert stop - first == 16
        assert first >= 0
        assert stop <= 64
        # In the middle of the aperture, unless the array's edge is in the way.
        if 8 <= element <= 55:
            assert abs((first + stop - 1) / 2 - element) <= 0.5


def test_lines_of_a_convex_array_leave_along_the_normals() -> None:
    waves = foci(focused_lines(CONVEX, n_lines=128, focus_depth_m=0.05))
    for wave, position_m, normal in zip(
        waves, CONVEX.element_positions_m, CONVEX.element_normals, strict=True
    ):
        assert np.allclose(wave.focus_m, position_m + 0.05 * normal, atol=1e-12)


def test_lines_of_a_phased_array_fan_out_and_use_all_elements() -> None:
    waves = foci(focused_lines(PHASED, n_lines=3, focus_depth_m=0.05))
    assert [wave.aperture for wave in waves] == [None] * 3
    half = 0.05 / math.sqrt(2)
    assert np.allclose(
        [w.focus_m for w in waves], [[-half, 0, half], [0, 0, 0.05], [half, 0, half]]
    )


@pytest.mark.parametrize("probe", [LINEAR, PHASED, CONVEX], ids=lambda probe: probe.name)
def test_a_single_line_looks_straight_ahead(probe: Probe) -> None:
    (wave,) = foci(focused_lines(probe, n_lines=1, focus_depth_m=0.04, n_aperture=32))
    assert wave.focus_m == pytest.approx((0, 0, 0.04), abs=1e-5)


@pytest.mark.parametrize(
    "make",
    [
        lambda: plane_waves([]),
        lambda: plane_waves([90]),
        lambda: diverging_waves(PHASED, width_deg=0),
        lambda: diverging_waves(PHASED, width_deg=180),
        lambda: diverging_waves(PHASED, width_deg=math.nan),
        lambda: diverging_waves(PHASED, tilts_deg=[65], width_deg=60),
        lambda: diverging_waves(CONVEX),
        lambda: focused_lines(LINEAR, n_lines=0, focus_depth_m=0.03),
        lambda: focused_lines(LINEAR, focus_depth_m=0),
        lambda: focused_lines(LINEAR, focus_depth_m=math.nan),
        lambda: focused_lines(LINEAR, focus_depth_m=0.03, n_aperture=65),
        lambda: focused_lines(LINEAR, focus_depth_m=0.03, n_aperture=0),
        lambda: focused_lines(MATRIX, focus_depth_m=0.03, n_aperture=4),
        lambda: focused_lines(LINEAR, n_lines=10**9, focus_depth_m=0.03),
        lambda: single_elements([]),
        lambda: single_elements("x"),  # type: ignore[arg-type]
        lambda: single_elements([1.5]),  # type: ignore[list-item]
    ],
)
def test_what_cannot_be_sent_is_refused(make: Any) -> None:
    with pytest.raises(ArgumentError):
        make()
