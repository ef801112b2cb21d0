"""Drivers that break one rule each: the check of that rule fails, and no other."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from usdk.acquisition import DeviceInfo, Gap
from usdk.conformance import CHECKS, Report, Settings, Verdict, held, run_checks
from usdk.conformance.checks import timing, unplugging
from usdk.errors import (
    ArgumentError,
    DeviceFailedError,
    DeviceTimeoutError,
    EndOfRecordingError,
    StateError,
)
from usdk.front_end import FrontEndState, Setting
from usdk.probe import Probe
from usdk.transmit import (
    DivergingWave,
    FocusedWave,
    PlaneWave,
    SingleElement,
    TransmitSequence,
)

Sound = type[Any]
Breaker = Callable[[Sound], Sound]
QUICK = Settings(timeout_s=1.5, frame_timeout_s=1.0)
RULES: list[tuple[str, Breaker]] = []
# What not every front-end has is for test_broken_capabilities.py.
EVERYBODY_S = [
    check for check in CHECKS if check.requires not in ("Reception", "Triggers", "Safety")
]


def breaks(identifier: str) -> Callable[[Breaker], Breaker]:
    """Register a maker of drivers that break the rule of a check."""

    def register(breaker: Breaker) -> Breaker:
        RULES.append((identifier, breaker))
        return breaker

    return register


def changed(**members: Any) -> Breaker:
    """Return a maker of a driver of which some members are others."""
    return lambda sound: type("Broken", (sound,), members)


def failed(report: Report) -> set[str]:
    return {outcome.check.id for outcome in report.of(Verdict.FAILED)}


# Identity.


def a_property(value: Callable[[Any], Any]) -> property:
    return property(value)


def device(**fields: str) -> property:
    return a_property(lambda self: replace(DeviceInfo(manufacturer="E", model="T"), **fields))


breaks("identity.info")(changed(info=device(model=" ")))
breaks("identity.info")(changed(info=device(serial_number="7\0\0")))
breaks("identity.stable")(
    lambda sound: type(
        "Broken",
        (sound,),
        {
            "info": a_property(
                lambda self: replace(
                    DeviceInfo(manufacturer="E", model="T"), serial_number=str(id(self._token))
                )
            ),
            "__init__": _with_token(sound),
        },
    )
)


def _with_token(sound: Sound) -> Callable[[Any], None]:
    kept: list[object] = []

    def init(self: Any) -> None:
        sound.__init__(self)
        self._token = object()
        kept.append(self._token)

    return init


@breaks("identity.discovery")
def discovery_raises(sound: Sound) -> Sound:
    class Broken(sound):
        @classmethod
        def discover(cls) -> Any:
            raise OSError("libusb is not installed")

    return Broken


def limits(**fields: Any) -> Breaker:
    def make(sound: Sound) -> Sound:
        class Broken(sound):
            @property
            def capabilities(self) -> Any:
                return replace(super().capabilities, **fields)

        return Broken

    return make


def array(**fields: Any) -> property:
    known = {
        "n_elements": 8,
        "pitch_m": 0.3e-3,
        "centre_frequency_hz": 5e6,
        "fractional_bandwidth": 0.6,
    }
    return a_property(lambda self: Probe.linear("toy", **known | fields))


breaks("identity.capabilities")(limits(n_receive_channels=256))
breaks("identity.geometry")(changed(probe=array(pitch_m=0.3)))
breaks("identity.geometry")(
    changed(probe=a_property(lambda self: replace(array().fget(self), pitch_m=0.2e-3)))
)
breaks("identity.frequency")(changed(probe=array(centre_frequency_hz=5.0)))


# Configuration.


def planning(change: Callable[[Any, Any, Any], Any]) -> Breaker:
    """Return a maker of a driver that sets something else than was planned."""

    def make(sound: Sound) -> Sound:
        class Broken(sound):
            def plan(self, sequence: Any, receive: Any) -> Any:
                return change(self, super().plan(sequence, receive), receive)

        return Broken

    return make


def set_receive(planned: Any, **fields: Any) -> Any:
    return replace(planned, receive=replace(planned.receive, **fields))


breaks("configure.answer")(
    planning(lambda self, planned, _: replace(planned, frame_rate_hz=math.nan))
)
breaks("configure.depth")(
    planning(
        lambda self, planned, _: set_receive(planned, n_samples=planned.receive.n_samples * 9 // 10)
    )
)
breaks("configure.sound-speed")(
    planning(lambda self, planned, _: set_receive(planned, sound_speed_m_s=1540.0))
)


@breaks("configure.rate")
def one_rate_for_all(sound: Sound) -> Sound:
    class Broken(sound):
        def _configure(self, sequence: Any, receive: Any) -> Any:
            planned = super()._configure(sequence, receive)
            self.set = set_receive(planned, sampling_frequency_hz=20e6)
            return self.set

    return Broken


@breaks("configure.plane")
def does_not_steer(sound: Sound) -> Sound:
    class Broken(sound):
        def plan(self, sequence: Any, receive: Any) -> Any:
            first = sequence.transmits[0]
            if len(sequence) == 1 and isinstance(first, PlaneWave):
                sequence = replace(sequence, transmits=(replace(first, azimuth_rad=0.0),))
            return super().plan(sequence, receive)

    return Broken


def fails_to_read(is_bad: Callable[[TransmitSequence], bool], error: Exception) -> Breaker:
    def make(sound: Sound) -> Sound:
        class Broken(sound):
            def _read(self, n_frames: int, deadline_s: float) -> Any:
                if is_bad(self.set.sequence):
                    raise error
                return super()._read(n_frames, deadline_s)

        return Broken

    return make


def is_one(kind: type[Any]) -> Callable[[TransmitSequence], bool]:
    return lambda sequence: isinstance(sequence.transmits[0], kind)


breaks("configure.diverging")(fails_to_read(is_one(DivergingWave), DeviceTimeoutError("none")))
breaks("configure.focused")(fails_to_read(is_one(FocusedWave), KeyError("focus")))
breaks("configure.single-element")(
    fails_to_read(
        lambda sequence: sequence.transmits == (SingleElement(element=7),),
        DeviceFailedError("off by one"),
    )
)
breaks("configure.many")(
    fails_to_read(lambda sequence: len(sequence) > 8, DeviceFailedError("its table is full"))
)


@breaks("configure.again")
def reads_what_was_set_first(sound: Sound) -> Sound:
    class Broken(sound):
        first: Any = None

        def _start(self) -> None:
            super()._start()
            self.first = self.set = self.first or self.set

    return Broken


# Limits.


def unguarded(sound: Sound, **members: Any) -> Sound:
    """Return the class of a front-end whose configure is its own, not the base class's."""

    class Unguarded(sound):
        def configure(self, sequence: Any = None, receive: Any = None, **_: Any) -> Any:
            self._require_open()
            if self.state is FrontEndState.RUNNING:
                raise StateError("stop it")
            self._configuration = self._configure(sequence, receive)
            self._state = FrontEndState.CONFIGURED
            return self._configuration

    return type("Broken", (Unguarded,), members)


