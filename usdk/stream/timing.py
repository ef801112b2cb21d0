"""How long a stage takes, without keeping more than its recent past."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np

from usdk.arguments import number
from usdk.errors import ArgumentError

__all__ = ["N_RECENT", "Stopwatch", "Timing", "wait_s"]

N_RECENT = 4096
"""Durations from which medians and percentiles are taken."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Durations of a stage.

    Parameters
    ----------
    n : int
        How often it ran.
    total_s : float
        Sum of all durations, s.
    median_s, p99_s, greatest_s : float
        Of the last `N_RECENT` durations, s; 0 when there are none.
    """

    n: int = 0
    total_s: float = 0.0
    median_s: float = 0.0
    p99_s: float = 0.0
    greatest_s: float = 0.0


def wait_s(timeout_s: float) -> float:
    """Return how long to wait, 0 or more, at most what threads can; `ArgumentError` if none."""
    result = number(timeout_s, "timeout_s")
    if not result >= 0:
        raise ArgumentError(f"timeout_s must be 0 or more, or None to wait without end: {result}")
    return min(result, threading.TIMEOUT_MAX)


class Stopwatch:
    """Takes durations from one thread, and tells them to any."""

    def __init__(self) -> None:
        self._recent_s = np.zeros(N_RECENT)
        self._n = 0
        self._total_s = 0.0
        self._lock = threading.Lock()

    def add(self, duration_s: float) -> None:
        """Take one duration, s."""
        with self._lock:
            self._recent_s[self._n % N_RECENT] = duration_s
            self._n += 1
            self._total_s += duration_s

    def timing(self) -> Timing:
        """Return what was taken so far."""
        with self._lock:
            recent_s = self._recent_s[: min(self._n, N_RECENT)].copy()
            n, total_s = self._n, self._total_s
        if not n:
            return Timing()
        median_s, p99_s = np.percentile(recent_s, (50, 99))
        return Timing(
            n=n,
            total_s=total_s,
            median_s=float(median_s),
            p99_s=float(p99_s),
            greatest_s=float(recent_s.max()),
        )
