from __future__ import annotations

import re

import pytest

from usdk.cli.progress import Progress, Stage, make_progress
from usdk.cli.rich_bars import RichBars


def test_a_stage_counts_and_knows_its_rate() -> None:
    progress = make_progress(quiet=True)
    with progress.stage("beamform", "frames", 4) as stage:
        stage.advance(3)
    (stage,) = progress.stages
    assert (stage.n_done, stage.total) == (3, 4)
    assert stage.rate_hz == pytest.approx(3 / stage.time_s)
    assert stage.to_dict()["n"] == 3


def test_without_a_terminal_each_stage_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    progress = make_progress(quiet=False)
    with progress.stage("receive", "frames", 2) as stage:
        stage.advance(note="1 lost")
        stage.advance()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.fullmatch(r"receive +2/2 frames +[\d.]+ /s +[\d.]+ s  1 lost\n", captured.err)


def test_a_stage_that_failed_is_shown_as_far_as_it_came(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail_in_the_middle() -> None:
        with make_progress(quiet=False).stage("export", "files", 2) as stage:
            stage.advance()
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        fail_in_the_middle()
    assert "1/2" in capsys.readouterr().err


def test_bars_end_where_the_stage_ended(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(RichBars())
    for total in (5, None):
        with progress.stage("receive", "frames", total) as stage:
            stage.advance(3, note="2 lost")
    bars = capsys.readouterr().err
    assert "3/5" in bars
    assert "3/3" in bars
    assert "2 lost" in bars


def test_a_stage_without_time_has_no_rate() -> None:
    assert Stage("verify", "files").rate_hz == 0.0
