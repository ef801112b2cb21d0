from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from usdk.export.outbox import Outbox

_PROGRAM = """
import os, signal, sys
from usdk.export.outbox import Outbox
outbox = Outbox(sys.argv[1], reserve_bytes=0)
outbox.set_line_in_use("fibre")
print(outbox.line_in_use(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_delivery_uses_no_line(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(tmp_path / "box")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.stdout == "fibre\n"
    with Outbox(tmp_path / "box", reserve_bytes=0) as outbox:
        assert outbox.line_in_use() == ""
        outbox.set_line_in_use("mobile")
        assert outbox.line_in_use() == "mobile"
