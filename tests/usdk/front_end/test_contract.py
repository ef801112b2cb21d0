"""The verbs of a front-end, called by several threads and with arguments that are none."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from usdk.acquisition import Acquisition, DeviceInfo, ReceiveSettings
from usdk.conformance import Settings
from usdk.errors import ArgumentError, DeviceFailedError, DeviceTimeoutError, StateError
from usdk.front_end import (
    Capabilities,
    Configuration,
    DeviceWatcher,
    FrontEnd,
    FrontEndState,
    FrontEndStatus,
    GainCurve,
    PowerState,
    ReceiveRequest,
    change_settings,
    contract,
    self_test,
    set_power_state,
)
from usdk.metrics import observe
from usdk.probe import Probe
from usdk.sequences import plane_waves
from usdk.transmit import TransmitSequence

PROBE = Probe.linear(
    "toy", n_elements=2, pitch_m=3e-4, centre_frequency_hz=5e6, fractional_bandwidth=0.6
)
RECEIVE = ReceiveSettings(sampling_frequency_hz=20e6, n_samples=8, time_zero_s=(0.0,))
WAIT_S = 10.0


class Gated(FrontEnd):
    """Notes when a hook begins and ends; each waits for its gate where there is one."""

    scheme = "gated"

    def __init__(self) -> None:
        super().__init__()
        self.gates: dict[str, threading.Event] = {}
        self.calls: list[str] = []
        self.heeds_stop = True

    def hook(self, name: str) -> None:
        self.calls.append(name)
        gate = self.gates.get(name)
        while gate is not None and not gate.wait(1e-3):
            if name == "read" and self.heeds_stop and self.state is not FrontEndState.RUNNING:
                self.calls.append("read ends")
                raise StateError("stopped")
        self.calls.append(f"{name} ends")

    @classmethod
    def open(cls, address: str) -> FrontEnd:
        raise NotImplementedError

    @property
    def info(self) -> DeviceInfo:
        return DeviceInfo(manufacturer="usdk", model="gated")

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            n_transmit_channels=2,
            n_receive_channels=2,
            sampling_frequencies_hz=(20e6,),
            max_samples=8,
            max_transmits=1,
            max_prf_hz=1e4,
        )

    @property
    def probe(self) -> Probe:
        return PROBE

    def _configure(
        self, sequence: TransmitSequence | None, receive: ReceiveRequest | None
    ) -> Configuration:
        self.hook("configure")
        return Configuration(
            sequence=sequence or plane_waves(), receive=RECEIVE, frame_rate_hz=100.0
        )

    def _start(self) -> None:
        self.hook("start")

    def _read(self, n_frames: int, deadline_s: float) -> Acquisition:
        self.hook("read")
        return Acquisition(
            data=np.zeros((1, 1, 2, 8), np.int16),
            probe=PROBE,
            sequence=plane_waves(),
            receive=RECEIVE,
        )

    def _stop(self) -> None:
        self.hook("stop")

    def _close(self) -> None:
        self.hook("close")

    def _status(self) -> FrontEndStatus:
        return FrontEndStatus(state=self.state)


@pytest.fixture
def front_end() -> Iterator[Gated]:
    with Gated() as one:
        one.configure()
        one.calls.clear()
        yield one
        for gate in one.gates.values():
            gate.set()


class Call(threading.Thread):
    """A call in a thread of its own, and what it raised."""

    def __init__(self, call: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self.call = call
        self.error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            self.call()
        except Exception as error:
            self.error = error

    def end(self) -> Exception | None:
        self.join(WAIT_S)
        assert not self.is_alive()
        return self.error


def wait_for(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(1e-3)


@pytest.mark.parametrize("verb", ["configure", "start"])
def test_what_follows_a_stop_waits_until_the_read_before_it_has_left(
    front_end: Gated, verb: str
) -> None:
    front_end.gates["read"] = threading.Event()
    reader = Call(front_end.read)
    wait_for(lambda: "read" in front_end.calls)
    front_end.stop()
    getattr(front_end, verb)()
    assert front_end.calls.index("read ends") < front_end.calls.index(
        verb, front_end.calls.index("stop")
    )
    assert isinstance(reader.end(), StateError)


def test_a_read_that_does_not_heed_a_stop_keeps_the_next_start_out(
    front_end: Gated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contract, "LEAVING_TIMEOUT_S", 0.05)
    front_end.heeds_stop = False
    front_end.gates["read"] = threading.Event()
    reader = Call(front_end.read)
    wait_for(lambda: "read" in front_end.calls)
    front_end.stop()
    with pytest.raises(StateError, match="another thread still reads"):
        front_end.start()
    front_end.gates["read"].set()
    assert reader.end() is None
    front_end.start()


def test_a_close_waits_for_a_start_and_nothing_comes_to_life_again(front_end: Gated) -> None:
    front_end.gates["start"] = threading.Event()
    starting = Call(front_end.start)
    wait_for(lambda: "start" in front_end.calls)
    closing = Call(front_end.close)
    time.sleep(0.02)
    assert "close" not in front_end.calls
    front_end.gates["start"].set()
    assert starting.end() is None
    assert closing.end() is None
    assert front_end.calls[-4:] == ["stop", "stop ends", "close", "close ends"]
    assert front_end.state is FrontEndState.CLOSED


def test_two_threads_read_one_after_the_other(front_end: Gated) -> None:
    front_end.gates["read"] = threading.Event()
    readers = [Call(front_end.read) for _ in range(3)]
    wait_for(lambda: "read" in front_end.calls)
    with pytest.raises(DeviceTimeoutError, match="another thread"):
        front_end.read(timeout_s=0.01)
    front_end.gates["read"].set()
    assert [reader.end() for reader in readers] == [None] * 3
    reads = [call for call in front_end.calls if call.startswith("read")]
    assert reads == ["read", "read ends"] * 3


def test_a_front_end_is_held_for_several_verbs_of_one_thread(front_end: Gated) -> None:
    with front_end.alone():
        other = Call(front_end.start)
        time.sleep(0.02)
        assert other.is_alive()
        front_end.configure()
    assert other.end() is None
    front_end.close()
    with pytest.raises(StateError, match="closed"), front_end.alone():
        pass


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    "call",
    [
        lambda one: one.read("many"),
        lambda one: one.read(1.5),
        lambda one: one.read(0),
        lambda one: one.read(None),
        lambda one: one.read(NAN),
        lambda one: one.read(10**30),
        lambda one: one.read(timeout_s="long"),
        lambda one: one.read(timeout_s=NAN),
        lambda one: one.read(timeout_s=INF),
        lambda one: one.read(timeout_s=0),
        lambda one: one.read(timeout_s=None),
        lambda one: next(one.stream("all")),
        lambda one: next(one.stream(-1)),
        lambda one: one.configure("plane"),
        lambda one: one.configure(plane_waves(), {"depth_m": 0.04}),
        lambda one: one.configure(depth_m="deep"),
        lambda one: one.configure(depth_m=NAN),
        lambda one: one.configure(plane_waves(), ReceiveRequest(depth_m=0.01), depth_m=0.01),
        lambda one: set_power_state(one, "asleep"),
        lambda one: set_power_state(one, PowerState.FREEZE),
        lambda one: self_test(one, timeout_s="long"),
        lambda one: self_test(one),
        lambda one: change_settings(one, "all"),
        lambda one: change_settings(one, {"gain": 1.0}),
    ],
)
def test_arguments_that_are_none_are_refused_and_change_nothing(
    front_end: Gated, call: Callable[[Any], object]
) -> None:
    with pytest.raises(ArgumentError):
        call(front_end)
    assert front_end.calls == []
    assert front_end.state is FrontEndState.CONFIGURED


@pytest.mark.parametrize(
    "call",
    [
        lambda: GainCurve.over_depth(None, None),  # type: ignore[arg-type]
        lambda: GainCurve.over_depth("deep", (0.0,)),  # type: ignore[arg-type]
        lambda: GainCurve.over_depth((0.0,), 1.0),  # type: ignore[arg-type]
        lambda: GainCurve.constant(1.0).at("late"),
        lambda: GainCurve.constant(1.0).factors(NAN, 1e6),  # type: ignore[arg-type]
        lambda: GainCurve.constant(1.0).factors(10**12, 1e6),
        lambda: GainCurve.constant(1.0).factors(8, 0.0),
        lambda: DeviceWatcher("usb"),
        lambda: DeviceWatcher(3),  # type: ignore[arg-type]
        lambda: DeviceWatcher(["usb"], "print"),  # type: ignore[arg-type]
        lambda: DeviceWatcher(["usb"], poll_s=NAN),
        lambda: observe(3),  # type: ignore[arg-type]
        lambda: Settings(n_frames=None),  # type: ignore[arg-type]
        lambda: Settings(n_frames=NAN),  # type: ignore[arg-type]
        lambda: Settings(timeout_s="long"),  # type: ignore[arg-type]
        lambda: Settings(frame_timeout_s=None),  # type: ignore[arg-type]
    ],
)
def test_other_arguments_that_are_none_are_refused(call: Callable[[], object]) -> None:
    with pytest.raises(ArgumentError):
        call()


class Excessive(Gated):
    """A driver that sets what it is told, whatever it declares."""

    def __init__(self) -> None:
        super().__init__()
        self.sets: Any = Configuration(sequence=plane_waves(), receive=RECEIVE, frame_rate_hz=100.0)

    @property
    def capabilities(self) -> Capabilities:
        return replace(super().capabilities, max_duty_cycle=0.01, max_cycles=4.0)

    def _configure(
        self, sequence: TransmitSequence | None, receive: ReceiveRequest | None
    ) -> Configuration:
        return self.sets  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("changes", "limit"),
    [
        ({"frame_rate_hz": 1.01e4}, r"10100 .* at most 10000 \(max_prf_hz\)"),
        ({"sequence": plane_waves((0, 1))}, "max_transmits"),
        ({"receive": replace(RECEIVE, n_samples=9)}, r"9 .* at most 8 \(max_samples\)"),
        ({"sequence": replace(plane_waves(), n_cycles=5.0)}, "max_cycles"),
        (
            {
                "sequence": replace(plane_waves(), n_cycles=4.0, frequency_hz=1e6),
                "frame_rate_hz": 9e3,
            },
            "max_duty_cycle",
        ),
    ],
)
def test_any_drivers_device_that_answers_beyond_its_own_limits_is_refused(
    changes: dict[str, Any], limit: str
) -> None:
    with Excessive() as front_end:
        before = front_end.configure()
        front_end.sets = replace(before, **changes)
        with pytest.raises(DeviceFailedError, match=limit):
            front_end.configure()
        assert front_end.state is FrontEndState.OPEN
        with pytest.raises(StateError, match="configure"):
            front_end.start()
        front_end.sets = before
        assert front_end.configure() is front_end.configuration
        assert front_end.state is FrontEndState.CONFIGURED


def test_a_driver_that_sets_no_configuration_is_refused() -> None:
    with Excessive() as front_end:
        front_end.sets = None
        with pytest.raises(DeviceFailedError, match="NoneType, no Configuration"):
            front_end.configure()
        assert front_end.state is FrontEndState.OPEN
