from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from usdk.dicom import (
    acceleration_cm_s2,
    area_mm2,
    depth_mm,
    distance_mm,
    read_regions,
    time_s,
    us_image,
    velocity_cm_s,
)
from usdk.errors import ArgumentError


@pytest.fixture
def regions(composed, study):
    return read_regions(us_image(composed, study=study))


def test_distances_are_those_of_the_frame(regions, frame):
    start, end = (3.0, 5.0), (93.5, 43.25)
    x0_m, z0_m = frame.position_m(start[1], start[0])
    x1_m, z1_m = frame.position_m(end[1], end[0])
    expected_mm = 1e3 * math.hypot(x1_m - x0_m, z1_m - z0_m)
    assert distance_mm(regions, start, end) == pytest.approx(expected_mm)


def test_pixels_that_are_not_square_count_each_by_its_own_step(regions):
    tissue = dataclasses.replace(regions[0], delta_x=0.03, delta_y=0.04)
    assert distance_mm([tissue], (10, 10), (20, 20)) == pytest.approx(5.0)
    assert area_mm2([tissue], [(10, 10), (20, 10), (20, 20), (10, 20)]) == pytest.approx(12.0)


def test_the_area_of_a_circle_is_that_of_geometry(regions):
    turns = np.linspace(0, 2 * np.pi, 2000, endpoint=False)
    outline = [(50 + 20 * math.cos(t), 30 + 20 * math.sin(t)) for t in turns]
    radius_mm = 20 * 0.2
    assert area_mm2(regions, outline) == pytest.approx(math.pi * radius_mm**2, rel=1e-5)
    assert area_mm2(regions, outline[::-1]) == pytest.approx(area_mm2(regions, outline))


def test_depths_count_from_the_array(regions, frame, m_mode):
    assert depth_mm(regions, (0, 10)) == pytest.approx(frame.position_m(10, 0)[1] * 1e3)
    motion = regions[2]
    pixel = (motion.min_x0 + 4, motion.min_y0 + 20)
    assert depth_mm(regions, pixel) == pytest.approx(m_mode.depth_m(20) * 1e3)


def test_velocities_are_those_of_the_spectrum(regions, spectral):
    strip = regions[1]
    for row in (0, 20.5, 63):
        pixel = (strip.min_x0 + 3, strip.min_y0 + row)
        assert velocity_cm_s(regions, pixel) == pytest.approx(spectral.velocity_m_s(row) * 100)


def test_times_and_accelerations_are_those_of_the_spectrum(regions, spectral):
    strip = regions[1]
    start = (strip.min_x0 + 10, strip.min_y0 + 40)
    end = (strip.min_x0 + 35, strip.min_y0 + 10)
    assert time_s(regions, start, end) == pytest.approx(25 * 0.004)
    assert time_s(regions, end, start) == pytest.approx(-25 * 0.004)
    rise_cm_s = (spectral.velocity_m_s(10) - spectral.velocity_m_s(40)) * 100
    assert acceleration_cm_s2(regions, start, end) == pytest.approx(rise_cm_s / 0.1)


def test_times_of_m_mode_count_too(regions):
    motion = regions[2]
    start, end = ((motion.min_x0 + n, motion.min_y0) for n in (0, 50))
    assert time_s(regions, start, end) == pytest.approx(0.5)


def test_nothing_is_measured_from_one_picture_into_another(regions):
    tissue, strip, _ = regions
    inside, outside = (5, 5), (strip.min_x0 + 5, strip.min_y0 + 5)
    for measure in (distance_mm, time_s, acceleration_cm_s2):
        with pytest.raises(ArgumentError):
            measure(regions, inside, outside)
    beside = tissue.moved(200, 0)
    with pytest.raises(ArgumentError, match="different regions"):
        distance_mm([tissue, beside], (5, 5), (205, 5))


@pytest.mark.parametrize(
    ("measure", "pixels"),
    [
        (distance_mm, ((0, 0), (500, 0))),
        (distance_mm, ((20, 70), (30, 70))),  # Of the spectrum.
        (velocity_cm_s, ((5, 5),)),
        (depth_mm, ((30, 70),)),
        (time_s, ((0, 0), (5, 0))),
        (distance_mm, ((0, 0), (math.nan, 0))),
        (distance_mm, ((0, 0), 7)),
        (velocity_cm_s, ((-1, -1),)),
    ],
)
def test_what_is_not_calibrated_is_not_measured(regions, measure, pixels):
    with pytest.raises(ArgumentError):
        measure(regions, *pixels)


@pytest.mark.parametrize("changes", [{"delta_y": 0.0}, {"delta_y": math.nan}, {"units_x": 0}])
def test_a_region_without_a_scale_measures_nothing(regions, changes):
    with pytest.raises(ArgumentError):
        distance_mm([dataclasses.replace(regions[0], **changes)], (1, 1), (2, 2))


def test_a_spectrum_without_baseline_tells_no_velocity(regions):
    strip = dataclasses.replace(regions[1], reference_y0=None)
    with pytest.raises(ArgumentError, match="reference pixel"):
        velocity_cm_s([strip], (strip.min_x0, strip.min_y0))


@pytest.mark.parametrize("outline", [[], [(1, 1), (2, 2)], [(1, 1), (2, 2), (900, 3)]])
def test_an_outline_has_corners_inside(regions, outline):
    with pytest.raises(ArgumentError):
        area_mm2(regions, outline)


def test_two_velocities_at_one_time_are_no_acceleration(regions):
    strip = regions[1]
    at_once = [(strip.min_x0, strip.min_y0 + row) for row in (1, 9)]
    with pytest.raises(ArgumentError, match="one time"):
        acceleration_cm_s2(regions, *at_once)


def test_the_colour_box_measures_as_the_picture_below_it(in_colour, study):
    regions = read_regions(us_image(in_colour, study=study))
    ends = (25, 15), (55, 35)
    expected_mm = 0.2 * math.hypot(30, 20)
    assert distance_mm(regions, *ends) == pytest.approx(expected_mm)
    assert distance_mm(regions, (1, 1), (55, 35)) == pytest.approx(0.2 * math.hypot(54, 34))
