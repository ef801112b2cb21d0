"""Triggers, power states, watchdog, self-test: where a device has them, they keep it safe."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from usdk.conformance.bench import Bench
from usdk.conformance.check import check
from usdk.conformance.expect import DeviationError, NotApplicableError, require, require_refusal
from usdk.conformance.program import Program
from usdk.conformance.watched import WatchedFrontEnd, watched
from usdk.errors import (
    ArgumentError,
    DeviceFrozenError,
    StateError,
    TriggerTimeoutError,
    UsdkError,
)
from usdk.front_end import (
    HasPowerStates,
    HasSelfTest,
    HasSettings,
    HasWatchdog,
    PowerState,
    SelfTest,
    change_settings,
    set_power_state,
    settings_of,
)

__all__ = ["CHECKS"]

TRIGGER_TIMEOUT_S = 0.3
FREEZE_SLACK_S = 1.0
"""How long after the watchdog's time it may take until a read tells, s."""
SELF_TEST_WITHIN_S = 20.0

_SAFETY = "Safety"
_TRIGGERS = "Triggers"
_LEAST_SILENCE_S = 0.2
_PULSE_FACTOR = 2.0
_LONG_CYCLES = 64.0
_ROUNDING = 1e-6


@contextmanager
def _changed(front_end: WatchedFrontEnd, values: dict[str, Any]) -> Iterator[None]:
    """Change settings for a block, and put them back whatever happens in it."""
    driver = front_end.front_end
    before = {name: settings_of(driver)[name].value for name in values}
    watched("set_setting", dict, lambda: change_settings(driver, values))
    try:
        yield
    finally:
        driver.stop()
        change_settings(driver, before)


def _read_error(front_end: WatchedFrontEnd, for_s: float) -> tuple[UsdkError | None, float]:
    """Read until an error that is no mere lack of time; return it, and after how long it came."""
    started_s = time.monotonic()
    while (time_s := time.monotonic() - started_s) < for_s:
        try:
            front_end.read(timeout_s=for_s)
        except UsdkError as error:
            return error, time.monotonic() - started_s
    return None, time_s


@check(
    "trigger.timeout", "a trigger that does not come is a TriggerTimeoutError", requires=_TRIGGERS
)
def trigger_timeout(bench: Bench) -> str | None:
    """Wait for an external trigger; expect frames, or the error in time; then go on without."""
    front_end, _ = bench.adjustable()
    if not front_end.capabilities.trigger.has_input:
        raise NotApplicableError("it has no trigger input")
    if "trigger.source" not in settings_of(front_end.front_end):
        raise DeviationError(
            "there is no setting trigger.source",
            expected="one, as capabilities tell of a trigger input",
            advice="offer trigger.source, trigger.edge and trigger.timeout_s as settings",
        )
    values = {"trigger.source": "external", "trigger.timeout_s": TRIGGER_TIMEOUT_S}
    with _changed(front_end, values):
        front_end.start()
        error, time_s = _read_error(front_end, TRIGGER_TIMEOUT_S + FREEZE_SLACK_S)
        if error is None:
            note = "triggers come: the timeout was not tried"
        else:
            require(
                isinstance(error, TriggerTimeoutError),
                f"without a trigger the read ended in {type(error).__name__}: {error}",
                expected="TriggerTimeoutError",
                advice="tell a missing trigger from a missing answer",
            )
            note = f"TriggerTimeoutError after {time_s:.2f} s"
    front_end.start()
    bench.read(front_end)
    return note


@check(
    "safety.power", "frozen or in standby it does not start, active again it does", requires=_SAFETY
)
def power(bench: Bench) -> str | None:
    """Freeze it while it runs, and put it into standby; expect StateError from start."""
    front_end, _ = bench.ready()
    driver = front_end.front_end
    if not (isinstance(driver, HasPowerStates) and front_end.capabilities.has_power_states):
        raise NotApplicableError("it has no power states")
    configuration = front_end.configuration
    for state in (PowerState.FREEZE, PowerState.STANDBY):
        bench.read(front_end)
        watched("set_power_state", object, partial(set_power_state, driver, state))
        require(
            driver.power_state is state and front_end.status().power is state,
            f"set to {state}, it says that it is {driver.power_state}",
            expected=f"{state}, from power_state and from status",
            advice="ask the device for its state",
        )
        require_refusal(
            StateError,
            f"start in {state}",
            front_end.start,
            advice="refuse to start unless the device is active",
        )
        set_power_state(driver, PowerState.ACTIVE)
        require(
            front_end.configuration == configuration,
            f"after {state} the configuration is another",
            expected="what was configured stays",
            advice="keep the sequence in every power state",
        )
        front_end.start()
    bench.read(front_end)
    return None


