from __future__ import annotations

from collections.abc import Callable

import pytest

from usdk.acquisition import Acquisition
from usdk_drivers.simulator import Fault, FaultPlan, Pace, RecordingEngine, SimulatedFrontEnd
from usdk_drivers.simulator.device_model import Nak
from usdk_drivers.simulator.packet_source import PacketSource

Maker = Callable[..., Acquisition]


def test_a_source_that_loses_every_packet_lets_go_though_its_clock_stands(
    recording: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PacketSource, "_clock_s", lambda self: 0.0)
    everything = FaultPlan(rates={Fault.DROP: 1.0})
    source = PacketSource(RecordingEngine(recording(), loop=True), 1, everything, Pace())
    for n_asked in range(1, 4):
        with pytest.raises(Nak):
            source.fill(memoryview(bytearray(2**20)), 3600.0)
        # The losses are made and counted, but not without end.
        assert 20 * n_asked <= source.n_frames_made <= 30 * n_asked


def test_what_came_before_a_row_of_losses_is_sent(recording: Maker) -> None:
    lost = FaultPlan(at=dict.fromkeys(range(1, 200), Fault.DROP))
    source = PacketSource(RecordingEngine(recording(), loop=True), 1, lost, Pace())
    buffer = memoryview(bytearray(2**20))
    assert 0 < source.fill(buffer, 1.0) < 1000


def test_a_device_that_does_not_wait_loses_nothing_that_its_memory_bridges(
    recording: Maker,
) -> None:
    # 600 frames a second, of which the memory holds minutes: a busy machine is no reason to lose.
    pace = Pace(speed=10.0, overruns=True)
    with SimulatedFrontEnd(RecordingEngine(recording(), loop=True), pace=pace) as front_end:
        front_end.configure()
        numbers = [n for _ in range(20) for n in front_end.read(10, timeout_s=60).sequence_numbers]
        status = front_end.status()
    assert numbers == list(range(200))
    assert (status.n_frames_received, status.n_frames_lost, status.n_overruns) == (200, 0, 0)
