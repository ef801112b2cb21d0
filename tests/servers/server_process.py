"""Start a server of another maker on a free port of loopback, and end it."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

__all__ = ["free_ports", "running_server"]

_START_S = 60.0
_STOP_S = 10.0
_POLL_S = 0.05


def free_ports(n: int) -> list[int]:
    """Return ports that were free a moment ago, no two of them the same."""
    sockets = [socket.socket() for _ in range(n)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


@contextmanager
def running_server(
    command: Sequence[str | Path], log: Path, *, is_ready: Callable[[], bool]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server for the length of a block, from when it is ready.

    Raises
    ------
    RuntimeError
        It ended, or was not ready in time; its output is in the message.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            list(map(str, command)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=log.parent,
        )
        try:
            deadline_s = time.monotonic() + _START_S
            while not is_ready():
                if process.poll() is not None or time.monotonic() > deadline_s:
                    said = log.read_text(errors="replace")[-2000:]
                    raise RuntimeError(f"{Path(command[0]).name} did not start: {said}")
                time.sleep(_POLL_S)
            yield process
        finally:
            process.terminate()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
