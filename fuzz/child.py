"""One target in a process of its own: libFuzzer ends the process that it runs in."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType

from run import HANG_S, fuzz
from scratch_file import FOLDER_VARIABLE

__all__ = ["run_in_child"]

_IN_MEMORY = Path("/dev/shm")  # nosec B108
_GRACE_S = 4 * HANG_S
"""Time beyond what was asked for, after which a process is ended that does not end, s."""


def run_in_child(target: ModuleType, corpus: Path, log: Path, *, seconds: int, seed: int) -> int:
    """Fuzz a target with its output in ``log``; return the exit status, 0 without a finding."""
    place = _IN_MEMORY if _IN_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="usdk-fuzz-", dir=place) as folder:
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            os.environ[FOLDER_VARIABLE] = folder
            descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(descriptor, 1)
            os.dup2(descriptor, 2)
            # A finding leaves by SystemExit, through which libFuzzer stores the input.
            try:
                fuzz(target, corpus, seconds=seconds, seed=seed)
            except Exception:
                import traceback

                traceback.print_exc()
            sys.exit(1)
        return _waited(child, seconds + _GRACE_S)


def _waited(child: int, seconds: float) -> int:
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return status
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]
