from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, requires, version

import pytest

from usdk.doctor.software import package_findings, python_finding
from usdk.front_end import Finding, Severity

REQUIREMENTS = (
    "numpy>=2.0",
    "scipy >= 1.13",
    'pyusb<1.4,>=1.3.1; extra == "usb"',
    "h5py>=3.11; extra == 'io'",
    "cryptography>=45; python_version > '3' and extra == 'dicom'",
    "py_jpegls>=1.5; extra == 'dicom'",
    "ruff~=0.17.6; extra == 'test'",
    "h5py>=3.11; extra == 'all'",
    "ultrasound-sdk[usb]; extra == 'more'",
)


def installed(*absent: str) -> Callable[[str], str]:
    def version_of(name: str) -> str:
        if name in absent:
            raise PackageNotFoundError(name)
        return "1.2"

    return version_of


def by_topic(*absent: str) -> dict[str, Finding]:
    findings = package_findings(installed(*absent), lambda name: REQUIREMENTS)
    return {finding.topic: finding for finding in findings}


def test_what_is_there_is_named_with_its_version_by_extra() -> None:
    found = by_topic()
    assert {finding.severity for finding in found.values()} == {Severity.OK}
    assert {topic: finding.message for topic, finding in found.items()} == {
        "usdk": "ultrasound-sdk 1.2",
        "packages": "numpy 1.2, scipy 1.2",
        "extra usb": "pyusb 1.2",
        "extra io": "h5py 1.2",
        "extra dicom": "cryptography 1.2, py_jpegls 1.2",
    }


def test_an_extra_that_is_absent_is_a_note_with_the_command_that_brings_it() -> None:
    finding = by_topic("cryptography", "py_jpegls")["extra dicom"]
    assert finding.severity is Severity.NOTE
    assert finding.message == "cryptography, py_jpegls are not installed"
    assert finding.advice.endswith('-m pip install "ultrasound-sdk[dicom]"')


def test_a_package_that_is_always_needed_and_absent_is_a_problem() -> None:
    finding = by_topic("scipy")["packages"]
    assert finding.severity is Severity.PROBLEM
    assert finding.message == "scipy is not installed"
    assert finding.advice.endswith('-m pip install "ultrasound-sdk"')


def test_a_bare_source_tree_is_a_problem() -> None:
    (finding,) = package_findings(installed("ultrasound-sdk"), lambda name: REQUIREMENTS)
    assert finding.severity is Severity.PROBLEM
    assert "pip install -e ." in finding.advice


def test_the_real_requirements_are_understood() -> None:
    found = {finding.topic: finding for finding in package_findings()}
    assert f"numpy {version('numpy')}" in found["packages"].message
    extras = {topic for topic in found if topic.startswith("extra ")}
    assert {"extra usb", "extra io", "extra dicom", "extra view", "extra cli"} <= extras
    assert not extras & {"extra test", "extra docs", "extra all"}
    assert requires("ultrasound-sdk")


@pytest.mark.parametrize("python", [("3.12.1", "CPython"), ("3.13.0", "PyPy")])
def test_python_is_named(python: tuple[str, str]) -> None:
    finding = python_finding(*python)
    assert finding.message.startswith(f"{python[1]} {python[0]} on ")
    assert finding.severity is Severity.OK
