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


def strip(frame, study, **changes):
    """Return an object whose one region is a spectrum, with some attributes changed."""
    dataset = us_image(frame, study=study)
    (item,) = dataset.SequenceOfUltrasoundRegions
    item.RegionSpatialFormat, item.RegionDataType = 3, 3
    item.PhysicalUnitsXDirection, item.PhysicalUnitsYDirection = 4, 7
    item.PhysicalDeltaX, item.PhysicalDeltaY = 0.004, -2.0
    for keyword, value in changes.items():
        setattr(item, keyword, value)
    return dataset


def complaints(dataset):
    return [
        (finding.severity, finding.attribute.rpartition(".")[2]) for finding in check_dicom(dataset)
    ]


def test_a_spectrum_with_velocities_upwards_is_sound(frame, study):
    assert complaints(strip(frame, study)) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"PhysicalUnitsXDirection": 3}, ("warning", "PhysicalUnitsXDirection")),
        ({"PhysicalUnitsYDirection": 4}, ("warning", "PhysicalUnitsYDirection")),
        ({"PhysicalDeltaX": -0.004}, ("error", "PhysicalDeltaX")),
        ({"PhysicalDeltaX": 60.0}, ("error", "PhysicalDeltaX")),
        ({"PhysicalDeltaY": 5e3}, ("error", "PhysicalDeltaY")),
        ({"PhysicalDeltaY": 0.0}, ("error", "PhysicalDeltaY")),
        ({"RegionSpatialFormat": 4}, ("warning", "RegionDataType")),
        ({"SteeringAngle": 120.0}, ("error", "SteeringAngle")),
        ({"DopplerCorrectionAngle": math.nan}, ("error", "DopplerCorrectionAngle")),
        ({"TransducerFrequency": 0}, ("warning", "TransducerFrequency")),
        ({"PulseRepetitionFrequency": 2_000_000}, ("warning", "PulseRepetitionFrequency")),
    ],
)
def test_what_a_spectrum_cannot_be_is_told(frame, study, changes, expected):
    assert expected in complaints(strip(frame, study, **changes))


def test_an_m_mode_strip_runs_down_in_cm(frame, study):
    m_mode = {"RegionSpatialFormat": 2, "RegionDataType": 1, "PhysicalUnitsYDirection": 3}
    assert complaints(strip(frame, study, **m_mode, PhysicalDeltaY=0.02)) == []
    for delta, word in ((-0.02, "negative"), (3.0, "absurd")):
        (finding,) = check_dicom(strip(frame, study, **m_mode, PhysicalDeltaY=delta))
        assert (finding.severity, word in finding.message) == ("error", True)


def test_a_spectrum_without_a_baseline_is_a_warning(frame, study):
    dataset = strip(frame, study)
    (item,) = dataset.SequenceOfUltrasoundRegions
    del item.ReferencePixelX0, item.ReferencePixelY0
    assert complaints(dataset) == [("warning", "ReferencePixelY0")]


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("NumberOfTableEntries", 3),
        ("TableOfPixelValues", [1 << 24] * 128),
        ("TableOfParameterValues", [1.0]),
    ],
)
def test_a_table_of_colours_must_be_whole(in_colour, study, keyword, value):
    dataset = us_image(in_colour, study=study)
    assert check_dicom(dataset) == []
    setattr(dataset.SequenceOfUltrasoundRegions[1], keyword, value)
    assert any("Table" in attribute for _, attribute in complaints(dataset))


def test_a_sample_volume_lies_in_a_two_dimensional_picture(composed, study):
    dataset = us_image(composed, study=study)
    tissue, strip = (
        next(
            item
            for item in dataset.SequenceOfUltrasoundRegions
            if item.RegionSpatialFormat == spatial_format
        )
        for spatial_format in (1, 3)
    )
    assert "DopplerSampleVolumeXPosition" in tissue
    strip.DopplerSampleVolumeXPosition = 5
    found = [str(f) for f in check_dicom(dataset)]
    assert [text.split()[0] for text in found] == ["warning:", "warning:"]
    assert "DopplerSampleVolumeXPosition and YPosition are not both there" in found[0]
    assert "not two-dimensional" in found[1]
