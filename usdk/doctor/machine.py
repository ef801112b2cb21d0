"""Processors, disk, and the cache of compiled kernels."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from usdk.front_end import Finding, Severity
from usdk_kernels import envelope

__all__ = ["cache_finding", "disk_finding", "thread_finding"]

RECORDING_RATE_BYTES_S = 200e6
"""A front-end that records channel data in full, bytes/s."""

LEAST_RECORDING_S = 60.0
"""A disk with less room than so much of a recording is worth a note, s."""


def thread_finding(n_threads: int | None = None) -> Finding:
    """Return how many threads kernels may run on."""
    if n_threads is None:
        n_threads = _n_threads()
    if n_threads > 1:
        message = f"{n_threads} processors may be used"
        return Finding(topic="processors", severity=Severity.OK, message=message)
    return Finding(
        topic="processors",
        severity=Severity.NOTE,
        message="one processor may be used: reading and image formation take turns on it",
        advice="give the program (container, virtual machine) two or more",
    )


def disk_finding(
    folder: Path, usage: Callable[[Path], Any] = shutil.disk_usage, access: Any = os.access
) -> Finding:
    """Return how much can be recorded into a folder."""
    topic = "disk"
    try:
        free_bytes = int(usage(folder).free)
    except OSError as error:
        message = f"the folder for recordings cannot be looked at ({error.strerror})"
        advice = "choose one that exists: usdk doctor --folder DIR"
        return Finding(topic=topic, severity=Severity.PROBLEM, message=message, advice=advice)
    if not access(folder, os.W_OK):
        return Finding(
            topic=topic,
            severity=Severity.NOTE,
            message="nothing can be recorded into this folder: it cannot be written to",
            advice="record elsewhere, or choose another: usdk doctor --folder DIR",
        )
    time_s = free_bytes / RECORDING_RATE_BYTES_S
    message = (
        f"{free_bytes / 1e9:.1f} GB are free, {time_s:.0f} s of channel data at "
        f"{RECORDING_RATE_BYTES_S / 1e6:.0f} MB/s"
    )
    if time_s >= LEAST_RECORDING_S:
        return Finding(topic=topic, severity=Severity.OK, message=message)
    advice = "free space, or record to another disk"
    return Finding(topic=topic, severity=Severity.NOTE, message=message, advice=advice)


def cache_finding(kernel: Any = envelope.envelope_rf) -> Finding:
    """Return whether compiled kernels are kept for the next process, by asking one of them."""
    topic = "kernel cache"
    stats = getattr(kernel, "stats", None)
    if stats is None:
        message = "NUMBA_DISABLE_JIT is set: kernels run as plain Python, hundreds of times slower"
        return Finding(
            topic=topic,
            severity=Severity.PROBLEM,
            message=message,
            advice="unset NUMBA_DISABLE_JIT",
        )
    if stats.cache_path is None:
        return _uncached("numba finds no folder that can be written to")
    folder = Path(stats.cache_path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"usdk")
        is_empty = next(folder.glob("*.nbi"), None) is None
    except OSError as error:
        return _uncached(f"{folder} cannot be written to ({error.strerror})")
    if is_empty:
        return Finding(
            topic=topic,
            severity=Severity.NOTE,
            message=f"no kernel is compiled yet in {folder}: the first frame takes seconds",
            advice="usdk warm-up",
        )
    message = f"compiled kernels are kept in {folder}"
    return Finding(topic=topic, severity=Severity.OK, message=message)


def _uncached(why: str) -> Finding:
    return Finding(
        topic="kernel cache",
        severity=Severity.NOTE,
        message=f"{why}: each process compiles for itself, the first frame takes seconds",
        advice="set NUMBA_CACHE_DIR to a folder that can be written to, then usdk warm-up",
    )


def _n_threads() -> int:
    # Where the system can say so, those that this process may use.
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1
