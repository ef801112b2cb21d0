from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from usdk.conformance import (
    CHECKS,
    Bench,
    Check,
    NotApplicableError,
    Outcome,
    Settings,
    Verdict,
    check,
    chosen_checks,
    require,
    run_checks,
)
from usdk.conformance.runner import NOT_OPENED
from usdk.errors import ArgumentError, DeviceAbsentError

Sound = type[Any]
HANGS_S = 5.0


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """Let what hangs go at the end."""
    event = threading.Event()
    yield event
    event.set()


def make(name: str, run: Any) -> Check:
    return check(f"test.{name}", name, requires="Data")(run)


def passes(bench: Bench) -> str | None:
    front_end, _ = bench.ready()
    return str(bench.read(front_end).n_frames)


def test_a_check_that_hangs_fails_and_the_next_opens_the_front_end_anew(
    sound: Sound, release: threading.Event
) -> None:
    opened: list[Any] = []

    def open_and_keep() -> Any:
        opened.append(sound.open())
        return opened[-1]

    def hang(bench: Bench) -> str | None:
        bench.open()
        release.wait(HANGS_S)
        return None

    started_s = time.monotonic()
    report = run_checks(
        "toy:",
        opener=open_and_keep,
        checks=[make("hang", hang), make("next", passes)],
        settings=Settings(timeout_s=0.2),
    )
    assert time.monotonic() - started_s < HANGS_S / 2
    assert [outcome.verdict for outcome in report.outcomes] == [Verdict.FAILED, Verdict.PASSED]
    seen = report.outcomes[0].seen
    assert "did not return within 0.2 s" in seen
    assert "hang (test_runner.py:" in seen
    assert str(Path(__file__).parent) not in seen
    assert len(opened) == 3
    assert all(front_end.state == "closed" for front_end in opened)


def test_a_driver_that_hangs_everywhere_is_through_in_time(
    sound: Sound, release: threading.Event
) -> None:
    class Broken(sound):
        def _read(self, n_frames: int, deadline_s: float) -> Any:
            release.wait(HANGS_S)
            return super()._read(n_frames, deadline_s)

        def _close(self) -> None:
            release.wait(HANGS_S)

    checks = chosen_checks(["data.finite", "data.shape", "identity.info"])
    report = run_checks("toy:", opener=Broken.open, checks=checks, settings=Settings(timeout_s=0.1))
    assert {outcome.verdict for outcome in report.outcomes[1:]} == {Verdict.FAILED}
    assert report.outcomes[0].verdict is Verdict.PASSED
    assert all("did not return" in outcome.seen for outcome in report.of(Verdict.FAILED))


@pytest.mark.parametrize("error", [RuntimeError("libusb"), SystemExit(3), KeyboardInterrupt()])
def test_what_a_driver_raises_fails_the_check_and_ends_nothing(
    sound: Sound, error: BaseException
) -> None:
    class Broken(sound):
        def _read(self, n_frames: int, deadline_s: float) -> Any:
            raise error

    checks = chosen_checks(["data.finite", "state.open"])
    report = run_checks("toy:", opener=Broken.open, checks=checks)
    by_id = {outcome.check.id: outcome for outcome in report.outcomes}
    assert by_id["data.finite"].verdict is Verdict.FAILED
    assert type(error).__name__ in by_id["data.finite"].seen
    assert by_id["state.open"].verdict is Verdict.PASSED
    assert not report.is_conformant


def test_a_result_of_the_wrong_type_is_named(sound: Sound) -> None:
    broken = type("Broken", (sound,), {"_read": lambda self, n_frames, deadline_s: None})
    (outcome,) = run_checks(
        "toy:", opener=broken.open, checks=chosen_checks(["data.finite"])
    ).outcomes
    assert (outcome.seen, outcome.expected) == ("read gave a NoneType", "a Acquisition")


def test_more_frames_than_asked_for_are_noticed(sound: Sound) -> None:
    class Broken(sound):
        def _read(self, n_frames: int, deadline_s: float) -> Any:
            return super()._read(n_frames + 1, deadline_s)

    (outcome,) = run_checks(
        "toy:", opener=Broken.open, checks=chosen_checks(["data.shape"])
    ).outcomes
    assert outcome.seen == "read(1) returned 2 frames"


