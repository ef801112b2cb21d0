from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("cryptography")

from usdk.cli import main
from usdk.trust.journal import JournalEvent
from usdk.trust.journal_folder import JournalFolder

TIME = "2026-01-01T00:00:00.000+00:00"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    journal = JournalFolder(tmp_path / "box" / "journal", actor="unit")
    journal.append([JournalEvent("add", "unit", TIME, "1.2", {}, n) for n in (1, 2, 3)])
    journal.close()
    return tmp_path / "box"


def test_a_whole_journal_is_whole_by_its_outbox_or_itself(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "verify", str(folder)]) == 0
    assert main(["audit", "verify", str(folder / "journal"), "--json"]) == 0
    report = json.loads(capsys.readouterr().out.partition("{")[2].join(["{", ""]))
    assert report["is_whole"] is True
    assert main(["audit", "verify", str(folder), "--head", report["head"]]) == 0


def test_a_changed_or_shortened_journal_is_not_trusted(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    segment = folder / "journal" / "000001.jsonl"
    lines = segment.read_bytes().splitlines(keepends=True)
    head = json.loads(lines[-1])["digest"]
    segment.write_bytes(b"".join(lines[:2]))
    assert main(["audit", "verify", str(folder)]) == 0
    assert main(["audit", "verify", str(folder), "--head", head]) == 6
    segment.write_bytes(lines[0] + lines[2])
    assert main(["audit", "verify", str(folder)]) == 6
    assert "BROKEN" in capsys.readouterr().out


def test_no_journal_is_told(tmp_path: Path) -> None:
    assert main(["audit", "verify", str(tmp_path)]) == 7
