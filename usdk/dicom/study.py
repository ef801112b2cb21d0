"""Study: one examination of one patient."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime

from usdk.dicom.patient import Patient
from usdk.dicom.pydicom_extra import Dataset, generate_uid
from usdk.dicom.series import Series
from usdk.dicom.text import check_text
from usdk.dicom.times import aware, da, offset_text, tm
from usdk.errors import ArgumentError

__all__ = ["Study", "demonstration_study"]


@dataclass(frozen=True, kw_only=True, repr=False)
class Study:
    """One examination of one patient (PS3.3 C.7.2.1).

    Make one per examination and hand it to every export: images of one `Study` share their
    study and series. ``dataclasses.replace(study, series=Series(…))`` begins a new series.

    Parameters
    ----------
    patient : Patient
        Who was examined.
    series : Series
        Where images go.
    study_instance_uid : str
        A new one when absent; with a worklist, the one that it gives.
    study_datetime : datetime
        Start of the examination; now when absent. A naive one is local time. Its offset from
        UTC becomes that of every date and time in the object.
    study_id, accession_number, referring_physician_name, study_description : str
        Empty when unknown.
    """

    patient: Patient = field(default_factory=Patient)
    series: Series = field(default_factory=Series)
    study_instance_uid: str = field(default_factory=lambda: str(generate_uid(prefix=None)))
    study_datetime: datetime = field(default_factory=lambda: datetime.now().astimezone())
    study_id: str = ""
    accession_number: str = ""
    referring_physician_name: str = ""
    study_description: str = ""

    def __post_init__(self) -> None:
        check_text(self.study_instance_uid, "UI", "StudyInstanceUID")
        check_text(self.study_id, "SH", "StudyID")
        check_text(self.accession_number, "SH", "AccessionNumber")
        check_text(self.referring_physician_name, "PN", "ReferringPhysicianName")
        check_text(self.study_description, "LO", "StudyDescription")
        if not self.study_instance_uid:
            raise ArgumentError("StudyInstanceUID must not be empty")
        object.__setattr__(self, "study_datetime", aware(self.study_datetime, "study_datetime"))

    def __repr__(self) -> str:
        return "Study(…)"  # A repr reaches logs and tracebacks; a patient must not.

    def add_to(self, dataset: Dataset) -> None:
        """Write the Patient, General Study and General Series modules."""
        self.patient.add_to(dataset)
        dataset.StudyInstanceUID = self.study_instance_uid
        dataset.StudyDate = da(self.study_datetime)
        dataset.StudyTime = tm(self.study_datetime)
        dataset.TimezoneOffsetFromUTC = offset_text(self.study_datetime)
        dataset.StudyID = self.study_id
        dataset.AccessionNumber = self.accession_number
        dataset.ReferringPhysicianName = self.referring_physician_name
        if self.study_description:
            dataset.StudyDescription = self.study_description
        self.series.add_to(dataset)


def demonstration_study() -> Study:
    """Return a new study that says, wherever a person looks, that it is of no patient."""
    return Study(
        patient=Patient(
            patient_name="DEMONSTRATION^NOT A PATIENT",
            patient_id=f"DEMONSTRATION-{secrets.token_hex(8).upper()}",
        ),
        series=Series(series_description="DEMONSTRATION, NOT A PATIENT"),
        study_description="DEMONSTRATION, NOT A PATIENT",
    )
