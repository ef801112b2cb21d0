from __future__ import annotations

import dataclasses

import pytest
from pydicom import Dataset

from usdk.dicom import Code, Series, us_image
from usdk.errors import ArgumentError


def written(series):
    dataset = Dataset()
    series.add_to(dataset)
    return dataset


def test_each_series_has_a_uid_of_its_own():
    assert Series().series_instance_uid != Series().series_instance_uid


def test_an_unknown_side_is_said_to_be_unknown():
    dataset = written(Series())
    assert dataset.Laterality == ""
    assert "ImageLaterality" not in dataset


def test_a_known_side_and_region_are_written():
    liver = Code(value="10200004", scheme="SCT", meaning="Liver")
    dataset = written(
        Series(image_laterality="U", anatomic_region=liver, body_part_examined="LIVER")
    )
    assert dataset.ImageLaterality == "U"
    assert "Laterality" not in dataset
    assert dataset.BodyPartExamined == "LIVER"
    assert dataset.AnatomicRegionSequence[0].CodeMeaning == "Liver"


@pytest.mark.parametrize(
    ("values", "keyword"),
    [
        ({"series_instance_uid": ""}, "SeriesInstanceUID"),
        ({"series_instance_uid": "2.25." + "1" * 60}, "SeriesInstanceUID"),
        ({"series_number": -1}, "SeriesNumber"),
        ({"series_number": 2**31}, "SeriesNumber"),
        ({"series_number": 1.5}, "SeriesNumber"),
        ({"body_part_examined": "liver"}, "BodyPartExamined"),
        ({"examination": "a"}, "ImageType"),
        ({"image_laterality": "X"}, "ImageLaterality"),
    ],
)
def test_a_bad_value_is_refused_by_name(values, keyword):
    with pytest.raises(ArgumentError, match=keyword):
        Series(**values)


def test_a_code_needs_all_its_parts():
    with pytest.raises(ArgumentError, match="CodeMeaning"):
        Code(value="1", scheme="SCT", meaning="")


@pytest.mark.parametrize(
    ("values", "laterality"),
    [
        ({"body_part_examined": "HEART"}, "U"),
        ({"anatomic_region": Code(value="10200004", scheme="SCT", meaning="Liver")}, "U"),
        ({"anatomic_region": Code(value="64033007", scheme="SCT", meaning="Kidney")}, None),
        ({"body_part_examined": "KIDNEY"}, None),
        ({"body_part_examined": "HEART", "image_laterality": "L"}, "L"),
    ],
)
def test_a_part_that_exists_once_has_no_side(
    frame, study, values, laterality, tmp_path, require_conformant
):
    dataset = us_image(frame, study=dataclasses.replace(study, series=Series(**values)))
    dataset.save_as(tmp_path / "image.dcm", enforce_file_format=True)
    require_conformant(tmp_path / "image.dcm")
    assert dataset.get("ImageLaterality") == laterality
    assert ("Laterality" in dataset) is (laterality is None)
