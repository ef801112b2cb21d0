"""Studies from a file: JSON that is refused by type, or a study that can be written."""

from __future__ import annotations

import io
import json

from pydicom import Dataset
from scratch_file import scratch_file

from usdk.cli.keyword_file import read_keywords
from usdk.cli.study_options import _KNOWN, _study
from usdk.errors import ArgumentError, DataDamagedError


def seeds() -> list[bytes]:
    """Return what is known of an examination: all that has a keyword, and nothing."""
    every = {
        "PatientName": "A^B=Ü",
        "PatientID": "1",
        "PatientBirthDate": "19700131",
        "PatientSex": "F",
        "StudyDateTime": "2026-01-31T14:05:00+01:00",
        "StudyID": "1",
        "AccessionNumber": "2",
        "ReferringPhysicianName": "C^D",
        "StudyDescription": "x",
        "SeriesNumber": 3,
        "SeriesDescription": "y",
    }
    return [json.dumps(each).encode() for each in (every, {})]


def one_input(data: bytes) -> None:
    """Read a study and write what it says."""
    path = scratch_file(data, "fuzz.json")
    try:
        study = _study(read_keywords(path, "study file", _KNOWN))
    except (ArgumentError, DataDamagedError):
        return
    dataset = Dataset()
    study.add_to(dataset)
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.save_as(io.BytesIO(), implicit_vr=False, little_endian=True)
