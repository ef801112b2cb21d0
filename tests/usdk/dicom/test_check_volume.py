from __future__ import annotations

import pytest

from usdk.dicom import check_dicom, enhanced_us_volume


@pytest.fixture
def dataset(make_volume, heart, settings):
    return enhanced_us_volume(make_volume(), study=heart, settings=settings)


def errors(dataset):
    return [f.attribute for f in check_dicom(dataset) if f.severity == "error"]


def test_a_volume_of_ours_is_sound(dataset):
    assert check_dicom(dataset, decode=True) == []


def test_each_plane_needs_its_item(dataset):
    del dataset.PerFrameFunctionalGroupsSequence[-1]
    assert errors(dataset) == ["PerFrameFunctionalGroupsSequence"]


@pytest.mark.parametrize(
    "keyword", ["SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"]
)
def test_the_groups_must_be_there(dataset, keyword):
    delattr(dataset, keyword)
    assert errors(dataset) == [keyword]
