"""Back-off: how long to wait after the n-th failure. No I/O, no clock, no chance of its own."""

from __future__ import annotations

__all__ = ["BASE_S", "CAP_S", "backoff_s"]

BASE_S = 1.0
"""Longest wait after the first failure, s; each further one doubles it."""

CAP_S = 300.0
"""Longest wait of all, s: what is up again is found within this."""


def backoff_s(
    n_failures: int, chance: float, *, base_s: float = BASE_S, cap_s: float = CAP_S
) -> float:
    """Return a wait with full jitter, s.

    The wait is ``chance * min(cap, base * 2**(n - 1))``. Units that lost one receiver together so
    come back spread out, and not all at once (Brooker, "Exponential backoff and jitter", AWS
    architecture blog, 2015: full jitter).

    Parameters
    ----------
    n_failures : int
        Failures so far; none means no wait.
    chance : float
        Uniform in [0, 1).
    base_s, cap_s : float
        The first and the last bound, s.
    """
    if n_failures <= 0:
        return 0.0
    # 2**64 is far over any cap; a larger exponent would overflow a float.
    return chance * min(cap_s, base_s * 2.0 ** min(n_failures - 1, 64))
