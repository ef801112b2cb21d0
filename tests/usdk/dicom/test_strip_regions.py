from __future__ import annotations

import dataclasses
import math

import pytest

from usdk.dicom import RegionDataType, SpatialFormat, Unit
from usdk.dicom.strip_regions import m_mode_region, spectral_region
from usdk.errors import ArgumentError


def test_velocities_and_times_of_a_spectrum_are_those_of_the_region(spectral):
    region = spectral_region(spectral)
    assert (region.spatial_format, region.data_type) == (3, 3)
    assert (region.units_x, region.units_y) == (Unit.SECONDS, Unit.CM_PER_S)
    for row in (0, 17, 63):
        assert region.value_y(row) == pytest.approx(spectral.velocity_m_s(row) * 100)
    # Velocities towards the probe point up, so that the step down is negative.
    assert region.delta_y == pytest.approx(-2.0)
    captured_s = spectral.start_s + spectral.pixels.shape[1] * spectral.column_s
    for column in (0, 40, 90):
        assert region.value_x(column) == pytest.approx(spectral.time_s(column) - captured_s)


def test_the_reference_pixel_lies_on_the_baseline_at_the_moment_of_capture(spectral):
    region = spectral_region(spectral)
    assert abs(region.reference_value_y) <= abs(region.delta_y) * 0.5001
    assert region.reference_x0 == region.max_x1
    assert region.reference_y0 == round(spectral.baseline_row)


def test_a_spectrum_tells_frequency_prf_and_angle(spectral):
    region = spectral_region(spectral)
    assert region.transducer_frequency_khz == 5000
    assert region.pulse_repetition_frequency_hz == 4000
    assert region.doppler_correction_angle_deg == pytest.approx(60)


def test_continuous_waves_have_no_prf(spectral):
    region = spectral_region(spectral, is_continuous_wave=True)
    assert region.data_type == RegionDataType.CW_SPECTRAL
    assert region.pulse_repetition_frequency_hz is None


def test_an_inverted_spectrum_has_a_positive_step(spectral):
    inverted = dataclasses.replace(spectral, first_velocity_m_s=-0.4, row_m_s=0.02)
    region = spectral_region(inverted)
    assert region.delta_y == pytest.approx(2.0)
    assert region.value_y(0) == pytest.approx(-40.0)


def test_depths_of_m_mode_are_those_of_the_region(m_mode):
    region = m_mode_region(m_mode)
    assert (region.spatial_format, region.data_type) == (SpatialFormat.M_MODE, 1)
    assert (region.units_x, region.units_y) == (Unit.SECONDS, Unit.CM)
    for row in (0, 33, 69):
        assert region.value_y(row) == pytest.approx(m_mode.depth_m(row) * 100)
    assert region.delta_x == m_mode.column_s


@pytest.mark.parametrize("changes", [{"row_m_s": 0.0}, {"row_m_s": math.nan}, {"column_s": 0.0}])
def test_a_scale_that_is_none_is_refused(spectral, changes):
    with pytest.raises(ArgumentError, match="finite"):
        spectral_region(dataclasses.replace(spectral, **changes))