def allowing(check: str) -> Breaker:
    return lambda sound: unguarded(sound, **{check: lambda self, planned: None})


for limit in ("transmits", "prf", "rate", "channels"):
    breaks(f"limits.{limit}")(allowing(f"check_{limit}"))
breaks("limits.samples")(
    planning(
        lambda self, planned, _: set_receive(
            planned, n_samples=min(planned.receive.n_samples, self.capabilities.max_samples)
        )
    )
)


@breaks("limits.element")
def looks_up_the_element(sound: Sound) -> Sound:
    class Broken(unguarded(sound)):
        def plan(self, sequence: Any, receive: Any) -> Any:
            for wave in sequence.transmits:
                if isinstance(wave, SingleElement):
                    self.probe.element_positions_m[wave.element]  # an IndexError
            return super().plan(sequence, receive)

    return Broken


@breaks("limits.unchanged")
def sends_before_it_checks(sound: Sound) -> Sound:
    class Broken(sound):
        def check(self, planned: Any) -> None:
            self.set = planned
            super().check(planned)

    return Broken


# Settings.


def adjustable(sound: Sound) -> Sound:
    """Return the class of a front-end with a gain in dB and a switch."""

    class Adjustable(sound):
        gain_db = 20.0
        is_on = True

        def settings(self) -> tuple[Setting, ...]:
            return (
                Setting(name="gain", value=self.gain_db, unit="dB", least=0.0, greatest=40.0),
                Setting(name="filter.on", value=self.is_on),
            )

        def set_setting(self, name: str, value: Any) -> None:
            if name == "gain":
                self.gain_db = value
            else:
                self.is_on = value

    return Adjustable


@breaks("settings.tree")
def gain_out_of_range(sound: Sound) -> Sound:
    return type("Broken", (adjustable(sound),), {"gain_db": 46.0})


