"""Check: one rule of the contract, and how it is tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from usdk.conformance.bench import Bench

__all__ = ["DEFAULT_CHECK_TIMEOUT_S", "Check", "check"]

DEFAULT_CHECK_TIMEOUT_S = 30.0
"""How long a check may take before it counts as hanging, s."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One rule of the contract, and how it is tried.

    Parameters
    ----------
    id : str
        Group and name, ``data.finite``; stays the same from version to version.
    title : str
        The rule in one sentence.
    requires : str
        Heading of drivers/README.md under which the rule stands.
    run : callable
        Tries it on a `Bench`. Returns a note of what was measured, or None; raises
        `DeviationError` or `NotApplicableError`.
    timeout_s : float
        How long it may take, s.
    timeout_per_frame_s : float
        How much longer for each frame of `Settings.n_frames`, s.
    """

    id: str
    title: str
    requires: str
    run: Callable[[Bench], str | None]
    timeout_s: float = DEFAULT_CHECK_TIMEOUT_S
    timeout_per_frame_s: float = 0.0

    @property
    def group(self) -> str:
        """First part of the id."""
        return self.id.partition(".")[0]


def check(
    identifier: str,
    title: str,
    *,
    requires: str,
    timeout_s: float = DEFAULT_CHECK_TIMEOUT_S,
    timeout_per_frame_s: float = 0.0,
) -> Callable[[Callable[[Bench], str | None]], Check]:
    """Return a decorator that makes a `Check` of a function."""

    def make(run: Callable[[Bench], str | None]) -> Check:
        return Check(
            id=identifier,
            title=title,
            requires=requires,
            run=run,
            timeout_s=timeout_s,
            timeout_per_frame_s=timeout_per_frame_s,
        )

    return make
