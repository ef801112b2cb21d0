"""Several threads at one front-end, whose plug is pulled meanwhile: in any order, on every bus."""

from __future__ import annotations

import os
import random
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from usdk.errors import UsdkError
from usdk.front_end import (
    FrontEnd,
    FrontEndState,
    GainCurve,
    PowerState,
    change_settings,
    self_test,
    set_power_state,
)
from usdk.transmit import PlaneWave, TransmitSequence
from usdk_drivers.simulator.device_model import UsbDevice
from usdk_drivers.simulator.pyusb_backend import SimulatedBackend
from usdk_drivers.simulator.simulated_device import simulated_device
from usdk_drivers.usb_front_end import UsbFrontEnd
from usdk_drivers.usbip import UsbIpFrontEnd, UsbIpServer

DURATION_S = 60.0 if os.environ.get("USDK_TEST_WHOLE") else 1.5
# A call may wait for one of another thread; what a loaded machine adds is not told apart.
PATIENCE_S = 60.0
N_THREADS = 4
SEQUENCES = [
    TransmitSequence(transmits=(PlaneWave(),)),
    TransmitSequence(transmits=(PlaneWave(), PlaneWave(azimuth_rad=0.1))),
]


def read(front_end: FrontEnd, choose: random.Random) -> None:
    acquisition = front_end.read(choose.choice((1, 3)), timeout_s=choose.choice((0.01, 1.0)))
    numbers = acquisition.sequence_numbers
    assert (numbers[1:] > numbers[:-1]).all()
    # Every element hears the scatterers: a frame of which a part is missing has silent ones.
    assert acquisition.data.any(axis=-1).all()


VERBS: dict[str, tuple[int, Callable[[FrontEnd, random.Random], Any]]] = {
    "read": (12, read),
    "configure": (4, lambda one, choose: one.configure(choose.choice(SEQUENCES), depth_m=0.01)),
    "start": (4, lambda one, _: one.start()),
    "stop": (4, lambda one, _: one.stop()),
    "status": (4, lambda one, _: one.status()),
    "watchdog": (1, lambda one, _: change_settings(one, {"watchdog.timeout_s": 1.0})),
    "gain": (1, lambda one, _: change_settings(one, {"tgc.curve": GainCurve.constant(2.0)})),
    "freeze": (1, lambda one, _: set_power_state(one, PowerState.FREEZE)),
    "wake": (3, lambda one, _: set_power_state(one, PowerState.ACTIVE)),
    "self-test": (1, lambda one, _: self_test(one, timeout_s=2.0)),
    "close": (1, lambda one, _: one.close()),
}
Opener = Callable[[], FrontEnd]
Plugged = tuple[UsbDevice, Opener]


@pytest.fixture(params=["pyusb", "usbip", "serial"])
def plugged_in(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Plugged]:
    simulated = simulated_device("phased-p4-2v?scene=points&frames=1")
    device = simulated.on_usb(simulated.firmware())
    with ExitStack() as until_the_end:
        if request.param == "pyusb":
            backend = SimulatedBackend([device])
            yield device, lambda: UsbFrontEnd.on_backend(backend)
        elif request.param == "usbip":
            server = until_the_end.enter_context(UsbIpServer([device], port=0))
            host, port = server.address
            yield device, lambda: UsbIpFrontEnd.open(f"//{host}:{port}/1-1")
        else:
            pytest.importorskip("serial", reason="pyserial is not installed")
            pytest.importorskip("termios", reason="this system has no pseudo-terminals")
            from usdk_drivers.serial_line import SerialFrontEnd
            from usdk_drivers.simulator.serial_port import SimulatedSerialPort

            link = tmp_path / "port"
            until_the_end.enter_context(SimulatedSerialPort(device, link=link))
            yield device, lambda: SerialFrontEnd.open(str(link))


class Crowd:
    """Threads that call whatever they like, and open the front-end again when it was closed."""

    def __init__(self, opener: Opener) -> None:
        self._open = opener
        self._opening = threading.Lock()
        self._front_end: FrontEnd | None = None
        self.strange: list[str] = []
        self.n_done = 0

    def work(self, seed: int, end_s: float) -> None:
        choose = random.Random(seed)
        names, weights = list(VERBS), [weight for weight, _ in VERBS.values()]
        while time.monotonic() < end_s:
            try:
                front_end = self._there()
                VERBS[choose.choices(names, weights)[0]][1](front_end, choose)
                self.n_done += 1
            except UsdkError as error:
                if "went away" in str(error):
                    self.close()
            except Exception:
                self.strange.append(traceback.format_exc())

    def _there(self) -> FrontEnd:
        with self._opening:
            if self._front_end is None or self._front_end.state is FrontEndState.CLOSED:
                self._front_end = self._open()
            return self._front_end

    def close(self) -> None:
        front_end = self._front_end
        if front_end is None:
            return
        try:
            front_end.close()
        except UsdkError:
            # What has gone cannot be told to stop.
            assert front_end.state is FrontEndState.CLOSED


def test_any_verb_of_any_thread_ends_in_time_and_raises_nothing_foreign(
    plugged_in: Plugged, monkeypatch: pytest.MonkeyPatch
) -> None:
    device, opener = plugged_in
    crowd = Crowd(opener)
    monkeypatch.setattr(
        threading,
        "excepthook",
        lambda what: crowd.strange.append(f"{what.thread}: {what.exc_type} {what.exc_value}"),
    )
    before = set(threading.enumerate())
    end_s = time.monotonic() + DURATION_S
    workers = [
        threading.Thread(target=crowd.work, args=(seed, end_s), daemon=True)
        for seed in range(N_THREADS)
    ]
    for worker in workers:
        worker.start()
    choose = random.Random(N_THREADS)
    while time.monotonic() < end_s:
        time.sleep(choose.uniform(0.05, 0.5))
        device.unplug()
        time.sleep(choose.uniform(0.0, 0.1))
        device.plug()
    for worker in workers:
        worker.join(PATIENCE_S)
        assert not worker.is_alive(), "a verb hangs"
    crowd.close()
    assert crowd.strange == []
    assert crowd.n_done > N_THREADS
    # A terminal or endpoint that was served ends its thread a moment later.
    patience_s = time.monotonic() + PATIENCE_S
    while left := set(threading.enumerate()) - before:
        assert time.monotonic() < patience_s, left
        time.sleep(0.01)
