from __future__ import annotations

import pytest

from usdk.front_end import Diagnosable, Severity
from usdk_drivers.serial_line import SerialFrontEnd
from usdk_drivers.serial_line.diagnosis import serial_findings
from usdk_drivers.serial_line.port_list import SerialPort

OURS = SerialPort(device="/dev/ttyACM1", description="Scanner", is_ours=True)
OTHER = SerialPort(device="/dev/ttyS0", description="n/a", is_ours=False)


def test_a_front_end_that_may_not_be_opened_is_a_problem_and_another_port_a_note() -> None:
    library, ours, other = serial_findings(lambda: [OURS, OTHER], lambda device: False)
    assert library.message.startswith("pyserial 3")
    assert (ours.severity, other.severity) == (Severity.PROBLEM, Severity.NOTE)
    assert "no permission" in ours.message
    assert ours.advice


def test_ports_that_may_be_opened_are_well() -> None:
    findings = list(serial_findings(lambda: [OURS, OTHER], lambda device: True))
    assert {finding.severity for finding in findings} == {Severity.OK}
    assert "/dev/ttyACM1 (Scanner): a front-end by its USB ids" in findings[1].message
    assert "not looked into" in findings[2].message


def test_no_port_and_no_library_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    _, none = serial_findings(list)
    assert none.message == "this machine has no serial port"
    monkeypatch.setitem(__import__("sys").modules, "serial", None)
    (missing,) = SerialFrontEnd.diagnose()
    assert missing.severity is Severity.NOTE
    assert "ultrasound-sdk[serial]" in missing.advice


def test_the_doctor_asks_it() -> None:
    assert isinstance(SerialFrontEnd, Diagnosable)
    assert all(finding.message for finding in SerialFrontEnd.diagnose())
