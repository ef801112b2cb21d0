from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset

from usdk.dicom import Region, read_regions
from usdk.errors import ArgumentError, DataDamagedError
from usdk.scan import Raster


def of(raster, **options):
    return Region.of_raster(raster, **({"transmit_frequency_hz": 5e6} | options))


def raster(**changes):
    values = {"x_m": -0.01, "z_m": 0.002, "pixel_size_m": 1e-4, "n_rows": 30, "n_columns": 20}
    return Raster(**(values | changes))


def physical_cm(region, column, row):
    """Coordinates of a pixel as PS3.3 C.8.5.5 defines them."""
    x = (region.reference_value_x or 0) + (
        column - region.min_x0 - region.reference_x0
    ) * region.delta_x
    y = (region.reference_value_y or 0) + (
        row - region.min_y0 - region.reference_y0
    ) * region.delta_y
    return x, y


def test_the_region_is_the_entire_image():
    region = of(raster())
    assert (region.min_x0, region.min_y0, region.max_x1, region.max_y1) == (0, 0, 19, 29)
    assert region.is_tissue_in_cm


@given(
    st.floats(-0.2, 0.2),
    st.floats(-0.05, 0.3),
    st.floats(1e-6, 2e-3),
    st.integers(0, 19),
    st.integers(0, 29),
)
def test_every_pixel_has_its_place_from_the_array(x_m, z_m, pixel_size_m, column, row):
    region = of(raster(x_m=x_m, z_m=z_m, pixel_size_m=pixel_size_m))
    x_cm, z_cm = physical_cm(region, column, row)
    assert x_cm == pytest.approx((x_m + column * pixel_size_m) * 100, abs=1e-9)
    assert z_cm == pytest.approx((z_m + row * pixel_size_m) * 100, abs=1e-9)


@given(st.floats(-0.2, 0.2), st.floats(-0.05, 0.3), st.floats(1e-6, 2e-3))
def test_a_reader_without_reference_values_finds_depth_zero_to_half_a_pixel(x_m, z_m, size_m):
    region = of(raster(x_m=x_m, z_m=z_m, pixel_size_m=size_m))
    assert abs(x_m + region.reference_x0 * size_m) <= size_m / 2 * (1 + 1e-6)
    assert abs(z_m + region.reference_y0 * size_m) <= size_m / 2 * (1 + 1e-6)


def test_frequencies_are_in_khz_and_hz():
    region = of(raster(), transmit_frequency_hz=7.6e6, prf_hz=4999.7)
    assert region.transducer_frequency_khz == 7600
    assert region.pulse_repetition_frequency_hz == 5000


@pytest.mark.parametrize("frequency_hz", [math.nan, 0.0, -1.0, math.inf, 1e18])
def test_a_frequency_that_says_nothing_is_left_out(frequency_hz):
    region = of(raster(), transmit_frequency_hz=frequency_hz, prf_hz=frequency_hz)
    assert region.transducer_frequency_khz is None
    assert region.pulse_repetition_frequency_hz is None


@pytest.mark.parametrize(
    "changes",
    [
        {"pixel_size_m": math.nan},
        {"pixel_size_m": 0.0},
        {"pixel_size_m": -1e-4},
        {"pixel_size_m": math.inf},
        {"x_m": math.nan},
        {"z_m": math.inf},
        {"n_rows": 65536},
        {"n_columns": 0},
        {"z_m": 1e9, "pixel_size_m": 1e-9},
    ],
)
def test_a_raster_that_is_no_place_is_refused(changes):
    with pytest.raises(ArgumentError):
        of(raster(**changes))


def test_an_item_gives_the_region_back():
    region = of(raster(), prf_hz=4000)
    assert Region.from_item(region.to_item()) == region


def test_an_item_without_a_delta_is_damaged():
    item = of(raster()).to_item()
    del item.PhysicalDeltaX
    with pytest.raises(DataDamagedError, match="PhysicalDeltaX"):
        Region.from_item(item)


def test_an_item_with_two_values_is_damaged():
    item = of(raster()).to_item()
    item.PhysicalDeltaX = [1.0, 2.0]
    with pytest.raises(DataDamagedError, match="PhysicalDeltaX"):
        Region.from_item(item)


def test_an_image_without_regions_has_none():
    assert read_regions(Dataset()) == []


def test_too_many_regions_are_refused():
    dataset = Dataset()
    dataset.SequenceOfUltrasoundRegions = [Dataset() for _ in range(1001)]
    with pytest.raises(DataDamagedError, match="1000"):
        read_regions(dataset)
