from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None,
    reason="atheris is not installed: it has wheels for CPython on Linux x86-64 alone",
)

FUZZ = Path(__file__).parents[1] / "fuzz"
DEADLINE_S = 900
PLANTED = """
def seeds():
    return [b"abc"]


def one_input(data):
    {body}
"""
TALLY = re.compile(r"^(\w+) +([\d,]+) inputs +\d+ s +(\d+) findings$", re.MULTILINE)


def campaign(folder: Path, *arguments: str) -> tuple[int, str, dict[str, tuple[int, int]]]:
    """Return exit status, output, and each target's inputs and findings."""
    done = subprocess.run(
        [sys.executable, FUZZ / "campaign.py", "--folder", folder, "--seed", "1", *arguments],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"},
    )
    output = done.stdout + done.stderr
    found = {
        name: (int(n_inputs.replace(",", "")), int(n_findings))
        for name, n_inputs, n_findings in TALLY.findall(done.stdout)
    }
    return done.returncode, output, found


@pytest.mark.slow
def test_a_minute_of_fuzzing_finds_nothing(tmp_path: Path) -> None:
    seconds = "600" if os.environ.get("USDK_TEST_WHOLE") else "60"
    status, output, found = campaign(tmp_path / "fuzz", "--seconds", seconds)
    assert status == 0, output[-20_000:]
    targets = {path.stem for path in (FUZZ / "targets").glob("*.py")}
    assert found.keys() == targets | {"together"}
    # A loaded machine makes fewer inputs, never none, nor the seeds alone.
    assert all(n_inputs > 5 and n_findings == 0 for n_inputs, n_findings in found.values()), output


def test_a_campaign_tells_of_what_raises_and_what_dies(tmp_path: Path) -> None:
    targets = tmp_path / "targets"
    targets.mkdir()
    (targets / "sound.py").write_text(PLANTED.format(body="assert isinstance(data, bytes)"))
    (targets / "raises.py").write_text(PLANTED.format(body="assert len(data) < 5"))
    (targets / "dies.py").write_text(
        PLANTED.format(body="len(data) < 5 or __import__('os').abort()")
    )
    status, output, found = campaign(tmp_path / "fuzz", "--seconds", "6", "--from", str(targets))
    assert status == 1, output
    assert {name: n_findings > 0 for name, (_, n_findings) in found.items()} == {
        "sound": False,
        "raises": True,
        "dies": True,
        "together": True,
    }
    assert "FINDING in raises" in output
    assert "AssertionError" in output
    assert found["sound"][0] > 100
    # The input is kept, to be tried again.
    assert list((tmp_path / "fuzz").glob("raises-finding-*"))
