from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from usdk.cli import memory

SMALL = "from usdk.cli.memory import peak_memory_bytes; print(peak_memory_bytes())"


def test_what_the_starting_process_held_does_not_count() -> None:
    held = bytearray(700 * 2**20)
    held[:: 2**12] = b"x" * len(held[:: 2**12])
    done = subprocess.run([sys.executable, "-c", SMALL], capture_output=True, check=True)
    assert 2**20 < int(done.stdout) < 500 * 2**20


def test_where_the_system_tells_nothing_the_usage_does(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(memory, "_STATUS", tmp_path / "none")
    peak = memory.peak_memory_bytes()
    assert peak is None or peak > 2**20