@breaks("settings.tree")
def one_name_for_two(sound: Sound) -> Sound:
    class Broken(adjustable(sound)):
        def settings(self) -> tuple[Setting, ...]:
            return super().settings() * 2

    return Broken


@breaks("settings.same")
def takes_decibels_for_a_factor(sound: Sound) -> Sound:
    class Broken(adjustable(sound)):
        def set_setting(self, name: str, value: Any) -> None:
            super().set_setting(name, value / 2 if name == "gain" else value)

    return Broken


@breaks("settings.same")
def sets_another_too(sound: Sound) -> Sound:
    class Broken(adjustable(sound)):
        def set_setting(self, name: str, value: Any) -> None:
            super().set_setting(name, value)
            self.is_on = name == "filter.on"

    return Broken


# States.


@breaks("state.open")
def configures_itself(sound: Sound) -> Sound:
    class Broken(sound):
        def read(self, *arguments: Any, **named: Any) -> Any:
            if self.state is FrontEndState.OPEN:
                self.configure(
                    TransmitSequence(transmits=(SingleElement(element=0),)), depth_m=0.01
                )
            return super().read(*arguments, **named)

    return Broken


@breaks("state.running")
def stops_for_configure(sound: Sound) -> Sound:
    class Broken(sound):
        def configure(self, *arguments: Any, **named: Any) -> Any:
            self.stop()
            return super().configure(*arguments, **named)

    return Broken


@breaks("state.running")
def starts_twice(sound: Sound) -> Sound:
    class Broken(sound):
        def start(self) -> None:
            if self.state is FrontEndState.RUNNING:
                self._start()
            super().start()

        def read(self, n_frames: int = 1, *, timeout_s: float = 5.0) -> Any:
            if self.state is FrontEndState.RUNNING and n_frames > 0 and timeout_s > 0:
                return self._read(n_frames, time.monotonic() + timeout_s)
            return super().read(n_frames, timeout_s=timeout_s)

    return Broken


@breaks("state.read-starts")
def waits_for_start(sound: Sound) -> Sound:
    class Broken(sound):
        def read(self, *arguments: Any, **named: Any) -> Any:
            if self.state is FrontEndState.CONFIGURED and arguments and arguments[0] > 0:
                if not named.get("timeout_s", 1.0) > 0:
                    raise ArgumentError("no time")
                raise StateError("call start")
            return super().read(*arguments, **named)

    return Broken


@breaks("state.stop")
def stops_once(sound: Sound) -> Sound:
    class Broken(sound):
        def stop(self) -> None:
            if self.state is FrontEndState.CONFIGURED:
                raise StateError("it does not run")
            super().stop()

    return Broken


@breaks("state.closed")
def closes_once(sound: Sound) -> Sound:
    class Broken(sound):
        def close(self) -> None:
            if self.state is FrontEndState.CLOSED:
                raise OSError("bad file descriptor")
            super().close()

    return Broken


@breaks("state.closed")
def tells_status_when_closed(sound: Sound) -> Sound:
    return type("Broken", (sound,), {"status": lambda self: self._status()})


@breaks("state.with")
def swallows_errors(sound: Sound) -> Sound:
    class Broken(sound):
        def __exit__(self, *error: Any) -> Any:
            self.close()
            return True

    return Broken


@breaks("state.read-arguments")
def reads_for_no_time(sound: Sound) -> Sound:
    class Broken(sound):
        def read(self, n_frames: int = 1, *, timeout_s: float = 1.0) -> Any:
            return super().read(n_frames, timeout_s=timeout_s if timeout_s > 0 else 1.0)

    return Broken


# Data.


@breaks("data.shape")
def cuts_three_frames(sound: Sound) -> Sound:
    class Broken(sound):
        def acquisition(self, data: Any, *more: Any) -> Any:
            whole = super().acquisition(data, *more)
            if len(data) != 3:
                return whole
            receive = replace(whole.receive, n_samples=data.shape[-1] - 1)
            return replace(whole, data=data[..., :-1], receive=receive)

    return Broken


@breaks("data.description")
def names_another_device(sound: Sound) -> Sound:
    class Broken(sound):
        def acquisition(self, *entries: Any) -> Any:
            other = DeviceInfo(manufacturer="E", model="another")
            return replace(super().acquisition(*entries), device=other)

    return Broken


