from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

PAGE = Path(__file__).parents[3] / "docs/how-to/colour-doppler.md"


def test_the_pages_examples_run(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(block, str(PAGE), "exec"), names)
    first, median, shapes = capsys.readouterr().out.splitlines()
    assert first == "800 frames/s, Nyquist velocity 0.51 m/s"
    # Half of the median speed of a parabola that reaches 0.5 m/s, at 60°.
    assert re.fullmatch(r"median \+0\.[12]\d m/s, aliased beyond 0\.51", median)
    lines = names["box"].shape[0]
    assert shapes == f"({lines}, 160, 8) ({lines}, 160)"
    assert names["frame"].is_colour
    assert np.nanmax(names["along_the_flow"]) > 0.3
