from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

PAGE = Path(__file__).parents[3] / "docs/how-to/shape-the-picture.md"


def test_the_pages_examples_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(block, str(PAGE), "exec"), names)
    explained, columns = capsys.readouterr().out.splitlines()
    assert explained.startswith("lattice RF kernel, as asked: lines on 1/2 of the pitch")
    assert columns == "0.051 mm a row, 12 µs a column"
    assert (tmp_path / "vessel.png").is_file()
    assert len(names["cine"]) == 8
    assert np.all(names["picture"].has_echoes[-170:])
