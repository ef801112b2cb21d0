from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from usdk.conformance import CHECKS, DeviationError, check, runner
from usdk.errors import DeviceAbsentError

QUICK = "sim:phased-p4-2v?scene=points"


@check("data.finite", "never true", requires="Data")
def always_fails(bench: Any) -> str | None:
    raise DeviationError("a fault", expected="none", advice="mend it")


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("usdk.cli.conformance.chosen_checks", lambda names: (always_fails,))


def test_the_checks_are_listed_without_a_front_end(usdk: Any) -> None:
    outcome = usdk("conformance", "--list")
    assert outcome.status == 0
    assert [line.split()[0] for line in outcome.out.splitlines()] == [c.id for c in CHECKS]
    listing = json.loads(usdk("conformance", "--list", "--json", "--only", "limits").out)
    assert {entry["requires"] for entry in listing["checks"]} == {"Limits"}


def test_a_sound_front_end_ends_with_0_and_a_table(usdk: Any, tmp_path: Path) -> None:
    report = tmp_path / "junit.xml"
    outcome = usdk(
        "conformance", QUICK, "--only", "identity", "--only", "data.finite", "--report", report
    )
    assert outcome.status == 0, outcome.out
    lines = outcome.out.splitlines()
    assert all(line.startswith("passed") for line in lines[:-1])
    assert lines[-1].endswith("7 passed, 0 failed, 0 skipped")
    assert len(list(ET.parse(report).getroot().iter("testcase"))) == 7


@pytest.mark.usefixtures("failing")
def test_a_check_that_fails_ends_with_9_and_says_what_to_do(usdk: Any, tmp_path: Path) -> None:
    report = tmp_path / "junit.xml"
    outcome = usdk("conformance", QUICK, "--report", report)
    assert outcome.status == 9
    assert "FAILED   data.finite" in outcome.out
    for words in ("seen        a fault", "expected    none", "what to do  mend it"):
        assert words in outcome.out
    assert "drivers/README.md, Data" in outcome.out
    assert len(list(ET.parse(report).getroot().iter("failure"))) == 1


@pytest.mark.usefixtures("failing")
def test_quiet_says_the_counts_alone(usdk: Any) -> None:
    outcome = usdk("conformance", QUICK, "-q")
    assert (outcome.status, outcome.out.count("\n")) == (9, 1)


def test_json_is_one_object(usdk: Any) -> None:
    plain = json.loads(usdk("conformance", QUICK, "--only", "state", "--json").out)
    assert plain["is_conformant"] is True
    assert plain["n_passed"] == len(plain["checks"]) == 7
    assert {"id", "title", "requires", "verdict", "time_s", "note"} <= plain["checks"][0].keys()
    assert plain["device"]["manufacturer"] == "usdk"


def test_a_front_end_that_is_absent_ends_with_3_and_is_reported(
    usdk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(address: str) -> Any:
        raise DeviceAbsentError("plug it in")

    monkeypatch.setattr(runner, "open_front_end", absent)
    report = tmp_path / "junit.xml"
    outcome = usdk("conformance", "usb:", "--report", report)
    assert outcome.status == 3
    assert outcome.out == ""
    assert "plug it in" in outcome.err
    suite = ET.parse(report).getroot().find("testsuite")
    assert suite is not None
    assert suite.get("errors") == "1"


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        ((), 2, "ADDRESS"),
        ((QUICK, "--only", "nothing"), 2, "--list"),
        ((QUICK, "--frames", "1"), 2, "n_frames"),
        ((QUICK, "--timeout-s", "0"), 2, "timeout_s"),
        (("sim:nothing",), 2, "neither a simulated probe"),
        ((QUICK, "--report", "/absent/junit.xml"), 7, "cannot write"),
    ],
)
def test_what_cannot_be_is_refused(
    usdk: Any, words: tuple[str, ...], status: int, says: str
) -> None:
    outcome = usdk("conformance", *words)
    assert outcome.status == status
    assert says in outcome.err


def test_the_person_is_asked_only_when_interactive(
    usdk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    @check("unplug.ask", "asks", requires="Recovery")
    def asks(bench: Any) -> str | None:
        bench.settings.operator.unplug()
        bench.settings.operator.plug()
        return None

    monkeypatch.setattr("usdk.cli.conformance.chosen_checks", lambda names: (asks,))
    outcome = usdk("conformance", QUICK, "--interactive")
    assert outcome.status == 0
    assert outcome.err == (
        "usdk: UNPLUG the front-end now, while it runs\nusdk: PLUG the front-end in again\n"
    )
