"""Over lines that lose, delay and break, everything arrives, and every switch is in the journal."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from imaging_cloud import why_no_cloud
from network_lab import why_no_lab
from network_test import Run, network_test

WHOLE = bool(os.environ.get("USDK_TEST_WHOLE"))
SCRIPT = Path(__file__).parents[4] / "scripts" / "deliver_over_bad_lines"


@pytest.fixture(scope="module", autouse=True)
def _can_be_had() -> None:
    why = why_no_cloud() or why_no_lab()
    if why:
        pytest.skip(why)


N_OBJECTS = 12


def test_what_one_bad_line_cannot_carry_the_other_does(tmp_path: Path) -> None:
    with network_test(tmp_path, congestion_control="cubic") as test:
        for line in range(2):
            test.lab.set_line(line, loss=0.05, delay_s=0.05, rate_bit_s=8e6)
        test.lab.set_line(0, is_cut=True)

        def mend(ended: threading.Event, run: Run) -> None:
            # Or the unit would wait at its end for an answer over the line that is cut.
            while not ended.wait(0.05):
                if run.n_confirmed == N_OBJECTS:
                    test.lab.set_line(0, is_cut=False)
                    return

        run = test.deliver(test.signed.make(N_OBJECTS, n_bytes=20_000), meanwhile=mend)
        assert run.n_confirmed == N_OBJECTS
        assert test.problems() == []
    assert run.chain_is_whole
    assert "second" in run.switches()


@pytest.mark.slow
@pytest.mark.skipif(not WHOLE, reason="a quarter of an hour: USDK_TEST_WHOLE=1 runs it")
def test_cuts_pictures_and_full_lines_are_as_they_must_be() -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT)], capture_output=True, text=True, timeout=3000, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
