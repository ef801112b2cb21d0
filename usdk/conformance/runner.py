"""The runner: one check after the other, none of which can stop or hold up the next."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from usdk.acquisition import DeviceInfo
from usdk.arguments import require_instance, short
from usdk.conformance.bench import Bench, Settings
from usdk.conformance.catalogue import CHECKS
from usdk.conformance.check import Check
from usdk.conformance.expect import DeviationError, NotApplicableError
from usdk.conformance.report import Outcome, Report, Verdict
from usdk.conformance.watchdog import EscapedError, HungError, within
from usdk.conformance.watched import WatchedFrontEnd
from usdk.errors import ArgumentError, UsdkError
from usdk.front_end import FrontEnd, open_front_end

__all__ = ["NOT_OPENED", "run_checks"]

NOT_OPENED = "it could not be opened"
"""Note of every check when the front-end cannot be opened at all."""

_CLOSING_TIMEOUT_S = 3.0
_CLOSING_TIMEOUT_AFTER_A_HANG_S = 0.2
_OPENING_TIMEOUT_S = 30.0


def run_checks(
    address: str,
    *,
    checks: Iterable[Check] = CHECKS,
    settings: Settings | None = None,
    opener: Callable[[], FrontEnd] | None = None,
    on_outcome: Callable[[Outcome], None] | None = None,
) -> Report:
    """Try whether a front-end keeps the contract.

    It is opened for each check and closed after it. A check that does not end in its time has
    failed; its thread is left behind and the next check opens the front-end anew. Nothing that a
    driver raises ends the run.

    Parameters
    ----------
    address : str
        As for `usdk.open_front_end`.
    checks : iterable of Check
        Which; all of them by default.
    settings : Settings, optional
        How.
    opener : callable, optional
        Opens the front-end, in place of ``open_front_end(address)``.
    on_outcome : callable, optional
        Told each outcome as it comes.

    Returns
    -------
    Report
        If the front-end cannot be opened at all, ``opening_error`` tells why and every check was
        skipped.

    Raises
    ------
    ArgumentError
        If an argument is something else.
    """
    if not isinstance(address, str):
        raise ArgumentError(f"an address is text such as 'sim:linear-l11-5v', not {short(address)}")
    if not isinstance(checks, Iterable):
        raise ArgumentError("checks is a list of checks: choose some with chosen_checks")
    checks = tuple(checks)
    for entry in checks:
        require_instance(entry, Check, "each of checks")
    settings = Settings() if settings is None else settings
    require_instance(settings, Settings, "settings")
    for name, function in (("opener", opener), ("on_outcome", on_outcome)):
        if function is not None and not callable(function):
            raise ArgumentError(f"{name} is called: give a function, not {short(function)}")
    closing_timeout_s = min(_CLOSING_TIMEOUT_S, settings.timeout_s or math.inf)
    run = _Run(opener or partial(open_front_end, address), settings, closing_timeout_s)
    started = datetime.now(UTC)
    device, error = run.greet()
    outcomes = []
    for entry in checks:
        if error is None:
            outcome = run.outcome(entry)
        else:
            outcome = Outcome(check=entry, verdict=Verdict.SKIPPED, time_s=0.0, note=NOT_OPENED)
        outcomes.append(outcome)
        if on_outcome is not None:
            on_outcome(outcome)
    return Report(
        address=_public(address),
        device=device,
        outcomes=tuple(outcomes),
        started=started,
        opening_error=error,
    )


def _public(address: str) -> str:
    """Return an address without a file's path, which may tell whose examination it holds."""
    scheme, _, rest = address.partition(":")
    with suppress(OSError, ValueError):
        if scheme == "file" or Path(rest.partition("?")[0]).is_file():
            return f"{scheme}:"
    return address


@dataclass
class _Run:
    opener: Callable[[], FrontEnd]
    settings: Settings
    closing_timeout_s: float

    def greet(self) -> tuple[DeviceInfo | None, UsdkError | None]:
        """Open the front-end once; return who it is, or why it cannot be opened."""

        def ask() -> DeviceInfo | None:
            front_end = WatchedFrontEnd.opened_by(self.opener)
            try:
                with suppress(UsdkError, DeviationError):
                    return front_end.info
                return None
            finally:
                self._close(front_end.front_end.close)

        try:
            return within(_OPENING_TIMEOUT_S, ask, "open"), None
        except UsdkError as error:
            return None, error
        except (HungError, EscapedError, DeviationError):
            # What is wrong with opening is for the checks to say.
            return None, None

    def outcome(self, entry: Check) -> Outcome:
        """Return what comes of one check."""
        bench = Bench(self.opener, self.settings)
        close = partial(self._close, bench.close_all)
        timeout_s = self.settings.timeout_s
        if timeout_s is None:
            timeout_s = entry.timeout_s + entry.timeout_per_frame_s * self.settings.n_frames
        started_s = time.monotonic()
        result = partial(Outcome, check=entry)
        try:
            note = within(timeout_s, partial(entry.run, bench), entry.id)
            verdict = partial(result, verdict=Verdict.PASSED, note=note or "")
        except NotApplicableError as reason:
            verdict = partial(result, verdict=Verdict.SKIPPED, note=str(reason))
        except KeyboardInterrupt:
            close()
            raise
        except Exception as error:
            verdict = partial(result, verdict=Verdict.FAILED, **_fault(error))
        time_s = time.monotonic() - started_s
        close()
        return verdict(time_s=time_s)

    def _close(self, close: Callable[[], None]) -> None:
        """Close what is open; how a front-end closes is for the checks to say."""
        with suppress(Exception):
            try:
                within(self.closing_timeout_s, close, "close")
            except HungError:
                # One that hung will hang again: the others need not wait for it as long.
                short_s = min(self.closing_timeout_s, _CLOSING_TIMEOUT_AFTER_A_HANG_S)
                self.closing_timeout_s = short_s


def _fault(error: Exception) -> dict[str, str]:
    match error:
        case DeviationError():
            return {"seen": error.seen, "expected": error.expected, "advice": error.advice}
        case HungError():
            return {
                "seen": str(error),
                "expected": "every call to return in its time",
                "advice": "give every wait a timeout, and let no read go past its deadline_s",
            }
        case UsdkError():
            return {
                "seen": f"{type(error).__name__}: {error}",
                "expected": "no error",
                "advice": "follow the message; 'usdk conformance' with --only repeats this check "
                "alone",
            }
        case _:
            return {
                "seen": f"{type(error).__name__}: {error}",
                "expected": "an error of usdk.errors, or none",
                "advice": "catch what a library raises inside the driver",
            }
