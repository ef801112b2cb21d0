"""A report as JUnit XML, which build servers read."""

from __future__ import annotations

import os
import re
import xml.etree.ElementTree as ET  # nosec B405

from usdk.conformance.report import Outcome, Report, Verdict
from usdk.errors import ArgumentError
from usdk.files import atomic_file

__all__ = ["junit_xml", "write_junit"]

SUITE_NAME = "usdk conformance"
# What XML 1.0 (section 2.2) does not allow in a document, escaped or not.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(report: Report) -> bytes:
    """Return a report as one ``testsuite`` in the form that JUnit's Ant task writes, UTF-8.

    Raises
    ------
    ArgumentError
        If it is no report.
    """
    _require_report(report)
    root = ET.Element("testsuites")
    n_tests, n_failures = len(report.outcomes), len(report.of(Verdict.FAILED))
    n_errors = 0
    if report.opening_error is not None:
        n_tests, n_errors = n_tests + 1, 1
    suite = ET.SubElement(
        root,
        "testsuite",
        name=SUITE_NAME,
        tests=str(n_tests),
        failures=str(n_failures),
        errors=str(n_errors),
        skipped=str(len(report.of(Verdict.SKIPPED))),
        time=_seconds(sum(outcome.time_s for outcome in report.outcomes)),
        timestamp=report.started.strftime("%Y-%m-%dT%H:%M:%S"),
    )
    properties = ET.SubElement(suite, "properties")
    values = {"address": report.address}
    if report.device is not None:
        values |= {
            "manufacturer": report.device.manufacturer,
            "model": report.device.model,
            "serial_number": report.device.serial_number,
            "firmware_version": report.device.firmware_version,
        }
    for name, value in values.items():
        ET.SubElement(properties, "property", name=name, value=_clean(value))
    if report.opening_error is not None:
        case = ET.SubElement(
            suite, "testcase", classname="conformance.open", name="open", time=_seconds(0.0)
        )
        # The message of opening names what was asked for, a path perhaps.
        kind = type(report.opening_error).__name__
        ET.SubElement(case, "error", type=kind, message=f"it could not be opened: {kind}")
    for outcome in report.outcomes:
        _add_case(suite, outcome)
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def write_junit(path: str | os.PathLike[str], report: Report) -> None:
    """Write `junit_xml` to a file, which appears whole or not at all and replaces one before it.

    Raises
    ------
    ArgumentError
        If ``path`` is no path, or ``report`` no report.
    StorageError
        If it cannot be written.
    """
    if not isinstance(path, str | os.PathLike):
        raise ArgumentError(f"path must be a path, got {type(path).__name__}")
    _require_report(report)
    with atomic_file(path, name="the report") as (file, _):
        file.write(junit_xml(report))


def _require_report(report: object) -> None:
    if not isinstance(report, Report):
        raise ArgumentError(
            f"report must be a Report, got {type(report).__name__}: make one with run_checks"
        )


def _add_case(suite: ET.Element, outcome: Outcome) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        classname=f"conformance.{outcome.check.group}",
        name=outcome.check.id,
        time=_seconds(outcome.time_s),
    )
    if outcome.verdict is Verdict.SKIPPED:
        ET.SubElement(case, "skipped", message=_clean(outcome.note))
    elif outcome.verdict is Verdict.FAILED:
        failure = ET.SubElement(case, "failure", type="deviation", message=_clean(outcome.seen))
        failure.text = _clean(
            f"{outcome.check.title}\nseen: {outcome.seen}\nexpected: {outcome.expected}\n"
            f"what to do: {outcome.advice}\nsee drivers/README.md, {outcome.check.requires}"
        )
    elif outcome.note:
        ET.SubElement(case, "system-out").text = _clean(outcome.note)


def _clean(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def _seconds(time_s: float) -> str:
    return f"{time_s:.3f}"