@check("safety.watchdog", "it stops sending when its host is silent, and says so", requires=_SAFETY)
def watchdog(bench: Bench) -> str | None:
    """Be silent for longer than is allowed; expect the error, and frames after a restart."""
    front_end, _ = bench.adjustable()
    driver, limits = front_end.front_end, front_end.capabilities.watchdog
    if limits is None:
        raise NotApplicableError("it has no watchdog")
    if not (isinstance(driver, HasWatchdog) and isinstance(driver, HasSettings)):
        raise NotApplicableError("its driver cannot fall silent: see HasWatchdog")
    allowed_s = min(max(limits.least_s, _LEAST_SILENCE_S), limits.greatest_s)
    with _changed(front_end, {"watchdog.timeout_s": allowed_s}):
        bench.read(front_end)
        time.sleep(1.5 * allowed_s)
        try:
            # The driver speaks by itself while nobody reads: that is no silence.
            bench.read(front_end)
        except DeviceFrozenError as frozen:
            raise DeviationError(
                f"while nobody read for {1.5 * allowed_s:.2f} s it froze: {frozen}",
                expected="a driver that keeps the watchdog quiet by itself",
                advice="send a short request several times in the watchdog's time while it runs",
            ) from frozen
        with driver.silence():
            time.sleep(2 * allowed_s)
        error, time_s = _read_error(front_end, FREEZE_SLACK_S)
        require(
            isinstance(error, DeviceFrozenError),
            f"after {2 * allowed_s:.2f} s of silence "
            + ("frames went on" if error is None else f"came {type(error).__name__}: {error}"),
            expected=f"DeviceFrozenError, as the host may be silent for {allowed_s:g} s",
            advice="stop sending in the device, and raise DeviceFrozenError in read",
        )
        require(
            bool(front_end.status().frozen),
            "the status does not tell that it is frozen",
            expected="FrontEndStatus.frozen with the reason",
            advice="tell in _status why the device froze",
        )
        front_end.stop()
        front_end.start()
        bench.read(front_end)
        require(
            not front_end.status().frozen,
            "started again, the status still tells that it is frozen",
            expected="nothing there",
            advice="forget the reason at a start",
        )
    return f"frozen after {allowed_s:g} s of silence, told {time_s * 1e3:.0f} ms after"


@check("safety.duty", "pulses beyond max_duty_cycle or max_cycles are refused", requires=_SAFETY)
def duty(bench: Bench) -> str | None:
    """Ask for pulses that are twice as long as they may be."""
    front_end, program = bench.adjustable()
    can, sequence = front_end.capabilities, program.sequence
    assert sequence is not None
    wrong = {}
    if can.max_cycles is not None:
        wrong["a pulse of more than max_cycles"] = replace(
            sequence, n_cycles=_PULSE_FACTOR * can.max_cycles
        )
    if can.max_duty_cycle is not None:
        prf_hz = can.max_prf_hz / 2
        frequency_hz = sequence.frequency_hz or front_end.probe.centre_frequency_hz
        n_cycles = _PULSE_FACTOR * can.max_duty_cycle * frequency_hz / prf_hz
        wrong["a duty cycle above max_duty_cycle"] = replace(
            sequence, n_cycles=n_cycles, prf_hz=prf_hz
        )
    if not wrong:
        raise NotApplicableError("it declares neither max_cycles nor max_duty_cycle")
    for what, too_much in wrong.items():
        asked = replace(program, sequence=too_much)
        require_refusal(
            ArgumentError,
            what,
            partial(asked.set_on, front_end),
            advice="compare pulse length and PRF with capabilities before anything is sent",
        )
    if can.max_duty_cycle is not None:
        _require_duty_without_prf(front_end, program)
    return ", ".join(wrong)


def _require_duty_without_prf(front_end: WatchedFrontEnd, program: Program) -> None:
    """Send a long pulse as often as the device likes; expect that it keeps to its own limit."""
    can, sequence = front_end.capabilities, program.sequence
    assert sequence is not None
    assert can.max_duty_cycle is not None
    frequency_hz = sequence.frequency_hz or front_end.probe.centre_frequency_hz
    n_cycles = min(can.max_cycles or _LONG_CYCLES, _LONG_CYCLES)
    long = replace(sequence, n_cycles=n_cycles, prf_hz=None)
    configuration = replace(program, sequence=long).set_on(front_end)
    duty = configuration.frame_rate_hz * len(long) * n_cycles / frequency_hz
    require(
        math.isnan(duty) or duty <= can.max_duty_cycle * (1 + _ROUNDING),
        f"asked for {n_cycles:g} cycles and no PRF, it sends for {duty:.2%} of the time",
        expected=f"at most {can.max_duty_cycle:.2%} (max_duty_cycle)",
        advice="choose the PRF by the length of the pulse, too, and tell it as frame_rate_hz",
    )


@check(
    "safety.selftest", "a self-test tells of each element, and changes nothing", requires=_SAFETY
)
def self_test(bench: Bench) -> str | None:
    """Test twice; expect one result per element, the same verdicts, and frames afterwards."""
    front_end, _ = bench.ready()
    driver = front_end.front_end
    if not (isinstance(driver, HasSelfTest) and front_end.capabilities.has_self_test):
        raise NotApplicableError("it cannot test itself")
    configuration = front_end.configuration
    found: list[SelfTest] = [
        watched("self_test", SelfTest, lambda: driver.self_test(SELF_TEST_WITHIN_S))
        for _ in range(2)
    ]
    n_elements = front_end.probe.n_elements
    for one in found:
        require(
            len(one.elements) == n_elements,
            f"it tells of {len(one.elements)} elements",
            expected=f"{n_elements}, those of its probe in their order",
            advice="give one result for each element",
        )
        for index, element in enumerate(one.elements):
            require(
                not math.isinf(element.impedance_ohm) and not element.impedance_ohm < 0,
                f"element {index} has an impedance of {element.impedance_ohm} Ω",
                expected="a magnitude, or NaN if it was not measured",
                advice="give what was measured",
            )
    verdicts = [tuple(element.condition for element in one.elements) for one in found]
    require(
        verdicts[0] == verdicts[1],
        "two self-tests in a row came to other verdicts",
        expected="the same",
        advice="average over more pulses before a verdict",
    )
    require(
        front_end.configuration == configuration,
        "after the self-test the configuration is another",
        expected="what was configured stays",
        advice="put the sequence back after the test",
    )
    front_end.start()
    bench.read(front_end)
    cable = f", {found[0].cable_id}" if found[0].cable_id else ""
    return found[0].describe() + cable


CHECKS = (trigger_timeout, power, watchdog, duty, self_test)
