from __future__ import annotations

from datetime import date

import pytest
from pydicom import Dataset

from usdk.dicom import Patient
from usdk.errors import ArgumentError


def test_unknown_attributes_are_present_and_empty():
    dataset = Dataset()
    Patient().add_to(dataset)
    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex"):
        assert keyword in dataset
        assert not dataset[keyword].value


def test_attributes_are_written():
    dataset = Dataset()
    Patient(
        patient_name="山田^太郎",
        patient_id="7",
        patient_birth_date=date(1970, 2, 3),
        patient_sex="O",
        issuer_of_patient_id="Klinik",
    ).add_to(dataset)
    assert str(dataset.PatientName) == "山田^太郎"
    assert dataset.PatientBirthDate == "19700203"
    assert dataset.PatientSex == "O"
    assert dataset.IssuerOfPatientID == "Klinik"


@pytest.mark.parametrize(
    ("values", "keyword"),
    [
        ({"patient_name": "secret\n"}, "PatientName"),
        ({"patient_name": "s" * 65}, "PatientName"),
        ({"patient_id": "secret" * 20}, "PatientID"),
        ({"patient_id": "a\\b"}, "PatientID"),
        ({"patient_sex": "secret"}, "PatientSex"),
        ({"patient_birth_date": "19700203"}, "PatientBirthDate"),
        ({"issuer_of_patient_id": "\x7f"}, "IssuerOfPatientID"),
    ],
)
def test_a_bad_value_is_named_and_not_quoted(values, keyword):
    with pytest.raises(ArgumentError, match=keyword) as caught:
        Patient(**values)
    assert next(iter(values.values())) not in str(caught.value)


def test_a_repr_says_nothing_about_the_patient():
    assert repr(Patient(patient_name="Secret^Name", patient_id="42")) == "Patient(…)"
