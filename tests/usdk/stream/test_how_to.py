"""The code of the page about the live loop runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "live-loop.md"


def test_the_page_runs_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    prometheus_client = pytest.importorskip("prometheus_client", reason="needs 'metrics'")
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile("\n".join(blocks), str(PAGE), "exec"), names)
    prometheus_client.REGISTRY.unregister(names["collector"])
    printed = capsys.readouterr().out
    assert "n_frames_received=8" in printed
    assert 'usdk_stream_frames_total{outcome="received",stream="left unit"} 8.0' in printed
    assert (tmp_path / "scan.usrec").exists()
