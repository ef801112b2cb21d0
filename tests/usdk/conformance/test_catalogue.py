"""The checks, and the pages that name them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from usdk.conformance import CHECKS, Check, bench, chosen_checks
from usdk.conformance.checks import resources, timing, unplugging
from usdk.errors import ArgumentError

ROOT = Path(__file__).parents[3]
HOW_TO = (ROOT / "docs/how-to/validate-a-front-end.md").read_text(encoding="utf-8")
README = (ROOT / "drivers/README.md").read_text(encoding="utf-8")


def section(heading: str) -> str:
    (text,) = re.findall(rf"^### {heading}\n(.+?)(?=^##|\Z)", README, re.MULTILINE | re.DOTALL)
    return " ".join(text.split())


def test_no_id_stands_twice_and_each_has_a_group_and_a_name() -> None:
    ids = [check.id for check in CHECKS]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z]+\.[a-z-]+", identifier) for identifier in ids)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_the_rule_of_each_check_stands_in_the_readme(check: Check) -> None:
    assert section(check.requires)


def test_the_page_lists_the_checks_that_there_are() -> None:
    rows = re.findall(r"^\| `(.+?)` \| (.+?) \| (.+?) \|$", HOW_TO, re.MULTILINE)
    assert rows == [(check.id, check.title, check.requires) for check in CHECKS]


def test_the_readme_states_the_limits_that_are_kept() -> None:
    text = section("Timing")
    assert f"within {timing.READ_SLACK_S:g} s after its timeout" in text
    assert f"at most {timing.START_WITHIN_S:g} s each" in text
    assert timing.FIRST_FRAME_WITHIN_S == timing.START_WITHIN_S
    assert timing.STATUS_WITHIN_S == timing.STOP_WITHIN_S
    assert f"`status` and `stop` {timing.STOP_WITHIN_S:g} s" in text
    assert f"`close` {timing.CLOSE_WITHIN_S:g} s more" in text
    assert f"within {timing.FRAME_RATE_TOLERANCE * 100:g} %" in text
    text = section("Recovery")
    assert f"within {bench.REOPEN_WITHIN_S:g} s after `close`" in text
    assert f"within {unplugging.ERROR_WITHIN_S:g} s of its last frame" in text
    assert f"within {unplugging.BACK_WITHIN_S:g} s" in text
    assert f"{resources.N_CYCLES} runs" in section("Resources")


def test_the_page_states_how_many_frames_are_accounted_for() -> None:
    assert f"over {bench.DEFAULT_N_FRAMES} frames" in HOW_TO


@pytest.mark.parametrize("names", [None, 7, "loss", [7], [None], [["loss"]]])
def test_what_is_no_list_of_names_is_refused(names: Any) -> None:
    with pytest.raises(ArgumentError, match=r"names|there is no check"):
        chosen_checks(names)
