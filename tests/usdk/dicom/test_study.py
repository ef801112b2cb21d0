from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from pydicom import Dataset

from usdk.dicom import Study, demonstration_study
from usdk.errors import ArgumentError


def test_date_time_and_offset_agree():
    zone = timezone(timedelta(hours=-5))
    dataset = Dataset()
    Study(study_datetime=datetime(2025, 12, 31, 23, 59, 58, tzinfo=zone)).add_to(dataset)
    assert dataset.StudyDate == "20251231"
    assert dataset.StudyTime == "235958.000000"
    assert dataset.TimezoneOffsetFromUTC == "-0500"


def test_two_studies_are_two_studies():
    assert Study().study_instance_uid != Study().study_instance_uid


def test_a_demonstration_says_so_wherever_a_person_looks():
    dataset = Dataset()
    demonstration_study().add_to(dataset)
    assert str(dataset.PatientName) == "DEMONSTRATION^NOT A PATIENT"
    assert dataset.PatientID.startswith("DEMONSTRATION-")
    assert "NOT A PATIENT" in dataset.StudyDescription
    assert "NOT A PATIENT" in dataset.SeriesDescription


def test_two_demonstrations_have_two_patients():
    first, second = demonstration_study(), demonstration_study()
    assert first.patient.patient_id != second.patient.patient_id


@pytest.mark.parametrize(
    ("values", "keyword"),
    [
        ({"study_instance_uid": ""}, "StudyInstanceUID"),
        ({"study_instance_uid": "not a uid"}, "StudyInstanceUID"),
        ({"study_id": "1" * 17}, "StudyID"),
        ({"accession_number": "1" * 17}, "AccessionNumber"),
        ({"referring_physician_name": "a\tb"}, "ReferringPhysicianName"),
        ({"study_description": "d" * 65}, "StudyDescription"),
        ({"study_datetime": "today"}, "study_datetime"),
    ],
)
def test_a_bad_value_is_refused_by_name(values, keyword):
    with pytest.raises(ArgumentError, match=keyword):
        Study(**values)


def test_a_repr_says_nothing_about_the_patient(study):
    assert repr(study) == "Study(…)"