def frames(change: Callable[[int, Any], Any]) -> Breaker:
    def make(sound: Sound) -> Sound:
        class Broken(sound):
            def frame(self, number: int) -> Any:
                return change(number, super().frame(number))

        return Broken

    return make


@breaks("data.finite")
@frames
def not_a_number(number: int, frame: Any) -> Any:
    samples = frame.astype(np.float32)
    samples[0, 0, 0] = np.nan if number == 5 else 1.0
    return samples


@breaks("data.not-padded")
@frames
def zeros(number: int, frame: Any) -> Any:
    frame[-1] *= number != 4
    return frame


@breaks("data.kept")
def one_buffer(sound: Sound) -> Sound:
    class Broken(sound):
        def acquisition(self, data: Any, *more: Any) -> Any:
            room = getattr(self, "room", np.empty(0, np.int16))
            if room.size < data.size:
                self.room = room = np.empty(data.size, np.int16)
            view = room[: data.size].reshape(data.shape)
            view[...] = data
            return super().acquisition(view, *more)

    return Broken


breaks("data.numbers")(
    changed(
        number=lambda self, k: k - (k == 5),
        device_time_s=lambda self, number: self.k / self.set.frame_rate_hz,
    )
)
breaks("data.device-times")(
    changed(device_time_s=lambda self, k: (k - 3 * (k == 6)) / self.set.frame_rate_hz)
)
breaks("data.host-times")(changed(host_time_s=lambda self: time.monotonic()))


# Losses.

breaks("loss.account")(changed(number=lambda self, k: k + (k >= 30)))
breaks("loss.account")(
    changed(
        gap_before=lambda self, k: Gap(first_sequence_number=29, n_frames=1) if k == 30 else None
    )
)


@breaks("loss.status")
def counts_no_losses(sound: Sound) -> Sound:
    class Broken(sound):
        def number(self, k: int) -> int:
            return k + (k >= 30)

        def gap_before(self, k: int) -> Gap | None:
            return Gap(first_sequence_number=30, n_frames=1) if k == 30 else None

        def _status(self) -> Any:
            return replace(super()._status(), n_frames_lost=0)

    return Broken


@breaks("loss.status-values")
def kelvin(sound: Sound) -> Sound:
    class Broken(sound):
        def _status(self) -> Any:
            return replace(super()._status(), temperature_celsius=304.0)

    return Broken


@breaks("loss.impatience")
def drops_when_late(sound: Sound) -> Sound:
    class Broken(sound):
        def run_out(self) -> None:
            self.k += 2

    return Broken


@breaks("loss.end")
def ends_in_silence(sound: Sound) -> Sound:
    class Broken(recorded(sound)):
        end = DeviceTimeoutError("no frame came")

    return Broken


def recorded(sound: Sound) -> Sound:
    """Return the class of a front-end that has 60 frames of a sequence of its own."""

    class Recorded(sound):
        end: Exception = EndOfRecordingError("no more frames")

        def __init__(self) -> None:
            super().__init__()
            self.set = self.plan(
                TransmitSequence(transmits=(SingleElement(element=0),)), _depth(10e-3)
            )

        @property
        def capabilities(self) -> Any:
            return replace(super().capabilities, sequence_is_fixed=True)

        def _configure(self, sequence: Any, receive: Any) -> Any:
            if sequence is not None:
                raise ArgumentError("it is fixed")
            if receive is None:
                return self.set
            if receive.depth_m > self.set.receive.reach_m:
                raise ArgumentError("too deep")
            if (receive.sampling_frequency_hz or 20e6) != 20e6:
                raise ArgumentError("20 MHz alone")
            return set_receive(self.set, wanted_depth_m=receive.depth_m)

        def wait(self, k: int, deadline_s: float) -> bool:
            if k >= 60:
                raise self.end
            return bool(super().wait(k, deadline_s))

    return type("Recorded", (limits(sampling_frequencies_hz=(20e6,))(Recorded),), {})


def _depth(depth_m: float) -> Any:
    from usdk.front_end import ReceiveRequest

    return ReceiveRequest(depth_m=depth_m)


# Timing.

breaks("time.read-timeout")(changed(is_over=lambda self, deadline_s: False))
breaks("time.frame-rate")(
    changed(device_time_s=lambda self, number: 1.02 * number / self.set.frame_rate_hz)
)


@breaks("time.first-frame")
def slow_second_run(sound: Sound) -> Sound:
    class Broken(sound):
        def _read(self, n_frames: int, deadline_s: float) -> Any:
            if self.n_starts == 2 and self.k == 0:
                time.sleep(0.15)
            return super()._read(n_frames, deadline_s)

    return Broken


