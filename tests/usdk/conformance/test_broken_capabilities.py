"""Drivers that break a rule of gain, trigger, safety or self-test: its check fails."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from usdk.conformance import CHECKS, Report, Settings, Verdict, run_checks
from usdk.errors import DeviceFailedError, DeviceTimeoutError
from usdk.front_end import ElementCondition, ElementTest, GainCurve, PowerState, SelfTest

Capable = type[Any]
Breaker = Callable[[Capable], Capable]
SETTINGS = Settings(frame_timeout_s=1.0)
OF_CAPABILITIES = [
    check
    for check in CHECKS
    if check.group in ("gain", "aperture", "trigger", "safety", "limits", "settings")
]
RULES: list[tuple[str, Breaker]] = []


def failed(report: Report) -> set[str]:
    return {outcome.check.id for outcome in report.of(Verdict.FAILED)}


def breaks(identifier: str, **members: Any) -> None:
    RULES.append((identifier, lambda capable: type("Broken", (capable,), members)))


def _raising(error: Exception) -> Callable[..., None]:
    def raises(self: Any, *_: Any) -> None:
        raise error

    return raises


def _told_another_gain(self: Any, sequence: Any, receive: Any) -> Any:
    planned = super(type(self), self).plan(sequence, receive)
    if receive.tgc is None:
        return planned
    return replace(planned, receive=replace(planned.receive, tgc=GainCurve.constant(3.0)))


def _no_watching(self: Any) -> bool:
    return False


def _power(self: Any) -> PowerState:
    return PowerState.ACTIVE


def _start_in_any_state(self: Any) -> None:
    self.why_frozen = ""
    self.k = self.n_received = self.n_lost = 0
    self.started_s = 0.0


def _good(n_elements: int) -> SelfTest:
    return SelfTest(elements=(ElementTest(condition=ElementCondition.GOOD),) * n_elements)


def _forgets_the_set_up(self: Any, timeout_s: float) -> SelfTest:
    self._configuration = replace(self._configuration, frame_rate_hz=1.0)
    return _good(8)


_verdicts = itertools.cycle((ElementCondition.GOOD, ElementCondition.WEAK))


def _undecided(self: Any, timeout_s: float) -> SelfTest:
    return SelfTest(elements=(ElementTest(condition=next(_verdicts)),) * 8)


def _limits(**more: Any) -> Breaker:
    """Declare more than the base class, which compares, lets through."""

    def make(capable: Capable) -> Capable:
        class Broken(capable):
            def configure(self, sequence: Any = None, receive: Any = None, **depth: Any) -> Any:
                if receive is not None:
                    receive = replace(receive, **more)
                return super().configure(sequence, receive, **depth)

        return Broken

    return make


def _pulses_of_any_length(capable: Capable) -> Capable:
    class Broken(capable):
        def configure(self, sequence: Any = None, receive: Any = None, **depth: Any) -> Any:
            if sequence is not None and sequence.n_cycles > 1:
                sequence = replace(sequence, n_cycles=1.0)
            return super().configure(sequence, receive, **depth)

    return Broken


def _told_too_fast(self: Any, sequence: Any, receive: Any) -> Any:
    planned = super(type(self), self).plan(sequence, receive)
    if sequence.prf_hz is not None or sequence.n_cycles < 8:
        return planned
    return replace(planned, frame_rate_hz=0.99 * self.capabilities.max_prf_hz / len(sequence))


breaks("gain.told", plan=_told_another_gain)
breaks("gain.effect", gain_factors=lambda self: 1.0)
RULES.append(("gain.limits", _limits(tgc=None)))
RULES.append(("aperture.limits", _limits(apertures=None)))
breaks("aperture.zeros", heard=lambda self, frame: frame)
breaks("trigger.timeout", no_trigger=_raising(DeviceTimeoutError("no frame")))
breaks("trigger.timeout", no_trigger=_raising(DeviceFailedError("broken")))
breaks("safety.watchdog", is_too_silent=_no_watching)
breaks("safety.watchdog", frozen=_raising(DeviceTimeoutError("no frame")))
breaks("safety.power", power_state=property(_power))
breaks("safety.power", _start=_start_in_any_state)
breaks("safety.selftest", self_test=lambda self, timeout_s: _good(7))
breaks("safety.selftest", self_test=_forgets_the_set_up)
breaks("safety.selftest", self_test=_undecided)
breaks("safety.selftest", self_test=_raising(OSError("no such thing")))
RULES.append(("safety.duty", _pulses_of_any_length))
breaks("safety.duty", plan=_told_too_fast)


def test_a_driver_that_has_it_all_passes(capable: Capable) -> None:
    report = run_checks("toy:", opener=capable.open, settings=SETTINGS)
    assert [f"{o.check.id}: {o.seen}" for o in report.of(Verdict.FAILED)] == []
    skipped = {outcome.check.id for outcome in report.of(Verdict.SKIPPED)}
    assert skipped == {"loss.end", "unplug.error-and-return"}


@pytest.mark.parametrize(
    ("identifier", "breaker"), RULES, ids=[f"{name}-{k}" for k, (name, _) in enumerate(RULES)]
)
def test_the_check_of_a_rule_that_is_broken_fails(
    identifier: str, breaker: Breaker, capable: Capable
) -> None:
    checks = [check for check in OF_CAPABILITIES if check.id == identifier]
    report = run_checks("toy:", opener=breaker(capable).open, checks=checks, settings=SETTINGS)
    assert failed(report) == {identifier}


def test_apertures_that_are_not_told_fail(capable: Capable) -> None:
    class Broken(capable):
        def plan(self, sequence: Any, receive: Any) -> Any:
            planned = super().plan(sequence, receive)
            return replace(planned, receive=replace(planned.receive, apertures=None))

        def heard(self, frame: Any) -> Any:
            silent = np.zeros_like(frame)
            silent[:, 4:] = frame[:, 4:]
            return silent

    checks = [check for check in CHECKS if check.id == "aperture.zeros"]
    report = run_checks("toy:", opener=Broken.open, checks=checks, settings=SETTINGS)
    assert failed(report) == {"aperture.zeros"}


def test_every_check_of_a_capability_has_a_driver_that_breaks_it() -> None:
    checks = {check.id for check in CHECKS if check.requires in ("Reception", "Triggers", "Safety")}
    assert {identifier for identifier, _ in RULES} == checks
