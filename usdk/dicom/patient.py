"""Patient: who was examined."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from usdk.dicom.pydicom_extra import Dataset
from usdk.dicom.text import check_text
from usdk.dicom.times import da
from usdk.errors import ArgumentError

__all__ = ["Patient"]

_SEXES = ("", "M", "F", "O")


@dataclass(frozen=True, kw_only=True, repr=False)
class Patient:
    """Who was examined (PS3.3 C.7.1.1); empty text and None mean unknown.

    Parameters
    ----------
    patient_name : str
        ``family^given^middle^prefix^suffix``; up to three groups joined by ``=`` give the name
        in Latin letters, in ideographs and in phonetic signs: ``Wang^XiaoDong=王^小东``.
    patient_id : str
        Identifier at the institution.
    patient_birth_date : datetime.date, optional
        Day of birth.
    patient_sex : str
        ``M``, ``F``, ``O`` (other) or empty.
    issuer_of_patient_id : str
        Who gave the identifier.

    Raises
    ------
    ArgumentError
        A value cannot be written; the message names the attribute and never the value.
    """

    patient_name: str = ""
    patient_id: str = ""
    patient_birth_date: date | None = None
    patient_sex: Literal["", "M", "F", "O"] = ""
    issuer_of_patient_id: str = ""

    def __post_init__(self) -> None:
        check_text(self.patient_name, "PN", "PatientName")
        check_text(self.patient_id, "LO", "PatientID")
        check_text(self.issuer_of_patient_id, "LO", "IssuerOfPatientID")
        if self.patient_sex not in _SEXES:
            raise ArgumentError("PatientSex must be M, F, O or empty")
        if not isinstance(self.patient_birth_date, date | None):
            raise ArgumentError("PatientBirthDate must be a datetime.date or None")

    def __repr__(self) -> str:
        return "Patient(…)"  # A repr reaches logs and tracebacks; a patient must not.

    def add_to(self, dataset: Dataset) -> None:
        """Write the Patient module."""
        dataset.PatientName = self.patient_name
        dataset.PatientID = self.patient_id
        birth = self.patient_birth_date
        dataset.PatientBirthDate = "" if birth is None else da(birth)
        dataset.PatientSex = self.patient_sex
        if self.issuer_of_patient_id:
            dataset.IssuerOfPatientID = self.issuer_of_patient_id
