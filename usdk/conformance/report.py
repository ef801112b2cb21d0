"""Report: what came of the checks."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from usdk.acquisition import DeviceInfo
from usdk.conformance.check import Check
from usdk.errors import UsdkError

__all__ = ["Outcome", "Report", "Verdict"]


class Verdict(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one check.

    Parameters
    ----------
    check : Check
        Which.
    verdict : Verdict
        How it ended.
    time_s : float
        How long it took, s.
    note : str
        What was measured, or why it was skipped.
    seen, expected, advice : str
        Of a check that failed: what the front-end did, what the contract asks for, what to do.
    """

    check: Check
    verdict: Verdict
    time_s: float
    note: str = ""
    seen: str = ""
    expected: str = ""
    advice: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "id": self.check.id,
            "title": self.check.title,
            "requires": self.check.requires,
            "verdict": self.verdict.value,
            "time_s": self.time_s,
            "note": self.note,
            "seen": self.seen,
            "expected": self.expected,
            "advice": self.advice,
        }


@dataclass(frozen=True, kw_only=True)
class Report:
    """What came of the checks of one front-end.

    Parameters
    ----------
    address : str
        Of the front-end; of a file the scheme alone, as a path may tell whose examination it is.
    device : DeviceInfo, optional
        Who it says it is; None when it could not be opened.
    outcomes : tuple of Outcome
        One for each check that was asked for, in order.
    started : datetime
        When the first check began.
    opening_error : UsdkError, optional
        Why it could not be opened.
    """

    address: str
    device: DeviceInfo | None
    outcomes: tuple[Outcome, ...]
    started: datetime
    opening_error: UsdkError | None = None

    def of(self, verdict: Verdict) -> tuple[Outcome, ...]:
        """Return the outcomes of one verdict."""
        return tuple(outcome for outcome in self.outcomes if outcome.verdict is verdict)

    @property
    def is_conformant(self) -> bool:
        """Whether something was tried and nothing failed."""
        return not self.of(Verdict.FAILED) and bool(self.of(Verdict.PASSED))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "address": self.address,
            "device": None if self.device is None else asdict(self.device),
            "started": self.started.isoformat(),
            "is_conformant": self.is_conformant,
            **{f"n_{verdict.value}": len(self.of(verdict)) for verdict in Verdict},
            "checks": [outcome.to_dict() for outcome in self.outcomes],
        }
