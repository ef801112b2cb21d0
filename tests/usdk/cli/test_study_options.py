from __future__ import annotations

import argparse
import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from usdk.cli.keyword_file import MAX_KEYWORD_BYTES
from usdk.cli.study_options import add_study_arguments, study_from
from usdk.errors import ArgumentError, DataDamagedError, StorageError, UsdkError


def parse(*words: str) -> Any:
    parser = argparse.ArgumentParser()
    add_study_arguments(parser)
    return study_from(parser.parse_args(words))


def written(folder: Path, values: Any) -> str:
    path = folder / "study.json"
    path.write_text(values if isinstance(values, str) else json.dumps(values), encoding="utf-8")
    return str(path)


def test_without_a_word_there_is_no_study() -> None:
    assert parse() is None


def test_options_become_patient_study_and_series() -> None:
    study = parse(
        *("--patient-name", "Wang^XiaoDong=王^小东", "--patient-id=7", "--patient-sex", "M"),
        *("--patient-birth-date", "19991231", "--study-id", "S1", "--accession-number", "A1"),
        *("--study-description", "Thyroid", "--series-description", "Left lobe"),
    )
    assert study.patient.patient_name == "Wang^XiaoDong=王^小东"
    assert study.patient.patient_birth_date == date(1999, 12, 31)
    assert (study.study_id, study.accession_number) == ("S1", "A1")
    assert study.series.series_description == "Left lobe"


def test_the_file_holds_dicom_keywords(tmp_path: Path) -> None:
    study = parse(
        "--study",
        written(
            tmp_path,
            {
                "PatientID": "7",
                "PatientBirthDate": "",
                "StudyDateTime": "2026-01-31T14:05:00+01:00",
                "SeriesNumber": 4,
                "BodyPartExamined": "LEG",
            },
        ),
    )
    assert study.patient.patient_birth_date is None
    assert study.study_datetime == datetime.fromisoformat("2026-01-31T13:05:00Z")
    assert study.study_datetime.utcoffset() == timedelta(hours=1)
    assert (study.series.series_number, study.series.body_part_examined) == (4, "LEG")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ('{"PatientName": "Secret^Jane"', DataDamagedError),
        ('["Secret^Jane"]', DataDamagedError),
        ("[" * 100_000, DataDamagedError),
        ('"' + "Secret" * (MAX_KEYWORD_BYTES // 6) + '"', DataDamagedError),
        ({"PatientNam": "Secret^Jane"}, ArgumentError),
        ({"Secret^Jane": "PatientName"}, ArgumentError),
        ({"PatientName": ["Secret^Jane"]}, ArgumentError),
        ({"SeriesNumber": "Secret"}, ArgumentError),
        ({"SeriesNumber": True}, ArgumentError),
        ({"PatientBirthDate": "31.1.1970 Secret"}, ArgumentError),
        ({"PatientBirthDate": "19700231"}, ArgumentError),
        ({"PatientBirthDate": "1970013١"}, ArgumentError),
        ({"PatientSex": "Secret"}, ArgumentError),
        ({"StudyDateTime": "Secret"}, ArgumentError),
        ({"PatientID": "Secret" * 30}, ArgumentError),
        ({"StudyInstanceUID": "Secret"}, ArgumentError),
    ],
)
def test_what_cannot_be_used_is_refused_without_being_quoted(
    tmp_path: Path, content: Any, kind: type[UsdkError]
) -> None:
    with pytest.raises(kind) as caught:
        parse("--study", written(tmp_path, content))
    error: BaseException | None = caught.value
    assert "Secret" not in str(error)
    assert "1970" not in str(error).replace("19700131", "")


def test_bytes_that_are_not_utf_8_are_refused(tmp_path: Path) -> None:
    (tmp_path / "study.json").write_bytes(b'{"PatientName": "M\xfcller"}')
    with pytest.raises(DataDamagedError, match="UTF-8"):
        parse("--study", str(tmp_path / "study.json"))


def test_a_study_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot read the study file"):
        parse("--study", str(tmp_path / "absent.json"))
