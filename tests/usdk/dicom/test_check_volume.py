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


def test_planes_lie_as_far_apart_as_is_said(dataset):
    shared = dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    shared.SpacingBetweenSlices = float(shared.SpacingBetweenSlices) * 1.02
    assert errors(dataset) == ["PerFrameFunctionalGroupsSequence.ImagePositionVolume"]


@pytest.mark.parametrize("spacing", [0, -1])
def test_a_spacing_is_positive(dataset, spacing):
    dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[
        0
    ].SpacingBetweenSlices = spacing
    (attribute,) = errors(dataset)
    assert attribute.endswith("SpacingBetweenSlices")


def test_a_plane_out_of_its_place_is_told(dataset):
    frames = dataset.PerFrameFunctionalGroupsSequence
    one, other = frames[1].PlanePositionVolumeSequence, frames[2].PlanePositionVolumeSequence
    frames[1].PlanePositionVolumeSequence, frames[2].PlanePositionVolumeSequence = other, one
    assert errors(dataset) == ["PerFrameFunctionalGroupsSequence.ImagePositionVolume"]


def test_a_cine_of_volumes_is_sound(make_volume, heart, settings):
    volumes = [make_volume(index) for index in range(2)]
    dataset = enhanced_us_volume(volumes, study=heart, settings=settings)
    assert check_dicom(dataset) == []


def test_a_volume_has_three_dimensions(dataset):
    del dataset.DimensionIndexSequence[2]
    assert errors(dataset) == [
        "DimensionIndexSequence",
        "PerFrameFunctionalGroupsSequence[0].FrameContentSequence[0].DimensionIndexValues",
    ]
    del dataset.DimensionIndexSequence
    assert errors(dataset) == ["DimensionIndexSequence"]


def test_lines_from_an_apex_have_one(dataset):
    dataset.UltrasoundAcquisitionGeometry = "APEX"
    if "ApexPosition" in dataset:
        del dataset.ApexPosition
    assert errors(dataset) == ["ApexPosition"]


def test_planes_that_cannot_be_read_are_no_traceback(dataset):
    frame = dataset.PerFrameFunctionalGroupsSequence[1]
    frame.PlanePositionVolumeSequence[0].ImagePositionVolume = [1.0, 2.0]
    frame.FrameContentSequence = []
    assert "DimensionIndexValues" in errors(dataset)[0]
