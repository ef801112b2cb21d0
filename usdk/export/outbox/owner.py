"""Who holds a lease: one process of one boot, and whether it still lives."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from usdk.export.outbox.clock import read_clock

__all__ = ["is_surely_dead", "make_lease", "make_owner"]


def make_owner() -> str:
    """Return a name for one user of the outbox in this process, unlike any other's."""
    pid = os.getpid()
    parts = (read_clock().boot_id, _namespace(), str(pid), _started(pid), secrets.token_hex(4))
    return ":".join(parts)


def make_lease(owner: str) -> str:
    """Return a name for one claim: who let it run out does not hold the next of the same owner."""
    return f"{owner}:{secrets.token_hex(4)}"


def is_surely_dead(lease: str) -> bool:
    """Return whether the process is known to have ended; False where that cannot be seen."""
    parts = lease.split(":")
    if len(parts) < 5 or not parts[2].isdecimal():
        return False
    boot_id, namespace, pid, started = parts[:4]
    if boot_id != read_clock().boot_id:
        return True
    if not namespace or namespace != _namespace() or not started:
        return False  # a process in another container: only its lease tells
    return _started(int(pid)) != started


def _namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").stat().st_ino)
    except OSError:
        return ""


def _started(pid: int) -> str:
    """Return when a process began, in ticks since boot; empty when it is gone or has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # The name in parentheses may hold spaces and parentheses; state follows the last one.
    fields = text.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[19]
