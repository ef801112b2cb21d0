from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("pydicom")
pytest.importorskip("cryptography")

from outbox_fixtures import MovableClock, dicom_object

from usdk.cli import main
from usdk.cli.exit_codes import DONE, PROBLEMS_FOUND
from usdk.cli.outbox_watch import Looker, table_of
from usdk.export.outbox import Event, Outbox, State


@pytest.fixture
def box(tmp_path: Path) -> Path:
    with Outbox(tmp_path / "box", reserve_bytes=0) as outbox:
        outbox.add_many([dicom_object(uid=f"1.2.{n}") for n in (1, 2, 3)])
        claimed = {entry.sop_instance_uid: entry for entry in outbox.claim(3)}
        outbox.settle(claimed["1.2.1"], Event.REFUSE, reason="no such class")
        outbox.confirm(outbox.settle(claimed["1.2.2"], Event.ACCEPT))
        outbox.settle(claimed["1.2.3"], Event.RELEASE)
    return tmp_path / "box"


def run(*words: str) -> int:
    return main(["outbox", *words])


def test_list_tells_states_and_no_names(box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list", "--outbox", str(box)) == DONE
    shown = capsys.readouterr()
    assert [line.split()[0] for line in shown.out.splitlines()] == ["held", "retained", "queued"]
    assert "Must" not in shown.out + shown.err
    assert run("list", "--outbox", str(box), "--state", "held", "--json") == DONE
    (entry,) = json.loads(capsys.readouterr().out)["objects"]
    assert (entry["sop_instance_uid"], entry["reason"]) == ("1.2.1", "no such class")


def test_show_retry_and_purge_act_on_what_is_named(
    box: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("show", "1.2.1", "--outbox", str(box)) == DONE
    assert "no such class" in capsys.readouterr().out
    assert run("retry", "--held", "--outbox", str(box)) == DONE
    assert run("purge", "1.2.2", "--outbox", str(box)) == DONE
    assert run("purge", "1.2.3", "--outbox", str(box)) != DONE
    assert "only copy" in capsys.readouterr().err
    assert run("purge", "1.2.3", "--discard", "--outbox", str(box)) == DONE
    with Outbox(box) as outbox:
        states = [entry.state for entry in outbox.list()]
    assert states == [State.QUEUED, State.PURGED, State.PURGED]


def test_doctor_tells_problems_by_its_status(box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("doctor", "--deep", "--outbox", str(box)) == PROBLEMS_FOUND
    assert "1.2.1 is held" in capsys.readouterr().out
    run("retry", "--held", "--outbox", str(box))
    assert run("doctor", "--deep", "--outbox", str(box)) == DONE
    assert "sound" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ("list",),
        ("show", "9.9", "--outbox", "BOX"),
        ("show", "--outbox", "BOX"),
        ("retry", "--outbox", "BOX"),
        ("purge", "--discard", "--outbox", "BOX"),
        ("list", "--state", "nowhere", "--outbox", "BOX"),
    ],
)
def test_wrong_use_says_what_to_do(box: Path, words: tuple[str, ...]) -> None:
    assert run(*(str(box) if word == "BOX" else word for word in words)) == 2


def test_looking_makes_no_outbox(tmp_path: Path) -> None:
    assert run("list", "--outbox", str(tmp_path / "absent")) == 7
    assert not (tmp_path / "absent").exists()


def test_watch_tells_lines_and_alarms(box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("watch", "--seconds", "0", "--outbox", str(box)) == DONE
    assert "queued=1" in capsys.readouterr().out
    assert run("watch", "--seconds", "0", "--json", "--outbox", str(box)) == DONE
    assert json.loads(capsys.readouterr().out)["n_by_state"]["held"] == 1


def test_a_look_has_rates_an_end_and_the_alarm(tmp_path: Path) -> None:
    console = pytest.importorskip("rich.console")
    clock = MovableClock()
    with Outbox(tmp_path / "box", reserve_bytes=0, read_clock=clock) as outbox:
        outbox.add_many([dicom_object(n_bytes=1000) for _ in range(4)])
        looker = Looker(outbox)
        looker.look(0.0)
        for entry in outbox.claim(2):
            outbox.confirm(outbox.settle(entry, Event.ACCEPT))
        outbox.set_line_in_use("fibre")
        clock.pass_s(4000)
        look = looker.look(10.0)
        assert look.confirmed_per_s == pytest.approx(0.2)
        assert look.eta_s == pytest.approx(10.0)
        assert look.alarm
        shown = console.Console(width=80, record=True)
        shown.print(table_of(look))
        text = shown.export_text()
    assert "fibre" in text
    assert "ALARM" in text
