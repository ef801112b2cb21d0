from __future__ import annotations

import pytest

from usdk.dicom import check_dicom, us_multiframe


@pytest.fixture
def even(cine, study):
    return us_multiframe(cine, study=study)


@pytest.fixture
def uneven(make_frame, study):
    return us_multiframe([make_frame(n) for n in (0, 1, 5, 6)], study=study)


def errors(dataset):
    return [f.attribute for f in check_dicom(dataset) if f.severity == "error"]


@pytest.mark.parametrize(
    ("values", "attribute"),
    [
        ({"FrameTime": "-33.3"}, "FrameTime"),
        ({"FrameTime": "0"}, "FrameTime"),
        ({"CineRate": 60}, "CineRate"),
        ({"CineRate": 0}, "CineRate"),
        ({"StartTrim": 0}, "StartTrim"),
        ({"StopTrim": 6}, "StopTrim"),
        ({"FrameIncrementPointer": 0x00181065}, "FrameIncrementPointer"),
        ({"FrameIncrementPointer": [0x00181063, 0x00540010]}, "FrameIncrementPointer"),
    ],
)
def test_one_fault_in_even_frames_is_one_error(even, values, attribute):
    for keyword, value in values.items():
        setattr(even, keyword, value)
    assert errors(even) == [attribute]


@pytest.mark.parametrize(
    "vector", [["0", "33"], ["0", "33", "-1", "33"], ["5", "33", "33", "33"], ["0", "0", "9", "9"]]
)
def test_a_wrong_vector_is_an_error(uneven, vector):
    uneven.FrameTimeVector = vector
    assert "FrameTimeVector" in errors(uneven)


def test_a_rate_that_contradicts_the_vector_is_an_error(uneven):
    uneven.CineRate = 30
    assert errors(uneven) == ["CineRate"]


def test_slow_motion_may_be_recommended(even):
    even.RecommendedDisplayFrameRate = 5
    assert errors(even) == []


@pytest.mark.parametrize("absent", ["FrameIncrementPointer", "FrameTime"])
def test_a_cine_needs_its_pointer_and_what_it_points_at(even, absent):
    delattr(even, absent)
    assert errors(even) == ["FrameIncrementPointer"]


def test_a_cine_needs_its_number_of_frames(even):
    del even.NumberOfFrames
    assert "NumberOfFrames" in errors(even)


def test_half_of_rate_and_time_is_rounded_away(make_frame, study):
    frames = [make_frame(n, device_timestamp_s=n / 2.5) for n in range(4)]
    assert errors(us_multiframe(frames, study=study)) == []
