"""A unit and a cloud in network namespaces of their own, with two bad lines between them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["CLOUD_ADDRESSES", "NetworkLab", "why_no_lab"]

CLOUD_ADDRESSES = ("10.77.0.2", "10.77.1.2")
"""Of the cloud, over the first and over the second line."""

_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def why_no_lab() -> str:
    """Return why it cannot be had here; empty if it can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip", path=_PATH) is None:
        return "ip (Debian's iproute2) is not installed"
    try:
        with NetworkLab() as lab:
            lab.set_line(0)
    except (OSError, RuntimeError, subprocess.SubprocessError):
        return "this kernel gives no network namespaces or no TUN devices"
    return ""


class NetworkLab:
    """Namespaces and relay, for the length of a block.

    Parameters
    ----------
    congestion_control : str
        What TCP uses at both ends; the kernel's name of it.
    """

    def __init__(self, *, congestion_control: str = "cubic") -> None:
        self.unit = f"usdk-unit-{os.getpid()}"
        self.cloud = f"usdk-cloud-{os.getpid()}"
        self._congestion_control = congestion_control
        self._relay: subprocess.Popen[str] | None = None

    def set_line(self, line: int, **quality: float | bool) -> None:
        """Change a line: ``loss``, ``delay_s`` (each way), ``rate_bit_s``, ``is_cut``."""
        assert self._relay is not None
        assert self._relay.stdin is not None
        self._relay.stdin.write(json.dumps({"line": line} | quality) + "\n")
        self._relay.stdin.flush()

    def inside(self, namespace: str) -> list[str]:
        """Return what a command is begun with to run in a namespace."""
        ip = shutil.which("ip", path=_PATH) or "ip"
        return [ip, "netns", "exec", namespace]

    def __enter__(self) -> Self:
        try:
            for namespace in (self.unit, self.cloud):
                _run("ip", "netns", "add", namespace)
                _run(*self.inside(namespace), "ip", "link", "set", "lo", "up")
            relay = Path(__file__).with_name("network_relay.py")
            self._relay = subprocess.Popen(
                [sys.executable, str(relay), self.unit, self.cloud, self._congestion_control],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=os.environ | {"PATH": _PATH},
            )
            assert self._relay.stdout is not None
            if self._relay.stdout.readline() != "ready\n":
                raise RuntimeError("the relay between the namespaces did not start")
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def _end(self) -> None:
        if self._relay is not None:
            self._relay.communicate(timeout=30)
            self._relay = None
        for namespace in (self.unit, self.cloud):
            if Path("/run/netns", namespace).exists():
                _run("ip", "netns", "delete", namespace)


def _run(*command: str) -> None:
    subprocess.run(
        command, check=True, capture_output=True, timeout=60, env=os.environ | {"PATH": _PATH}
    )
