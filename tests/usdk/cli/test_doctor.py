from __future__ import annotations

import json
from typing import Any

import pytest

from usdk.doctor import Examination
from usdk.front_end import Finding, Severity

WELL = Finding(topic="cable", severity=Severity.OK, message="it is fast")
WRONG = Finding(topic="door", severity=Severity.PROBLEM, message="it is shut", advice="open it")


@pytest.fixture
def examined(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let the examination find what the test says; return what it was asked."""

    def make(*findings: Finding) -> list[Any]:
        asked: list[Any] = []

        def examine(address: str | None, **options: Any) -> Examination:
            asked.append((address, options))
            return Examination(findings)

        monkeypatch.setattr("usdk.cli.doctor.examine", examine)
        return asked

    return make


def test_health_ends_with_0(usdk: Any, examined: Any) -> None:
    asked = examined(WELL)
    outcome = usdk("doctor", "sim:x", "--scheme", "acme", "--folder", "there")
    assert outcome.status == 0
    assert outcome.out == "ok       cable  it is fast\nno problems\n"
    assert asked == [("sim:x", {"schemes": ["acme"], "folder": "there"})]


def test_a_problem_ends_with_10_and_says_what_to_do(usdk: Any, examined: Any) -> None:
    examined(WELL, WRONG)
    outcome = usdk("doctor")
    assert outcome.status == 10
    assert "problem  door   it is shut\n                → open it\n1 problem\n" in outcome.out


def test_json_holds_every_finding(usdk: Any, examined: Any) -> None:
    examined(WRONG)
    outcome = usdk("doctor", "--json")
    assert outcome.status == 10
    assert json.loads(outcome.out) == {
        "findings": [
            {"topic": "door", "severity": "problem", "message": "it is shut", "advice": "open it"}
        ],
        "n_problems": 1,
    }


def test_the_udev_rule_is_printed_and_nothing_else(usdk: Any, examined: Any) -> None:
    asked = examined(WRONG)
    outcome = usdk("doctor", "--udev-rule")
    assert outcome.status == 0
    assert 'ATTR{idVendor}=="1209"' in outcome.out
    assert asked == []


def test_this_machine_is_examined(usdk: Any) -> None:
    outcome = usdk("doctor")
    assert outcome.status in (0, 10)
    assert "Python" in outcome.out
    assert "USB library" in outcome.out
    assert "Traceback" not in outcome.err
