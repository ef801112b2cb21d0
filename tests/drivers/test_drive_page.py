"""What the page about gain, apertures, triggers and safety says is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from usdk.front_end import open_front_end, settings_of
from usdk_drivers.keep_alive import CHANCES

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "drive-a-front-end.md"


def test_its_code_runs_as_one_program(capsys: pytest.CaptureFixture[str]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(compile(block, str(PAGE), "exec"), names)
    out = capsys.readouterr().out
    assert "0 dB at 0 µs to 20 dB at 51.9 µs" in out
    assert "0.001\n[0.001 0.021 0.041]" in out
    assert out.endswith("1\n126 of 128 elements good; open: 3, 17\n")
    assert names["level"].receive.tgc is None  # type: ignore[attr-defined]
    assert names["whole"].receive.apertures is None  # type: ignore[attr-defined]


def test_it_names_every_setting_of_the_trigger() -> None:
    text = PAGE.read_text(encoding="utf-8")
    with open_front_end("sim:phased-p4-2v") as front_end:
        names = [name for name in settings_of(front_end) if name.startswith("trigger.")]
    assert names
    assert all(f"| `{name}` |" in text for name in names)
    assert CHANCES == 4
    assert "heard four times" in text
