from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from usdk.doctor import drivers, examination, examine, udev_rules
from usdk.doctor.drivers import driver_checks, scheme_finding
from usdk.doctor.examination import look
from usdk.errors import ArgumentError, DeviceFailedError, MissingExtraError, StateError
from usdk.front_end import Finding, Severity


def well(topic: str = "toy") -> Finding:
    return Finding(topic=topic, severity=Severity.OK, message="all is well")


class Toy:
    @classmethod
    def diagnose(cls) -> list[Finding]:
        return [well()]

    @classmethod
    def udev_rule(cls) -> str:
        return "the rule\n"


class Heir(Toy):
    """Inherits what there is to say."""


class Silent:
    """Has nothing to say."""


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def make(**toys: Any) -> None:
        def driver_class(scheme: str) -> Any:
            if isinstance(toys[scheme], Exception):
                raise toys[scheme]
            return toys[scheme]

        for module in (drivers, examination):
            monkeypatch.setattr(module, "own_schemes", lambda: sorted(toys))
        monkeypatch.setattr(drivers, "driver_class", driver_class)
        monkeypatch.setattr(drivers, "installed_schemes", lambda: dict.fromkeys(toys, "acme"))

    return make


def ask(schemes: set[str]) -> list[Finding]:
    return [one for _, check in driver_checks(schemes) for one in check()]


def test_a_driver_is_asked_once_and_one_without_a_word_not_at_all(
    install: Callable[..., None],
) -> None:
    install(a=Toy, b=Heir, c=Silent)
    assert ask({"a", "b", "c"}) == [well()]


def test_a_driver_that_cannot_be_loaded_is_a_finding(install: Callable[..., None]) -> None:
    install(a=MissingExtraError("get it"), b=DeviceFailedError("it is broken"), c=Toy)
    severities = {finding.topic: finding.severity for finding in ask({"a", "b", "c"})}
    assert severities == {
        "driver a": Severity.NOTE,
        "driver b": Severity.PROBLEM,
        "toy": Severity.OK,
    }


def test_drivers_of_others_are_named_with_the_way_to_ask_them(
    install: Callable[..., None],
) -> None:
    install(a=Toy, b=Toy)
    finding = scheme_finding(["a"])
    assert "b (acme)" in finding.message
    assert finding.advice == "usdk doctor --scheme b"
    assert scheme_finding(["a", "b"]).advice == ""


def test_rules_are_told_once(install: Callable[..., None]) -> None:
    class Other(Toy):
        @classmethod
        def udev_rule(cls) -> str:
            return "another rule"

    install(a=Toy, b=Heir, c=Other, d=Silent, e=MissingExtraError("get it"))
    assert udev_rules() == "the rule\n\nanother rule\n"


def test_a_scheme_that_nobody_claims_is_refused() -> None:
    with pytest.raises(ArgumentError, match="nothing"):
        examine(schemes=["nothing"])


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (StateError("not now"), "it could not be looked at: not now"),
        (ZeroDivisionError("oops"), "it could not be looked at: ZeroDivisionError: oops"),
        (SystemExit(0), "it could not be looked at: SystemExit: 0"),
    ],
)
def test_a_check_that_fails_is_a_problem_beside_what_it_found(
    error: BaseException, message: str
) -> None:
    def check() -> Iterator[Finding]:
        yield well()
        raise error

    first, second = look("toy", check, 5.0)
    assert first == well()
    assert (second.topic, second.severity, second.message) == ("toy", Severity.PROBLEM, message)


def test_a_check_that_hangs_is_a_problem_in_time() -> None:
    release = threading.Event()

    def check() -> Iterator[Finding]:
        yield well()
        release.wait(30)

    first, second = look("toy", check, 0.1)
    release.set()
    assert first == well()
    assert second.severity is Severity.PROBLEM
    assert "within 0.1 s" in second.message


def test_every_part_is_looked_at(install: Callable[..., None], tmp_path: Path) -> None:
    install(a=Toy)
    found = examine(folder=tmp_path)
    topics = [finding.topic for finding in found.findings]
    assert topics[:2] == ["Python", "usdk"]
    assert topics[-2:] == ["drivers", "toy"]
    assert {"packages", "processors", "kernel cache", "disk"} <= set(topics)
    assert [one.topic for one in found.problems if one.topic in ("drivers", "toy")] == []


def test_findings_of_a_driver_that_are_none_are_its_failure(install: Callable[..., None]) -> None:
    class Odd(Toy):
        @classmethod
        def diagnose(cls) -> Any:
            return ["all is well"]

    install(a=Odd)
    (problem,) = [one for one in examine().findings if one.topic == "driver a"]
    assert "TypeError" in problem.message
