"""A front-end that keeps the contract: eight elements, by the clock, with limits to exceed."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
import pytest

from usdk.acquisition import Acquisition, DeviceInfo, Gap, ReceiveSettings, time_zero_s
from usdk.errors import (
    ArgumentError,
    DeviceAbsentError,
    DeviceFrozenError,
    DeviceTimeoutError,
    StateError,
    TriggerTimeoutError,
)
from usdk.front_end import (
    Capabilities,
    Configuration,
    ElementCondition,
    ElementTest,
    Found,
    FrontEnd,
    FrontEndState,
    FrontEndStatus,
    PowerState,
    ReceiveRequest,
    SelfTest,
    Setting,
    TgcLimits,
    TriggerLimits,
    WatchdogLimits,
)
from usdk.probe import Probe
from usdk.transmit import TransmitSequence

N_ELEMENTS = 8


class SoundFrontEnd(FrontEnd):
    """What `_plan` sets, `_check` allows, and `_frame` makes."""

    scheme: ClassVar[str] = "toy"
    is_plugged: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.set: Configuration | None = None
        self.k = 0
        self.n_received = 0
        self.n_lost = 0
        self.n_starts = 0
        self.started_s = 0.0

    @classmethod
    def open(cls, address: str = "") -> Self:
        if not cls.is_plugged:
            raise DeviceAbsentError("plug it in")
        return cls()

    @classmethod
    def discover(cls) -> list[Found]:
        return [Found(address="toy:", description="a toy")]

    @property
    def info(self) -> DeviceInfo:
        return DeviceInfo(manufacturer="Example", model="Toy", serial_number="1")

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            n_transmit_channels=N_ELEMENTS // 2,
            n_receive_channels=N_ELEMENTS,
            sampling_frequencies_hz=(20e6, 40e6),
            max_samples=3000,
            max_transmits=16,
            max_prf_hz=50_000.0,
        )

    @property
    def probe(self) -> Probe:
        return Probe.linear(
            "toy",
            n_elements=N_ELEMENTS,
            pitch_m=0.3e-3,
            centre_frequency_hz=5e6,
            fractional_bandwidth=0.6,
        )

    def plan(self, sequence: TransmitSequence, receive: ReceiveRequest) -> Configuration:
        speed_m_s = receive.sound_speed_m_s
        rate_hz = receive.sampling_frequency_hz or self.capabilities.sampling_frequencies_hz[0]
        delays_s = sequence.delays_s(self.probe, speed_m_s)
        prf_hz = sequence.prf_hz or self.capabilities.max_prf_hz
        settings = ReceiveSettings(
            sampling_frequency_hz=rate_hz,
            n_samples=math.ceil(2 * receive.depth_m / speed_m_s * rate_hz) + 1,
            time_zero_s=time_zero_s(
                sequence, self.probe, speed_m_s, delays_s=delays_s, first_sample_s=0.0
            ),
            sound_speed_m_s=speed_m_s,
            wanted_depth_m=receive.depth_m,
        )
        return Configuration(
            sequence=sequence, receive=settings, frame_rate_hz=prf_hz / len(sequence)
        )

    def check_rate(self, planned: Configuration) -> None:
        if planned.receive.sampling_frequency_hz not in self.capabilities.sampling_frequencies_hz:
            raise ArgumentError("no such rate")

    def check_samples(self, planned: Configuration) -> None:
        if planned.receive.n_samples > self.capabilities.max_samples:
            raise ArgumentError("too deep")

    def check_prf(self, planned: Configuration) -> None:
        if (planned.sequence.prf_hz or 0) > self.capabilities.max_prf_hz:
            raise ArgumentError("too fast")

    def check_channels(self, planned: Configuration) -> None:
        firing = ~np.isnan(planned.sequence.delays_s(self.probe, 1540.0))
        if firing.sum(axis=1).max() > self.capabilities.n_transmit_channels:
            raise ArgumentError("too many elements fire")

    def check_transmits(self, planned: Configuration) -> None:
        if len(planned.sequence) > self.capabilities.max_transmits:
            raise ArgumentError("too many transmits")

    def check(self, planned: Configuration) -> None:
        self.check_transmits(planned)
        self.check_rate(planned)
        self.check_samples(planned)
        self.check_prf(planned)
        self.check_channels(planned)

    def _configure(
        self, sequence: TransmitSequence | None, receive: ReceiveRequest | None
    ) -> Configuration:
        if sequence is None or receive is None:
            raise ArgumentError("give a sequence and a depth")
        planned = self.plan(sequence, receive)
        self.check(planned)
        self.set = planned
        return planned

    def _start(self) -> None:
        self.k = self.n_received = self.n_lost = 0
        self.n_starts += 1
        self.started_s = time.monotonic()

    def frame(self, number: int) -> Any:
        assert self.set is not None
        shape = (len(self.set.sequence), N_ELEMENTS, self.set.receive.n_samples)
        return np.random.default_rng(number).integers(1, 1000, shape, dtype=np.int16)

    def number(self, k: int) -> int:
        return k

    def device_time_s(self, k: int) -> float:
        assert self.set is not None
        return k / self.set.frame_rate_hz

    def host_time_s(self) -> float:
        return time.time()

    def gap_before(self, k: int) -> Gap | None:
        return None

    def is_over(self, deadline_s: float) -> bool:
        return time.monotonic() > deadline_s

    def run_out(self) -> None:
        pass

    def interrupted(self) -> None:
        raise StateError("it was stopped")

    def wait(self, k: int, deadline_s: float) -> bool:
        assert self.set is not None
        due_s = self.started_s + k / self.set.frame_rate_hz
        while time.monotonic() < due_s:
            if self.state is not FrontEndState.RUNNING:
                self.interrupted()
            if not self.is_plugged:
                self.unplugged()
            if self.is_over(deadline_s):
                return False
            time.sleep(2e-5)
        if self.state is not FrontEndState.RUNNING:
            self.interrupted()
        if not self.is_plugged:
            self.unplugged()
        return not self.is_over(deadline_s)

    def unplugged(self) -> None:
        raise DeviceAbsentError("it is gone")

    def _read(self, n_frames: int, deadline_s: float) -> Acquisition:
        frames, numbers, device_s, host_s, gaps = [], [], [], [], []
        while len(frames) < n_frames and self.wait(self.k, deadline_s):
            if (gap := self.gap_before(self.k)) is not None:
                gaps.append(gap)
                self.n_lost += gap.n_frames
            frames.append(self.frame(self.k))
            numbers.append(self.number(self.k))
            device_s.append(self.device_time_s(self.number(self.k)))
            host_s.append(self.host_time_s())
            self.k += 1
        if len(frames) < n_frames:
            self.run_out()
        if not frames:
            raise DeviceTimeoutError("no frame came in time")
        self.n_received += len(frames)
        return self.acquisition(np.stack(frames), numbers, device_s, host_s, tuple(gaps))

    def acquisition(
        self, data: Any, numbers: Any, device_s: Any, host_s: Any, gaps: tuple[Gap, ...]
    ) -> Acquisition:
        assert self.set is not None
        return Acquisition(
            data=data,
            probe=self.probe,
            sequence=self.set.sequence,
            receive=self.set.receive,
            sequence_numbers=np.array(numbers),
            device_timestamps_s=np.array(device_s),
            host_timestamps_s=np.array(host_s),
            gaps=gaps,
            device=self.info,
        )

    def _stop(self) -> None:
        pass

    def _close(self) -> None:
        pass

    def _status(self) -> FrontEndStatus:
        return FrontEndStatus(
            state=self.state,
            n_frames_received=self.n_received,
            n_frames_lost=self.n_lost,
            temperature_celsius=31.0,
            voltages_v=(("3V3", 3.3),),
        )


@pytest.fixture
def sound() -> type[SoundFrontEnd]:
    """The class of a front-end that keeps the contract."""

    class Own(SoundFrontEnd):
        is_plugged = True

    return Own


class CapableFrontEnd(SoundFrontEnd):
    """With gain, half as many channels as elements, a trigger, a watchdog, power and self-test."""

    tgc: ClassVar[TgcLimits] = TgcLimits(least_db=-6.0, greatest_db=30.0, step_db=0.5, max_points=8)

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, Any] = {
            "trigger.source": "internal",
            "trigger.timeout_s": 0.0,
            "watchdog.timeout_s": 5.0,
        }
        self._power = PowerState.ACTIVE
        self.is_silent = False
        self.silent_since_s = math.inf
        self.why_frozen = ""

    @property
    def capabilities(self) -> Capabilities:
        return replace(
            super().capabilities,
            n_receive_channels=N_ELEMENTS // 2,
            max_duty_cycle=0.05,
            max_cycles=8.0,
            tgc=self.tgc,
            trigger=TriggerLimits(has_input=True, max_timeout_s=10.0),
            watchdog=WatchdogLimits(least_s=0.05, greatest_s=10.0),
            has_self_test=True,
            has_power_states=True,
        )

    def plan(self, sequence: TransmitSequence, receive: ReceiveRequest) -> Configuration:
        planned = super().plan(sequence, receive)
        if sequence.prf_hz is None:
            pulse_s = sequence.n_cycles / self.probe.centre_frequency_hz
            prf_hz = min(self.capabilities.max_prf_hz, self.capabilities.max_duty_cycle / pulse_s)
            planned = replace(planned, frame_rate_hz=prf_hz / len(sequence))
        window = (0, self.capabilities.n_receive_channels)
        apertures = receive.apertures or (window,) * len(sequence)
        tgc = receive.tgc and self.tgc.quantised(receive.tgc)
        return replace(planned, receive=replace(planned.receive, tgc=tgc, apertures=apertures))

    def gain_factors(self) -> Any:
        assert self.set is not None
        receive = self.set.receive
        if receive.tgc is None:
            return 1.0
        return receive.tgc.factors(receive.n_samples, receive.sampling_frequency_hz)

    def heard(self, frame: Any) -> Any:
        assert self.set is not None
        assert self.set.receive.apertures is not None
        heard = np.zeros_like(frame)
        for k, (first, stop) in enumerate(self.set.receive.apertures):
            heard[k, first:stop] = frame[k, first:stop]
        return heard

    def frame(self, number: int) -> Any:
        return self.heard((super().frame(number) * self.gain_factors()).astype(np.int16))

    def settings(self) -> tuple[Setting, ...]:
        source, timeout_s, watchdog_s = self.values.values()
        words = ("internal", "external")
        return (
            Setting(name="trigger.source", value=source, choices=words),
            Setting(name="trigger.timeout_s", value=timeout_s, least=0.0, greatest=10.0),
            Setting(name="watchdog.timeout_s", value=watchdog_s, least=0.05, greatest=10.0),
        )

    def set_setting(self, name: str, value: Any) -> None:
        self.values[name] = value

    def _start(self) -> None:
        if self._power is not PowerState.ACTIVE:
            raise StateError(f"it is in {self._power}")
        self.why_frozen = ""
        super()._start()

    def no_trigger(self) -> None:
        raise TriggerTimeoutError("no trigger")

    def frozen(self) -> None:
        raise DeviceFrozenError("the host was silent")

    def is_too_silent(self) -> bool:
        return time.monotonic() - self.silent_since_s > self.values["watchdog.timeout_s"]

    def _read(self, n_frames: int, deadline_s: float) -> Acquisition:
        if self.values["trigger.source"] == "external":
            time.sleep(min(0.05, max(0.0, deadline_s - time.monotonic())))
            self.no_trigger()
        if self.why_frozen:
            self.frozen()
        return super()._read(n_frames, deadline_s)

    @contextmanager
    def silence(self) -> Iterator[None]:
        self.silent_since_s = time.monotonic()
        try:
            yield
        finally:
            if self.is_too_silent():
                self.why_frozen = "host silent"
            self.silent_since_s = math.inf

    @property
    def power_state(self) -> PowerState:
        return self._power

    def set_power_state(self, state: PowerState) -> None:
        self._power = state

    def self_test(self, timeout_s: float) -> SelfTest:
        good = ElementTest(condition=ElementCondition.GOOD, impedance_ohm=50.0)
        return SelfTest(elements=(good,) * N_ELEMENTS)

    def _status(self) -> FrontEndStatus:
        return replace(super()._status(), power=self._power, frozen=self.why_frozen)


@pytest.fixture
def capable() -> type[CapableFrontEnd]:
    """The class of a front-end that has all that not every one has."""

    class Own(CapableFrontEnd):
        is_plugged = True

    return Own
