"""A sender killed at random loses nothing, sends nothing twice and breaks no chain."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

WHOLE = bool(os.environ.get("USDK_TEST_WHOLE"))


def test_a_sender_killed_again_and_again_delivers_everything_once(tmp_path: Path) -> None:
    # In an interpreter of its own: the test forks, and pytest may have threads.
    script = Path(__file__).parents[4] / "scripts" / "kill_deliveries"
    n_kills, n_objects = (500, 200) if WHOLE else (10, 24)
    command = [sys.executable, str(script), "--folder", str(tmp_path / "kill")]
    command += ["--kills", str(n_kills), "--objects", str(n_objects)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
