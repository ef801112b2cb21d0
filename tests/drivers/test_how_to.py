from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs/how-to/simulate-a-probe.md"


def test_the_page_s_examples_run(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    first, flow, second = blocks
    exec(compile(first, str(PAGE), "exec"), {})
    assert capsys.readouterr().out.splitlines()[-1].startswith("[3] (1, 3, 128, ")
    exec(compile(flow, str(PAGE), "exec"), {})
    # On the axis in systole 0.8 m/s, at 70 degrees.
    assert "[0.2736" in capsys.readouterr().out
    exec(compile(second, str(PAGE), "exec"), {})
    printed = capsys.readouterr().out
    assert "lost 1 from frame" in printed
    assert "plug it in again" in printed
