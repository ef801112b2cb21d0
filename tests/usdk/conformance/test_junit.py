from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from usdk.acquisition import DeviceInfo
from usdk.conformance import CHECKS, Outcome, Report, Verdict, junit_xml, write_junit
from usdk.errors import ArgumentError, DeviceAbsentError, StorageError


@pytest.fixture
def report() -> Report:
    return Report(
        address="toy:",
        device=DeviceInfo(manufacturer="M\x00", model="A&B <1>", serial_number="\ud800\x1b[31m"),
        outcomes=(
            Outcome(check=CHECKS[0], verdict=Verdict.PASSED, time_s=0.25, note="µ & ±"),
            Outcome(check=CHECKS[1], verdict=Verdict.SKIPPED, time_s=0.0, note="why"),
            Outcome(
                check=CHECKS[2],
                verdict=Verdict.FAILED,
                time_s=1.5,
                seen='saw "x"\x07\ufffe',
                expected="y",
                advice="z",
            ),
        ),
        started=datetime(2025, 6, 15, 14, 30, 5, 123, tzinfo=UTC),
    )


def test_the_counts_are_those_of_the_cases(report: Report) -> None:
    root = ET.fromstring(junit_xml(report))
    (suite,) = root.findall("testsuite")
    cases = suite.findall("testcase")
    assert suite.attrib == {
        "name": "usdk conformance",
        "tests": str(len(cases)),
        "failures": str(len(suite.findall("testcase/failure"))),
        "errors": "0",
        "skipped": str(len(suite.findall("testcase/skipped"))),
        "time": "1.750",
        "timestamp": "2025-06-15T14:30:05",
    }
    assert (len(cases), suite.get("failures"), suite.get("skipped")) == (3, "1", "1")


def test_each_case_has_class_name_and_time(report: Report) -> None:
    for case, outcome in zip(
        ET.fromstring(junit_xml(report)).iter("testcase"), report.outcomes, strict=True
    ):
        assert case.get("classname") == f"conformance.{outcome.check.group}"
        assert case.get("name") == outcome.check.id
        assert re.fullmatch(r"\d+\.\d{3}", case.get("time", ""))
        assert len(case) == 1


def test_a_failure_says_what_was_seen_expected_and_what_to_do(report: Report) -> None:
    failure = ET.fromstring(junit_xml(report)).find("testsuite/testcase/failure")
    assert failure is not None
    assert failure.get("message") == 'saw "x"\ufffd\ufffd'
    assert failure.text is not None
    for part in (CHECKS[2].title, "expected: y", "what to do: z", CHECKS[2].requires):
        assert part in failure.text


def test_what_xml_cannot_hold_is_replaced(report: Report) -> None:
    data = junit_xml(report)
    text = data.decode("utf-8")
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe]", text)
    values = {p.get("name"): p.get("value") for p in ET.fromstring(data).iter("property")}
    assert values["manufacturer"] == "M\ufffd"
    assert values["model"] == "A&B <1>"
    assert values["serial_number"] == "\ufffd\ufffd[31m"


def test_a_front_end_that_could_not_be_opened_is_an_error_without_its_path() -> None:
    report = Report(
        address="file:",
        device=None,
        outcomes=(Outcome(check=CHECKS[0], verdict=Verdict.SKIPPED, time_s=0.0, note="no"),),
        started=datetime.now(UTC),
        opening_error=DeviceAbsentError("there is no recording at /home/Doe_Jane.usrec"),
    )
    data = junit_xml(report)
    suite = ET.fromstring(data).find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("errors"), suite.get("skipped")) == ("2", "1", "1")
    error = suite.find("testcase/error")
    assert error is not None
    assert error.get("type") == "DeviceAbsentError"
    assert b"Doe" not in data


def test_the_file_appears_whole_and_replaces_the_one_before(report: Report, tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    path.write_text("old")
    write_junit(path, report)
    assert path.read_bytes() == junit_xml(report)
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(StorageError):
        write_junit(tmp_path / "absent" / "junit.xml", report)


@pytest.mark.parametrize("nothing", [None, "report", {}])
def test_what_is_no_report_is_refused_and_writes_nothing(nothing: Any, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"must be a Report, got .*: make one with run_checks"):
        junit_xml(nothing)
    with pytest.raises(ArgumentError, match="must be a Report"):
        write_junit(tmp_path / "junit.xml", nothing)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("path", [None, 7, b"junit.xml"])
def test_what_is_no_path_is_refused(report: Report, path: Any) -> None:
    with pytest.raises(ArgumentError, match="path must be a path"):
        write_junit(path, report)
