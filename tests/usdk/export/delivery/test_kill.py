"""A sender killed at random loses nothing, sends nothing twice and breaks no chain."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from imaging_cloud import why_no_cloud

WHOLE = bool(os.environ.get("USDK_TEST_WHOLE"))
SCRIPT = Path(__file__).parents[4] / "scripts" / "kill_deliveries"


def run(folder: Path, n_kills: int, n_objects: int, *options: str) -> None:
    # In an interpreter of its own: the test forks, and pytest may have threads.
    command = [sys.executable, str(SCRIPT), "--folder", str(folder / "kill"), *options]
    command += ["--kills", str(n_kills), "--objects", str(n_objects)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_sender_killed_again_and_again_delivers_everything_once(tmp_path: Path) -> None:
    run(tmp_path, *((500, 200) if WHOLE else (6, 12)))


def test_orthanc_has_everything_once_of_a_sender_killed_again_and_again(tmp_path: Path) -> None:
    if why_no_cloud():
        pytest.skip(why_no_cloud())
    run(tmp_path, *((500, 200) if WHOLE else (4, 10)), "--orthanc")