def test_a_front_end_that_cannot_be_opened_skips_every_check_and_says_why() -> None:
    def absent() -> Any:
        raise DeviceAbsentError("plug it in")

    report = run_checks("toy:", opener=absent)
    assert isinstance(report.opening_error, DeviceAbsentError)
    assert len(report.of(Verdict.SKIPPED)) == len(CHECKS)
    assert {outcome.note for outcome in report.outcomes} == {NOT_OPENED}
    assert not report.is_conformant


def test_an_opening_that_raises_foreign_exceptions_fails_each_check() -> None:
    def broken() -> Any:
        raise ValueError("no such handle")

    report = run_checks("toy:", opener=broken, checks=chosen_checks(["identity"]))
    assert report.opening_error is None
    assert {outcome.seen for outcome in report.outcomes} == {
        "open raised ValueError: no such handle"
    }


def test_outcomes_are_told_as_they_come_with_their_notes(sound: Sound) -> None:
    def skip(bench: Bench) -> str | None:
        raise NotApplicableError("it has no plug")

    def fail(bench: Bench) -> str | None:
        require(False, "a", expected="b", advice="c")
        return None

    told: list[Outcome] = []
    checks = [make("pass", passes), make("skip", skip), make("fail", fail)]
    report = run_checks("toy:", opener=sound.open, checks=checks, on_outcome=told.append)
    assert tuple(told) == report.outcomes
    assert [outcome.verdict.value for outcome in told] == ["passed", "skipped", "failed"]
    assert (told[0].note, told[1].note) == ("1", "it has no plug")
    assert (told[2].seen, told[2].expected, told[2].advice) == ("a", "b", "c")
    assert report.device == sound.open().info
    plain = report.to_dict()
    assert (plain["n_passed"], plain["n_failed"], plain["n_skipped"]) == (1, 1, 1)


def test_the_path_of_a_file_is_not_told(sound: Sound, tmp_path: Path) -> None:
    path = tmp_path / "Doe_Jane.usrec"
    path.touch()
    for address, told in (
        (f"file:{path}", "file:"),
        (f"sim:{path}?loop=1", "sim:"),
        ("file:/gone/Doe_Jane.usrec", "file:"),
        ("sim:linear-l11-5v", "sim:linear-l11-5v"),
    ):
        assert run_checks(address, opener=sound.open, checks=()).address == told


def test_checks_are_chosen_by_id_and_by_group() -> None:
    chosen = chosen_checks(["limits", "data.finite"])
    assert {entry.group for entry in chosen} == {"limits", "data"}
    assert [entry.id for entry in chosen if entry.group == "data"] == ["data.finite"]
    assert chosen_checks([]) == CHECKS
    with pytest.raises(ArgumentError, match="--list"):
        chosen_checks(["data.finit"])


@pytest.mark.parametrize(
    "wrong", [{"n_frames": 1}, {"timeout_s": 0.0}, {"frame_timeout_s": float("inf")}]
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        Settings(**wrong)


def test_the_runner_leaves_no_thread_behind(sound: Sound) -> None:
    before = set(threading.enumerate())
    run_checks("toy:", opener=sound.open, checks=chosen_checks(["data", "time.stop-in-read"]))
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ({"address": None}, "an address is text"),
        ({"checks": None}, "chosen_checks"),
        ({"checks": ["loss"]}, "each of checks must be a Check, got str"),
        ({"settings": 7}, "settings must be a Settings, got int"),
        ({"settings": {}}, "settings must be a Settings, got dict"),
        ({"opener": 7}, "opener is called"),
        ({"on_outcome": "print"}, "on_outcome is called"),
    ],
)
def test_arguments_that_are_something_else_are_refused(
    arguments: dict[str, Any], hint: str
) -> None:
    with pytest.raises(ArgumentError, match=hint):
        run_checks(**({"address": "sim:phased-p4-2v", "checks": ()} | arguments))