@breaks("time.verbs")
def slow_stop(sound: Sound) -> Sound:
    return type("Broken", (sound,), {"_stop": lambda self: time.sleep(0.015)})


def slow(sound: Sound) -> Sound:
    """Return the class of a front-end whose frames take long, so that a stop meets a read."""
    return limits(max_prf_hz=600.0)(sound)


@breaks("time.stop-in-read")
def foreign_when_stopped(sound: Sound) -> Sound:
    class Broken(slow(sound)):
        def interrupted(self) -> None:
            raise RuntimeError("stream closed")

    return Broken


@breaks("time.stop-in-read")
def hangs_when_stopped(sound: Sound) -> Sound:
    class Broken(slow(sound)):
        end = threading.Event()

        def interrupted(self) -> None:
            self.end.wait(10.0)

        @classmethod
        def tidy(cls) -> None:
            cls.end.set()

    return Broken


# Recovery and resources.


@breaks("recovery.restart")
def numbers_go_on(sound: Sound) -> Sound:
    class Broken(sound):
        total = 0

        def _start(self) -> None:
            self.total += self.k
            super()._start()

        def number(self, k: int) -> int:
            return self.total + k

    return Broken


@breaks("recovery.restart")
def counts_go_on(sound: Sound) -> Sound:
    class Broken(sound):
        def _start(self) -> None:
            before = self.n_received
            super()._start()
            self.n_received = before

    return Broken


@breaks("recovery.reconfigure")
def grows(sound: Sound) -> Sound:
    class Broken(sound):
        n_extra = 0

        def _configure(self, sequence: Any, receive: Any) -> Any:
            planned = super()._configure(sequence, receive)
            self.set = set_receive(planned, n_samples=planned.receive.n_samples + self.n_extra)
            self.n_extra += 16
            return self.set

    return Broken


@breaks("resources.start-stop")
def leaves_threads(sound: Sound) -> Sound:
    class Broken(sound):
        end = threading.Event()

        def _start(self) -> None:
            super()._start()
            threading.Thread(target=self.end.wait, args=(20.0,), daemon=True).start()

        @classmethod
        def tidy(cls) -> None:
            cls.end.set()

    return Broken


