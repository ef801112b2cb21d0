from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from usdk.cli import main
from usdk.dicom import check_dicom
from usdk.dicom.open import open_dicom

PAGE = Path(__file__).parents[3] / "docs/how-to/write-dicom-objects.md"


def test_the_pages_examples_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(block, str(PAGE), "exec"), names)
    assert capsys.readouterr().out.splitlines() == ["5.0 mm", "50 cm/s"]
    assert np.array_equal(names["frame"].pixels, names["bmode"].pixels)
    assert names["spectrum"].row_m_s == pytest.approx(-0.01)
    assert np.array_equal(names["back"].pixels, names["volume"].pixels)
    assert names["back"].pixels.max() == 170
    for name in ("duplex.dcm", "volume.dcm"):
        assert check_dicom(open_dicom(tmp_path / name)) == []
    command, *said = next(
        block.splitlines()
        for block in re.findall(r"((?:^ {4}.+\n)+)", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
        if block.startswith("    $ usdk show")
    )
    assert main(command.split()[2:]) == 0
    assert capsys.readouterr().out.splitlines() == [line.strip() for line in said]
