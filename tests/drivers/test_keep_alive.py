from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from usdk.errors import (
    DeviceAbsentError,
    DeviceFailedError,
    DeviceFrozenError,
    DeviceTimeoutError,
    StateError,
    UsdkError,
)
from usdk.front_end import change_settings, open_front_end
from usdk.transmit import PlaneWave, TransmitSequence
from usdk_drivers.keep_alive import CHANCES, KeepAlive
from usdk_drivers.simulator.firmware import Firmware
from usdk_drivers.wire import Request

WAIT_S = 10.0
QUICK_S = 4e-3


class Line:
    """Fails as the test says, and counts how often something was sent."""

    def __init__(self) -> None:
        self.error: UsdkError | None = None
        self.n_sent = 0

    def send(self) -> None:
        self.n_sent += 1
        if self.error is not None:
            raise self.error

    def wait_for(self, n_more: int) -> None:
        wait_until(lambda n=self.n_sent + n_more: self.n_sent >= n)  # type: ignore[misc]


def wait_until(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(1e-3)


def n_threads() -> int:
    return sum(thread.name == "usdk keep-alive" for thread in threading.enumerate())


@pytest.fixture
def line() -> Iterator[tuple[Line, KeepAlive]]:
    line = Line()
    keep_alive = KeepAlive(line.send)
    yield line, keep_alive
    keep_alive.stop()
    assert n_threads() == 0


def test_a_device_without_a_watchdog_hears_nothing(line: tuple[Line, KeepAlive]) -> None:
    line[1].start(0.0)
    assert n_threads() == 0
    line[1].stop()


def test_there_is_one_thread_however_often_it_begins(line: tuple[Line, KeepAlive]) -> None:
    for _ in range(5):
        line[1].start(QUICK_S)
        line[0].wait_for(1)
        assert n_threads() == 1
    with line[1].muted():
        time.sleep(2 * QUICK_S / CHANCES)
        n_before = line[0].n_sent
        time.sleep(5 * QUICK_S / CHANCES)
        assert line[0].n_sent == n_before
    line[0].wait_for(1)


@pytest.mark.parametrize("error", [DeviceTimeoutError("late"), DeviceFailedError("refused")])
def test_what_fails_is_told_once_and_tried_again(
    line: tuple[Line, KeepAlive], error: UsdkError, caplog: pytest.LogCaptureFixture
) -> None:
    bus, keep_alive = line
    bus.error = error
    with caplog.at_level(logging.WARNING):
        keep_alive.start(QUICK_S)
        bus.wait_for(3)
    assert keep_alive.failure is error
    assert caplog.text.count("does not hear") == 1
    bus.error = None
    wait_until(lambda: keep_alive.failure is None)


@pytest.mark.parametrize("error", [DeviceAbsentError("gone"), StateError("closed")])
def test_a_device_that_is_gone_is_told_no_more(
    line: tuple[Line, KeepAlive], error: UsdkError
) -> None:
    line[0].error = error
    line[1].start(QUICK_S)
    wait_until(lambda: n_threads() == 0)
    assert line[0].n_sent == 1


def test_a_device_that_refuses_to_listen_says_so_when_it_freezes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    control = Firmware.control

    def deaf(firmware: Firmware, *, incoming: bool, request: int, value: int, index: int) -> bytes:
        if request == Request.KEEP_ALIVE and not incoming:
            request = 0x7F
        return control(firmware, incoming=incoming, request=request, value=value, index=index)

    with open_front_end("sim:phased-p4-2v?scene=points&frames=1") as front_end:
        change_settings(front_end, {"watchdog.timeout_s": 0.5})
        front_end.configure(TransmitSequence(transmits=(PlaneWave(),)), depth_m=0.01)
        front_end.start()
        firmware = front_end._firmware  # type: ignore[attr-defined]
        keep_alive = front_end._keep_alive  # type: ignore[attr-defined]
        monkeypatch.setattr(Firmware, "control", deaf)
        wait_until(lambda: keep_alive.failure is not None)
        # Time flies for the device, whose host says nothing that it understands.
        monkeypatch.setattr(firmware, "_heard_s", firmware._now_s() - 10.0)
        with pytest.raises(DeviceFrozenError, match="did not hear that its host is there"):
            list(front_end.stream())