@breaks("resources.open-close")
def leaves_files(sound: Sound) -> Sound:
    class Broken(sound):
        left: list[int] = []  # noqa: RUF012

        def __init__(self) -> None:
            super().__init__()
            self.left.append(os.open(os.devnull, os.O_RDONLY))

        @classmethod
        def tidy(cls) -> None:
            for descriptor in cls.left:
                os.close(descriptor)

    return Broken


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Shorten the times that a check of timing allows, for the driver that breaks it."""

    def shorten(identifier: str) -> None:
        monkeypatch.setattr(timing, "_LONG_READ_S", 0.2)
        monkeypatch.setattr(timing, "READ_TIMEOUT_S", 0.02)
        monkeypatch.setattr(timing, "_BEFORE_STOP_S", 0.01)
        monkeypatch.setattr(held, "_SETTLING_S", 0.1)
        if identifier == "time.first-frame":
            monkeypatch.setattr(timing, "FIRST_FRAME_WITHIN_S", 0.12)
        if identifier == "time.verbs":
            monkeypatch.setattr(timing, "STOP_WITHIN_S", 0.01)

    return shorten


@pytest.mark.parametrize(
    ("identifier", "breaker"),
    [
        pytest.param(*rule, id=f"{rule[0]}-{getattr(rule[1], '__name__', '')}-{index}")
        for index, rule in enumerate(RULES)
    ],
)
def test_the_check_of_the_rule_that_is_broken_fails_and_no_other(
    sound: Sound, quick: Callable[[str], None], identifier: str, breaker: Breaker
) -> None:
    quick(identifier)
    driver = breaker(sound)
    try:
        report = run_checks("toy:", opener=driver.open, checks=EVERYBODY_S, settings=QUICK)
    finally:
        with suppress(AttributeError):
            driver.tidy()
    assert failed(report) == {identifier}
    (outcome,) = report.of(Verdict.FAILED)
    assert outcome.seen
    assert outcome.expected
    assert outcome.advice


def test_every_check_but_two_is_broken_by_a_driver_above() -> None:
    # These two need a driver that spoils the checks after it, and an operator; see below.
    left = {"recovery.reopen", "unplug.error-and-return"}
    assert {check.id for check in EVERYBODY_S} - {identifier for identifier, _ in RULES} == left


def test_a_driver_that_breaks_no_rule_passes(sound: Sound) -> None:
    report = run_checks("toy:", opener=adjustable(sound).open, settings=QUICK)
    assert failed(report) == set()
    skipped = {outcome.check.id for outcome in report.of(Verdict.SKIPPED)}
    not_had = {check.id for check in CHECKS if check not in EVERYBODY_S} - {"aperture.limits"}
    assert skipped == {"loss.end", "unplug.error-and-return"} | not_had


def test_a_device_that_answers_beyond_its_own_limits_is_not_started(sound: Sound) -> None:
    driver = planning(
        lambda self, planned, _: replace(
            planned, frame_rate_hz=planned.frame_rate_hz * len(planned.sequence)
        )
    )(sound)
    checks = [check for check in CHECKS if check.id in ("configure.answer", "data.finite")]
    report = run_checks("toy:", opener=driver.open, checks=checks, settings=QUICK)
    assert failed(report) == {check.id for check in checks}
    for outcome in report.outcomes:
        assert outcome.seen.startswith("DeviceFailedError")
        assert "max_prf_hz" in outcome.seen


def test_settings_that_are_not_there_are_skipped(sound: Sound) -> None:
    checks = [check for check in CHECKS if check.group == "settings"]
    report = run_checks("toy:", opener=sound.open, checks=checks)
    assert {outcome.note for outcome in report.of(Verdict.SKIPPED)} == {"it has no settings"}


def test_a_recording_that_breaks_no_rule_passes(sound: Sound) -> None:
    report = run_checks("toy:", opener=recorded(sound).open, settings=QUICK)
    assert failed(report) == set()
    passed = {outcome.check.id for outcome in report.of(Verdict.PASSED)}
    assert {"loss.end", "configure.depth", "loss.account", "recovery.restart"} <= passed


def test_limits_that_a_driver_keeps_itself_are_enough(sound: Sound) -> None:
    checks = [check for check in CHECKS if check.group == "limits"]
    report = run_checks("toy:", opener=unguarded(sound).open, checks=checks, settings=QUICK)
    assert failed(report) == set()


def test_a_device_that_stays_busy_after_it_was_closed_cannot_be_opened_again(sound: Sound) -> None:
    class Broken(sound):
        is_busy = False

        @classmethod
        def open(cls, address: str = "") -> Any:
            if cls.is_busy:
                raise DeviceFailedError("another program uses it")
            return super().open(address)

        def close(self) -> None:
            type(self).is_busy = self.state is FrontEndState.RUNNING
            super().close()

    checks = [check for check in CHECKS if check.id == "recovery.reopen"]
    report = run_checks("toy:", opener=Broken.open, checks=checks, settings=QUICK)
    assert failed(report) == {"recovery.reopen"}


class Switch:
    """An operator that acts at once."""

    def __init__(self, driver: Sound) -> None:
        self.driver = driver

    def unplug(self) -> None:
        self.driver.is_plugged = False

    def plug(self) -> None:
        self.driver.is_plugged = True


UNPLUG = [check for check in CHECKS if check.group == "unplug"]


@pytest.mark.parametrize(
    ("unplugged", "seen"),
    [
        (DeviceTimeoutError("no frame"), "DeviceTimeoutError: no frame"),
        (OSError("no such device"), "read raised OSError"),
        (None, "the error came"),
    ],
)
def test_a_driver_that_does_not_notice_the_plug_fails(
    sound: Sound, unplugged: Exception | None, seen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unplugging, "ERROR_WITHIN_S", 0.3)

    class Broken(sound):
        def unplugged(self) -> None:
            if unplugged is not None:
                raise unplugged
            time.sleep(0.4)
            super().unplugged()

    settings = Settings(operator=Switch(Broken))
    report = run_checks("toy:", opener=Broken.open, checks=UNPLUG, settings=settings)
    (outcome,) = report.outcomes
    assert outcome.verdict is Verdict.FAILED
    assert seen in outcome.seen


def test_a_driver_that_notices_the_plug_passes(sound: Sound) -> None:
    settings = Settings(operator=Switch(sound))
    report = run_checks("toy:", opener=sound.open, checks=UNPLUG, settings=settings)
    assert [outcome.verdict for outcome in report.outcomes] == [Verdict.PASSED]
