from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from usdk.dicom import (
    depth_mm,
    read_region_pictures,
    readings_at,
    readings_between,
    velocity_cm_s,
)
from usdk.errors import ArgumentError
from usdk.export import write_dicom


@pytest.fixture
def pictures(composed, study, tmp_path):
    path = write_dicom(tmp_path / "x.dcm", [composed], signer=None, study=study)
    return read_region_pictures(path)


def values(readings):
    return {(reading.quantity, reading.unit): reading.value for reading in readings}


def middle(picture):
    region = picture.region
    return (region.min_x0 + region.max_x1) / 2, (region.min_y0 + region.max_y1) / 2


def test_every_picture_is_read_in_its_own_quantities(pictures):
    regions = [picture.region for picture in pictures]
    tissue, spectrum, m_mode = (
        next(p for p in pictures if p.region.spatial_format == spatial_format)
        for spatial_format in (1, 3, 2)
    )
    pixel = middle(tissue)
    found = values(readings_at(pictures, pixel))
    assert set(found) == {("x", "mm"), ("depth", "mm")}
    assert found["depth", "mm"] == pytest.approx(depth_mm(regions, pixel))
    pixel = middle(spectrum)
    found = values(readings_at(pictures, pixel))
    assert set(found) == {("time", "s"), ("velocity", "cm/s")}
    assert found["velocity", "cm/s"] == pytest.approx(velocity_cm_s(regions, pixel))
    assert set(values(readings_at(pictures, middle(m_mode)))) == {("time", "s"), ("depth", "mm")}


def test_between_two_pixels_is_what_their_picture_can_tell(pictures):
    tissue, spectrum = (
        next(p for p in pictures if p.region.spatial_format == spatial_format)
        for spatial_format in (1, 3)
    )
    x, y = middle(tissue)
    between = readings_between(pictures, (x, y), (x + 3, y + 4))
    assert list(between) == ["distance"]
    assert between["distance"][0] == pytest.approx(5 * tissue.region.delta_x * 10)
    x, y = middle(spectrum)
    assert list(readings_between(pictures, (x, y), (x + 3, y + 4))) == ["time", "acceleration"]
    assert readings_between(pictures, (x, y), middle(tissue)) == {}


def test_a_colour_tells_its_velocity_once(in_colour, study, tmp_path):
    path = write_dicom(tmp_path / "x.dcm", [in_colour], signer=None, study=study)
    pictures = read_region_pictures(path)
    row, column = 25, 33
    found = readings_at(pictures, (column, row))
    assert [reading.quantity for reading in found] == ["x", "depth", "flow velocity"]
    assert found[-1].value == pytest.approx(
        in_colour.overlay.velocity_m_s[row, column] * 100, abs=1e-4
    )
    grey = readings_at(pictures, (2, 2))
    assert [reading.quantity for reading in grey] == ["x", "depth"]


def test_without_a_reference_pixel_there_is_no_depth(pictures):
    first = pictures[0]
    bare = dataclasses.replace(
        first, region=dataclasses.replace(first.region, reference_x0=None, reference_y0=None)
    )
    assert readings_at([bare], middle(first)) == []
    assert "distance" in readings_between([bare], middle(first), (1, 1))


def test_outside_of_all_regions_is_nothing(pictures):
    assert readings_at(pictures, (1e6, 1e6)) == []
    with pytest.raises(ArgumentError, match="place"):
        readings_at(pictures, (np.nan, 1))
