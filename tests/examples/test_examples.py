from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("[0-9]*.py"))

MADE = {
    "01_first_frame.py": {"first.dcm"},
    "02_record_and_replay.py": {"scan.usrec", "f1.npz", "f2.npz"},
    "03_sign_and_verify.py": {"cine.dcm"},
    "04_losses.py": set(),
    "05_volume.py": {"slices.png"},
    "06_colour.py": set(),
    "07_spectral.py": {"flow.wav", "spectrum.png"},
    "08_live.py": {"live.usrec"},
}
SAID = {
    "02_record_and_replay.py": "F-number 2: 4 frames",
    "03_sign_and_verify.py": "as it was signed: True\nwith one bit changed: False",
    "04_losses.py": "whole frames\nlost 1 frames from number",
    "05_volume.py": "256 elements, 327168 points",
    "06_colour.py": "615 frames/s\nNyquist velocity 0.51 m/s\nmedian along the beam +",
    "08_live.py": "damaged 0: True\nb-mode: ",
}


def test_every_example_is_run_here() -> None:
    assert [path.name for path in EXAMPLES] == sorted(MADE)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_example_runs_without_a_screen(example: Path, tmp_path: Path) -> None:
    work, scratch = tmp_path / "work", tmp_path / "scratch"
    work.mkdir()
    scratch.mkdir()
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DISPLAY", "WAYLAND_DISPLAY")
    }
    environment |= {"TMPDIR": str(scratch), "USDK_DEVELOPMENT_KEYS": str(tmp_path / "keys")}
    done = subprocess.run(
        [sys.executable, "-W", "error", str(example)],
        cwd=work,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert {path.name for path in work.iterdir()} == MADE[example.name]
    assert SAID.get(example.name, "") in done.stdout
