"""Patient and study for an export: a JSON file of DICOM keywords, and options that go before it.

Other users of a machine can read a running program's options, which is why the file is better.
No message here ever holds a value.
"""

from __future__ import annotations

import argparse
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from usdk.cli.keyword_file import read_keywords
from usdk.errors import ArgumentError

if TYPE_CHECKING:
    from usdk.dicom import Study

__all__ = ["add_study_arguments", "study_from"]

_PATIENT = {
    "PatientName": "patient_name",
    "PatientID": "patient_id",
    "PatientBirthDate": "patient_birth_date",
    "PatientSex": "patient_sex",
    "IssuerOfPatientID": "issuer_of_patient_id",
}
_STUDY = {
    "StudyInstanceUID": "study_instance_uid",
    "StudyDateTime": "study_datetime",
    "StudyID": "study_id",
    "AccessionNumber": "accession_number",
    "ReferringPhysicianName": "referring_physician_name",
    "StudyDescription": "study_description",
}
_SERIES = {
    "SeriesInstanceUID": "series_instance_uid",
    "SeriesNumber": "series_number",
    "SeriesDescription": "series_description",
    "ProtocolName": "protocol_name",
    "BodyPartExamined": "body_part_examined",
    "ImageLaterality": "image_laterality",
}
_KNOWN = {*_PATIENT, *_STUDY, *_SERIES}
_OPTIONS = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyInstanceUID",
    "StudyID",
    "StudyDescription",
    "AccessionNumber",
    "SeriesDescription",
)


def add_study_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--study`` and an option for each attribute that is often set by hand."""
    group = parser.add_argument_group(
        "patient and study",
        "Other users of this machine can read a program's options: prefer --study with a file "
        "that\nonly you can read. Without any, the object is marked as a demonstration, of no "
        "patient.",
    )
    group.add_argument(
        "--study",
        type=Path,
        metavar="FILE",
        help="JSON object with the DICOM keywords "
        + ", ".join((*_PATIENT, *_STUDY, *_SERIES))
        + " (dates as in DICOM: 19700131; StudyDateTime as in ISO 8601)",
    )
    for keyword in _OPTIONS:
        group.add_argument(_option(keyword), dest=keyword, metavar="TEXT", help=keyword)


def study_from(arguments: argparse.Namespace) -> Study | None:
    """Return the study that the options describe, or None if they say nothing of one."""
    values: dict[str, Any] = {}
    if arguments.study is not None:
        values = read_keywords(arguments.study, "study file", _KNOWN)
    for keyword in _OPTIONS:
        if (value := getattr(arguments, keyword)) is not None:
            values[keyword] = value
    return _study(values) if values else None


def _study(values: dict[str, Any]) -> Study:
    from usdk.dicom import Patient, Series, Study

    for keyword, value in values.items():
        expected = int if keyword == "SeriesNumber" else str
        if not isinstance(value, expected) or isinstance(value, bool):
            raise ArgumentError(f"{keyword} must be {'a number' if expected is int else 'text'}")
    if "PatientBirthDate" in values:
        values["PatientBirthDate"] = _birth_date(values["PatientBirthDate"])
    if "StudyDateTime" in values:
        values["StudyDateTime"] = _moment(values["StudyDateTime"])
    return Study(
        patient=Patient(**_named(values, _PATIENT)),
        series=Series(**_named(values, _SERIES)),
        **_named(values, _STUDY),
    )


def _named(values: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {name: values[keyword] for keyword, name in names.items() if keyword in values}


def _birth_date(text: str) -> date | None:
    if not text:
        return None
    try:
        if len(text) != 8 or not text.isascii() or not text.isdecimal():
            raise ValueError
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        raise ArgumentError("PatientBirthDate must be a day written as in 19700131") from None


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentError(
            "StudyDateTime must be written as in 2026-01-31T14:05:00+01:00"
        ) from None


def _option(keyword: str) -> str:
    words = ""
    for before, letter in zip(" " + keyword, keyword, strict=False):
        words += f"-{letter}" if letter.isupper() and before.islower() else letter
    return "--" + words.lower()
