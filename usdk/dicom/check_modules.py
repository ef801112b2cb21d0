"""Check that the attributes are there which every ultrasound image must have (Type 2)."""

from __future__ import annotations

from collections.abc import Iterator

from usdk.dicom.findings import Finding
from usdk.dicom.pydicom_extra import Dataset

__all__ = ["NEEDED", "check_modules"]

NEEDED = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
    "StudyID",
    "AccessionNumber",
    "SeriesNumber",
    "Manufacturer",
    "InstanceNumber",
)
"""Of Type 2: they may be empty, but a reader may count on them."""


def check_modules(dataset: Dataset) -> Iterator[Finding]:
    """Yield what is absent."""
    for keyword in NEEDED:
        if keyword not in dataset:
            yield Finding("error", keyword, "is absent: it may be empty, not left out")
