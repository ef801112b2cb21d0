from __future__ import annotations

import math

import pytest
from pydicom import Dataset

from usdk.dicom import check_dicom, us_image


@pytest.fixture
def dataset(frame, study):
    return us_image(frame, study=study)


def errors(dataset):
    return [finding for finding in check_dicom(dataset) if finding.severity == "error"]


def change(dataset, **values):
    for keyword, value in values.items():
        setattr(dataset.SequenceOfUltrasoundRegions[0], keyword, value)
    return errors(dataset)


@pytest.mark.parametrize(
    ("values", "attribute"),
    [
        ({"RegionLocationMaxX1": 115}, "RegionLocationMaxX1"),
        ({"RegionLocationMaxY1": 61}, "RegionLocationMaxY1"),
        ({"RegionLocationMinX0": 50, "RegionLocationMaxX1": 49}, "RegionLocationMaxX1"),
        ({"RegionLocationMinY0": 61, "RegionLocationMaxY1": 60}, "RegionLocationMaxY1"),
        ({"PhysicalUnitsXDirection": 13}, "PhysicalUnitsXDirection"),
        ({"PhysicalUnitsYDirection": 255}, "PhysicalUnitsYDirection"),
        ({"RegionSpatialFormat": 6}, "RegionSpatialFormat"),
        ({"RegionDataType": 0x13}, "RegionDataType"),
        ({"PhysicalDeltaX": 0.0}, "PhysicalDeltaX"),
        ({"PhysicalDeltaY": -0.01}, "PhysicalDeltaY"),
        ({"PhysicalDeltaX": math.nan}, "PhysicalDeltaX"),
        ({"PhysicalDeltaY": math.inf}, "PhysicalDeltaY"),
        ({"PhysicalDeltaX": 3.0}, "PhysicalDeltaX"),
        ({"PhysicalDeltaX": 1e-9}, "PhysicalDeltaX"),
        ({"ReferencePixelPhysicalValueX": math.nan}, "ReferencePixelPhysicalValueX"),
    ],
)
def test_one_fault_in_a_region_is_one_error_at_its_attribute(dataset, values, attribute):
    (finding,) = change(dataset, **values)
    assert finding.attribute == f"SequenceOfUltrasoundRegions[0].{attribute}"


def test_a_spectrum_may_run_against_the_rows(dataset):
    spectrum = {
        "RegionSpatialFormat": 3,
        "RegionDataType": 3,
        "PhysicalUnitsXDirection": 4,
        "PhysicalUnitsYDirection": 7,
        "PhysicalDeltaY": -0.5,
    }
    assert change(dataset, **spectrum) == []


def test_an_axis_without_a_unit_may_have_no_step(dataset):
    bar = {"RegionSpatialFormat": 0, "RegionDataType": 13}
    units = {"PhysicalUnitsXDirection": 0, "PhysicalUnitsYDirection": 0}
    assert change(dataset, **bar, **units, PhysicalDeltaX=0.0, PhysicalDeltaY=0.0) == []


def test_an_empty_sequence_is_an_error(dataset):
    dataset.SequenceOfUltrasoundRegions = []
    (finding,) = errors(dataset)
    assert "empty" in finding.message


def test_an_item_without_its_attributes_is_an_error(dataset):
    dataset.SequenceOfUltrasoundRegions.append(Dataset())
    (finding,) = errors(dataset)
    assert finding.attribute == "SequenceOfUltrasoundRegions[1]"
