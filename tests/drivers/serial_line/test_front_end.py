"""The driver on a serial line: the same frames as on a bus, and every loss accounted for."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from usdk.acquisition import Acquisition
from usdk.errors import (
    DeviceAbsentError,
    DeviceFailedError,
    DeviceTimeoutError,
    EndOfRecordingError,
)
from usdk.front_end import Found, open_front_end
from usdk.sequences import plane_waves
from usdk_drivers.serial_line import SerialFrontEnd, transport
from usdk_drivers.simulator import Fault, FaultPlan, SimulatedFrontEnd, simulated_device

POINTS = "phased-p4-2v?scene=points"
Maker = Callable[..., Acquisition]


def read_all(front_end: Any, n_at_once: int = 50) -> tuple[list[int], list[Acquisition]]:
    numbers: list[int] = []
    parts: list[Acquisition] = []
    try:
        while True:
            parts.append(front_end.read(n_at_once, timeout_s=20))
            numbers += parts[-1].sequence_numbers.tolist()
    except EndOfRecordingError:
        return numbers, parts


def test_frames_are_those_of_the_simulated_bus(plug: Any) -> None:
    port = plug(simulated_device(POINTS))
    acquisitions = []
    for front_end in (open_front_end(f"serial:{port.terminal}"), SimulatedFrontEnd.open(POINTS)):
        with front_end:
            front_end.configure(plane_waves((-5, 5)), depth_m=20e-3)
            acquisitions.append(front_end.read(3))
    ours, theirs = acquisitions
    assert ours.data.tobytes() == theirs.data.tobytes()
    assert ours.receive == theirs.receive
    assert ours.device == theirs.device


LOST = {Fault.DROP, Fault.CORRUPT, Fault.CORRUPT_HEADER, Fault.TRUNCATE, Fault.STALL}


@pytest.mark.parametrize("fault", sorted(LOST | {Fault.DUPLICATE, Fault.REORDER, Fault.NAK}))
def test_what_is_lost_is_what_was_spoilt(plug: Any, recording: Maker, fault: Fault) -> None:
    original = recording(n_frames=9)
    port = plug(original, faults=FaultPlan(at={4: fault, 13: fault}, nak_s=0.05))
    with open_front_end(f"serial:{port.terminal}") as front_end:
        front_end.configure()
        numbers, parts = read_all(front_end)
        status = front_end.status()
    lost = {1, 4} if fault in LOST else set()
    assert numbers == sorted(set(range(9)) - lost)
    data = np.concatenate([part.data for part in parts])
    assert data.tobytes() == original.data[numbers].tobytes()
    assert (status.n_frames_received, status.n_frames_lost) == (len(numbers), len(lost))
    assert status.n_packets_lost + status.n_packets_damaged == len(lost)
    assert sum(part.n_frames_lost for part in parts) == len(lost)


class Noise:
    """A line that loses bytes and flips bits, the same ones for the same seed."""

    def __init__(self, rate: float, seed: int) -> None:
        self._rate, self._random = rate, np.random.default_rng(seed)
        self.n_spoilt = 0
        self.is_on = False

    def __call__(self, chunk: bytes) -> bytes:
        if not self.is_on or self._random.random() >= self._rate:
            return chunk
        self.n_spoilt += 1
        place = int(self._random.integers(len(chunk)))
        if self._random.random() < 0.5:
            return chunk[:place] + chunk[place + 1 :]
        return chunk[:place] + bytes([chunk[place] ^ 0x10]) + chunk[place + 1 :]


def test_a_noisy_line_costs_frames_that_are_counted_and_never_a_wrong_one(
    plug: Any, recording: Maker
) -> None:
    original = recording(n_frames=400)
    noise = Noise(0.03, 3)
    port = plug(original, line=noise)
    with open_front_end(f"serial:{port.terminal}") as front_end:
        noise.is_on = True
        front_end.configure()
        numbers, parts = read_all(front_end)
        status = front_end.status()
    data = np.concatenate([part.data for part in parts])
    assert data.tobytes() == original.data[numbers].tobytes()
    assert status.n_frames_received == len(numbers)
    assert status.n_frames_received + status.n_frames_lost == 400
    assert noise.n_spoilt > 5
    # What is spoilt may be an answer, which is asked for again.
    assert 0 < status.n_frames_lost <= 3 * noise.n_spoilt


PASSING = sorted(set(Fault) - {Fault.UNPLUG, Fault.SILENCE, Fault.OVERHEAT})


@pytest.mark.slow
def test_over_many_frames_the_account_is_that_of_the_simulated_bus(
    plug: Any, recording: Maker
) -> None:
    """A sample of 5,000 frames; all 100,000 where USDK_TEST_WHOLE is set."""
    n_frames = 100_000 if os.environ.get("USDK_TEST_WHOLE") else 5_000
    original = recording(n_frames=n_frames)
    plan = FaultPlan(rates=dict.fromkeys(PASSING, 2e-3), seed=5, nak_s=1e-4)
    port = plug(original, faults=plan)
    accounts = []
    for front_end in (
        open_front_end(f"serial:{port.terminal}"),
        SimulatedFrontEnd.playing(original, faults=plan),
    ):
        with front_end:
            front_end.configure()
            numbers, parts = read_all(front_end, 1000)
            status = front_end.status()
        for part in parts:
            assert np.array_equal(part.data, original.data[part.sequence_numbers])
        lost = status.n_frames_lost, status.n_packets_lost + status.n_packets_damaged
        assert status.n_frames_received == len(numbers) == n_frames - lost[0]
        accounts.append((numbers, lost))
    assert accounts[0] == accounts[1]
    assert accounts[0][1][0] > n_frames / 50


def test_unplugged_in_mid_frame_is_told_at_once_and_another_opening_goes_on(
    plug: Any, recording: Maker, tmp_path: Path
) -> None:
    port = plug(recording(), faults=FaultPlan(at={7: Fault.UNPLUG}), return_s=0.2)
    address = f"serial:{tmp_path / 'port'}"
    for _ in range(2):
        with open_front_end(address) as front_end:
            front_end.configure()
            assert front_end.read(2).sequence_numbers.tolist() == [0, 1]
            with pytest.raises(DeviceAbsentError, match="plug it in again"):
                front_end.read()
            with pytest.raises(DeviceAbsentError):
                front_end.status()
            front_end.stop()
        with pytest.raises(DeviceAbsentError):
            open_front_end(address)
        end_s = time.monotonic() + 10
        while not port.terminal and time.monotonic() < end_s:
            time.sleep(0.01)


def test_nothing_is_left_behind(plug: Any, recording: Maker, tmp_path: Path) -> None:
    port = plug(recording())
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        pytest.skip("this system does not list descriptors")
    address = f"serial:{tmp_path / 'port'}"

    def use() -> None:
        with open_front_end(address) as front_end:
            front_end.configure()
            front_end.read(2)

    use()
    before = len(list(descriptors.iterdir())), threading.active_count()
    is_whole = bool(os.environ.get("USDK_TEST_WHOLE"))
    for _ in range(1000 if is_whole else 50):
        use()
    for _ in range(200 if is_whole else 10):
        with open_front_end(address) as front_end:
            port._device.unplug()
            with pytest.raises(DeviceAbsentError):
                # It takes a moment until the terminal is gone.
                all(front_end.status() for _ in range(10**6))
        port._device.plug()
        end_s = time.monotonic() + 10
        while not port.terminal and time.monotonic() < end_s:
            time.sleep(0.005)
    assert (len(list(descriptors.iterdir())), threading.active_count()) == before


def test_a_run_after_one_that_was_left_running_is_its_own(plug: Any, recording: Maker) -> None:
    port = plug(recording(n_frames=200))
    for _ in range(3):
        front_end = SerialFrontEnd.open(port.terminal)
        front_end.configure()
        assert front_end.read(2).sequence_numbers.tolist() == [0, 1]
        # As when a program dies: nobody stops the device.
        front_end._transport.close()
    with SerialFrontEnd.open(port.terminal) as front_end:
        front_end.configure()
        numbers, _ = read_all(front_end)
        assert numbers == list(range(200))
        assert front_end.status().n_packets_damaged == 0


def test_ports_that_are_named_are_asked(
    plug: Any, recording: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "OPEN_TIMEOUT_S", 0.3)
    port = plug(recording())
    master, silent = os.openpty()
    try:
        found = SerialFrontEnd.discover_on(
            [os.ttyname(silent), f"{tmp_path}/absent", f"{port.terminal}?baud=115200"]
        )
    finally:
        os.close(master)
        os.close(silent)
    name = "maker scanner, serial number 7"
    assert found == [Found(address=f"serial:{port.terminal}?baud=115200", description=name)]


@pytest.mark.parametrize(
    ("talks", "error"), [(True, DeviceFailedError), (False, DeviceTimeoutError)]
)
def test_another_device_is_told_by_what_it_says(
    talks: bool, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "OPEN_TIMEOUT_S", 0.4)
    master, slave = os.openpty()
    stopped = threading.Event()

    def chatter() -> None:
        while not stopped.wait(0.01):
            os.write(master, b"$GPGGA,123519,4807.038,N\r\n" if talks else b"")

    thread = threading.Thread(target=chatter)
    thread.start()
    try:
        with pytest.raises(error, match="baud"):
            open_front_end(f"serial:{os.ttyname(slave)}")
    finally:
        stopped.set()
        thread.join()
        os.close(master)
        os.close(slave)
