"""Is sample 0 where the recording says it is? Told from the data themselves."""

from __future__ import annotations

from usdk.time_zero.check import check_time_zero
from usdk.time_zero.report import TimeZeroReport, Verdict

__all__ = ["TimeZeroReport", "Verdict", "check_time_zero"]
