"""What every front-end must keep, whatever stands behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import numpy as np
import pytest

from usdk.acquisition import Acquisition
from usdk.errors import ArgumentError, StateError
from usdk.front_end import Configuration, FrontEnd, FrontEndState
from usdk.sequences import plane_waves
from usdk_drivers.replay import ReplayFrontEnd
from usdk_drivers.simulator import RecordingEngine, SimulatedFrontEnd, simulated_device
from usdk_drivers.simulator.engine import Engine
from usdk_drivers.simulator.simulated_device import SimulatedDevice

Maker = Callable[..., Acquisition]


def on_a_serial_port(engine: Engine, until_the_end: ExitStack) -> FrontEnd:
    pytest.importorskip("serial", reason="pyserial is not installed")
    pytest.importorskip("termios", reason="this system has no pseudo-terminals")
    from usdk_drivers.serial_line import SerialFrontEnd
    from usdk_drivers.simulator.serial_port import SimulatedSerialPort

    simulated = SimulatedDevice(engine=engine)
    device = simulated.on_usb(simulated.firmware())
    port = until_the_end.enter_context(SimulatedSerialPort(device))
    return SerialFrontEnd.open(port.terminal)


OPENERS: dict[str, Callable[[Maker, ExitStack], FrontEnd]] = {
    "simulated probe": lambda recording, _: SimulatedFrontEnd.open("phased-p4-2v?scene=points"),
    "recording over USB": lambda recording, _: SimulatedFrontEnd.playing(recording(n_frames=9)),
    "recording": lambda recording, _: ReplayFrontEnd(recording(n_frames=9)),
    "probe on a serial port": lambda recording, until_the_end: on_a_serial_port(
        simulated_device("phased-p4-2v?scene=points").engine, until_the_end
    ),
    "recording over a serial port": lambda recording, until_the_end: on_a_serial_port(
        RecordingEngine(recording(n_frames=9), loop=False), until_the_end
    ),
}


@pytest.fixture(params=OPENERS)
def front_end(request: pytest.FixtureRequest, recording: Maker) -> Iterator[FrontEnd]:
    with ExitStack() as until_the_end:
        yield OPENERS[request.param](recording, until_the_end)


def set_up(front_end: FrontEnd) -> Configuration:
    if front_end.capabilities.sequence_is_fixed:
        return front_end.configure()
    return front_end.configure(plane_waves((0.0, 5.0)), depth_m=0.02)


def test_it_says_what_it_is(front_end: FrontEnd) -> None:
    with front_end:
        assert front_end.state is FrontEndState.OPEN
        assert front_end.info.manufacturer
        assert front_end.info.model
        assert front_end.capabilities.n_receive_channels == front_end.probe.n_elements
        assert front_end.capabilities.max_samples >= 1


def test_what_is_read_is_what_was_configured(front_end: FrontEnd) -> None:
    with front_end:
        configuration = set_up(front_end)
        assert front_end.state is FrontEndState.CONFIGURED
        assert front_end.configuration is configuration
        for n_frames in (1, 3):
            acquisition = front_end.read(n_frames)
            assert acquisition.sequence == configuration.sequence
            assert acquisition.receive == configuration.receive
            assert acquisition.device == front_end.info
            assert acquisition.probe is front_end.probe
            assert acquisition.data.shape == (
                n_frames,
                len(configuration.sequence),
                front_end.probe.n_elements,
                configuration.receive.n_samples,
            )
            assert acquisition.data.flags.c_contiguous
            assert acquisition.gaps == ()
        assert front_end.state is FrontEndState.RUNNING
        assert front_end.status().n_frames_received == 4


def test_an_acquisition_stays_as_it_is_when_more_is_read(front_end: FrontEnd) -> None:
    with front_end:
        set_up(front_end)
        first = front_end.read(2)
        kept = first.data.copy()
        front_end.read(2)
        front_end.stop()
        front_end.read(2)
    assert np.array_equal(first.data, kept)


def test_a_new_start_counts_from_the_first_frame(front_end: FrontEnd) -> None:
    with front_end:
        set_up(front_end)
        first = front_end.read(2)
        front_end.stop()
        front_end.stop()
        assert front_end.state is FrontEndState.CONFIGURED
        again = front_end.read(2)
        assert again.sequence_numbers.tolist() == first.sequence_numbers.tolist() == [0, 1]
        assert again.data.tobytes() == first.data.tobytes()
        assert front_end.status().n_frames_received == 2


def test_calls_at_the_wrong_moment_are_refused(front_end: FrontEnd) -> None:
    for call in (front_end.read, front_end.start, lambda: front_end.configuration):
        with pytest.raises(StateError, match="configure"):
            call()
    set_up(front_end)
    front_end.start()
    with pytest.raises(StateError, match="stop"):
        set_up(front_end)
    front_end.close()
    front_end.close()
    for call in (front_end.read, front_end.start, front_end.status, lambda: set_up(front_end)):
        with pytest.raises(StateError, match="open it again"):
            call()


@pytest.mark.parametrize("arguments", [{"n_frames": 0}, {"timeout_s": 0.0}, {"timeout_s": np.inf}])
def test_an_impossible_read_is_refused(front_end: FrontEnd, arguments: dict[str, float]) -> None:
    with front_end:
        set_up(front_end)
        with pytest.raises(ArgumentError):
            front_end.read(**arguments)  # type: ignore[arg-type]
