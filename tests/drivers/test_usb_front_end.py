"""The USB driver's own code, against simulated devices that misbehave on purpose."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from usdk.acquisition import Acquisition, Gap
from usdk.errors import (
    ArgumentError,
    DeviceAbsentError,
    DeviceFailedError,
    DeviceTimeoutError,
    EndOfRecordingError,
    StateError,
)
from usdk.front_end import FrontEndState, ReceiveRequest
from usdk.probe import Probe
from usdk.sequences import plane_waves, single_elements
from usdk.transmit import FocusedWave, PlaneWave, TransmitSequence
from usdk_drivers.simulator import (
    EchoEngine,
    Fault,
    FaultPlan,
    RecordingEngine,
    SceneName,
    SimulatedFrontEnd,
    make_scene,
    simulated_probe,
)
from usdk_drivers.simulator.pyusb_backend import SimulatedBackend
from usdk_drivers.umockdev import MockedBus
from usdk_drivers.usb_address import UsbAddress
from usdk_drivers.usb_front_end import UsbFrontEnd
from usdk_drivers.usb_link import Transport
from usdk_drivers.usb_transport import UsbTransport
from usdk_drivers.usbip import UsbIpServer
from usdk_drivers.usbip.transport import UsbIpTransport
from usdk_drivers.usbredir import RedirectedPort
from usdk_drivers.wire import VersionRange

Maker = Callable[..., Acquisition]
TINY = 0.05


# The fixture `system_bus` says which there are.
SYSTEM_BUS = os.environ.get("USDK_TEST_BUS")
IS_MOCKED = SYSTEM_BUS is not None
IN_PROCESS = ("pyusb backend", "USB/IP")
if os.environ.get("USDK_TEST_WHOLE"):
    # A serial line carries the same protocol; the contract's own tests are run on it each time.
    IN_PROCESS += ("serial line",)
BUSES = (SYSTEM_BUS,) if SYSTEM_BUS else IN_PROCESS
SLOW = 8
Attach = Callable[[UsbAddress, SimulatedBackend], Transport]


@pytest.fixture(params=BUSES, autouse=True)
def bus(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    system_bus: MockedBus | RedirectedPort | None,
) -> Iterator[None]:
    """Carry every simulated device of a test to the driver by this bus."""
    if request.node.get_closest_marker("pyusb_alone") and request.param != "pyusb backend":
        pytest.skip("of the bus inside this process: it knows the device's clock and threads")
    with ExitStack() as until_the_end:
        if request.param == "USB/IP":
            monkeypatch.setattr(UsbTransport, "open", by_usb_ip(until_the_end))
        elif request.param == "serial line":
            monkeypatch.setattr(UsbTransport, "open", by_serial_line(until_the_end))
        elif system_bus is not None:
            monkeypatch.setattr(UsbTransport, "open", by_libusb(system_bus, UsbTransport.open))
        if request.param == "usb-redir":
            # An emulated processor is slow, and so goes the clock of a host on it.
            monkeypatch.setattr(SimulatedFrontEnd, "_clock_s", lambda _: time.monotonic() / SLOW)
        elif request.param != "pyusb backend":
            # The device computes beside the host: its computing does not stop the host's clock.
            monkeypatch.setattr(SimulatedFrontEnd, "_clock_s", UsbFrontEnd._clock_s)
        yield


def by_usb_ip(until_the_end: ExitStack) -> Attach:
    def attach(address: UsbAddress, backend: SimulatedBackend) -> Transport:
        devices = list(backend.enumerate_devices())
        if not devices:
            raise DeviceAbsentError("no device is shared: plug it in")
        server = until_the_end.enter_context(UsbIpServer(devices, port=0))
        return UsbIpTransport.open(*server.address, "1-1")

    return attach


def by_serial_line(until_the_end: ExitStack) -> Attach:
    # Not every system has pseudo-terminals.
    from usdk_drivers.serial_line.address import SerialAddress
    from usdk_drivers.serial_line.transport import SerialTransport
    from usdk_drivers.simulator.serial_port import SimulatedSerialPort

    def attach(address: UsbAddress, backend: SimulatedBackend) -> Transport:
        devices = list(backend.enumerate_devices())
        if not devices:
            raise DeviceAbsentError("no device has a terminal: plug it in")
        port = until_the_end.enter_context(SimulatedSerialPort(devices[0]))
        return SerialTransport.open(SerialAddress(port.terminal))

    return attach


def by_libusb(
    bus: MockedBus | RedirectedPort, open_transport: Callable[..., UsbTransport]
) -> Attach:
    def attach(address: UsbAddress, backend: SimulatedBackend) -> Transport:
        devices = list(backend.enumerate_devices())
        for device in set(bus.devices) - set(devices):
            bus.remove(device)
        for device in set(devices) - set(bus.devices):
            bus.add(device)
        bus.look()
        return open_transport(address)

    return attach


def faulty(recording: Acquisition, **at: Fault) -> SimulatedFrontEnd:
    """Open a player whose packets ``p7=Fault.DROP`` suffer."""
    plan = FaultPlan(at={int(name[1:]): fault for name, fault in at.items()})
    front_end = SimulatedFrontEnd.playing(recording, faults=plan)
    front_end.configure()
    return front_end


def small_sim(scene: SceneName = SceneName.POINTS) -> SimulatedFrontEnd:
    probe = Probe.linear(
        "tiny", n_elements=8, pitch_m=0.3e-3, centre_frequency_hz=5e6, fractional_bandwidth=0.6
    )
    return SimulatedFrontEnd(EchoEngine(probe, make_scene(scene, probe, 1)))


@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.complex64])
@pytest.mark.parametrize("n_at_once", [1, 4, 6])
def test_a_recording_comes_back_bit_for_bit(recording: Maker, dtype: type, n_at_once: int) -> None:
    original = recording(dtype)
    with SimulatedFrontEnd.playing(original) as front_end:
        configuration = front_end.configure()
        parts = []
        while sum(part.n_frames for part in parts) < original.n_frames:
            parts.append(front_end.read(n_at_once))
        with pytest.raises(EndOfRecordingError):
            front_end.read()
    data = np.concatenate([part.data for part in parts])
    assert data.dtype == dtype
    assert data.tobytes() == original.data.tobytes()
    assert configuration.sequence == original.sequence
    assert configuration.receive == original.receive
    assert configuration.frame_rate_hz == 20.0
    assert front_end.info == original.device
    assert front_end.probe.to_dict() == original.probe.to_dict()
    assert [n for part in parts for n in part.sequence_numbers] == list(range(6))
    times_s = np.concatenate([part.device_timestamps_s for part in parts])
    assert np.allclose(times_s, np.arange(6) / 20.0, atol=1e-9)
    assert not any(part.gaps for part in parts)


def test_recorded_timestamps_are_kept_and_a_loop_counts_on(recording: Maker) -> None:
    times_s = 1.5 + np.arange(6) / 20.0
    with SimulatedFrontEnd.playing(recording(device_timestamps_s=times_s), loop=True) as front_end:
        front_end.configure()
        acquisition = front_end.read(13)
    assert np.allclose(acquisition.device_timestamps_s, 1.5 + np.arange(13) / 20.0, atol=1e-9)
    assert acquisition.sequence_numbers.tolist() == list(range(13))
    assert np.array_equal(acquisition.data[12], acquisition.data[0])


def test_frames_that_a_recording_lost_are_lost_again(recording: Maker) -> None:
    lost = (
        Gap(first_sequence_number=5, n_frames=2, n_packets_lost=1, n_packets_damaged=3),
        Gap(first_sequence_number=9, n_frames=1, n_packets_lost=1),
        Gap(first_sequence_number=30, n_frames=4),
    )
    numbers = np.array([7, 8, 10, 11, 20, 21])
    original = recording(sequence_numbers=numbers, gaps=lost)
    with SimulatedFrontEnd.playing(original) as front_end:
        front_end.configure()
        acquisition = front_end.read(6)
        with pytest.raises(EndOfRecordingError):
            front_end.read()
        status = front_end.status()
    assert acquisition.data.tobytes() == original.data.tobytes()
    assert acquisition.sequence_numbers.tolist() == [2, 3, 5, 6, 7, 8]
    before = [sum(gap.n_frames for gap in acquisition.gaps_before(k)) for k in range(6)]
    assert before == [2, 0, 1, 0, 0, 0]
    assert (status.n_frames_received, status.n_frames_lost) == (6, 7)


def test_a_recording_of_two_runs_plays_every_frame(recording: Maker) -> None:
    lost = (Gap(first_sequence_number=2, n_frames=1), Gap(first_sequence_number=1, n_frames=1))
    original = recording(sequence_numbers=np.array([0, 1, 3, 0, 2, 3]), gaps=lost)
    with SimulatedFrontEnd.playing(original) as front_end:
        front_end.configure()
        acquisition = front_end.read(6)
        with pytest.raises(EndOfRecordingError):
            front_end.read()
        assert front_end.status().n_frames_lost == 2
    assert acquisition.data.tobytes() == original.data.tobytes()


def test_a_loop_loses_them_in_each_lap(recording: Maker) -> None:
    lost = (Gap(first_sequence_number=1, n_frames=1),)
    original = recording(sequence_numbers=np.array([0, 2, 3, 4, 5, 6]), gaps=lost)
    with SimulatedFrontEnd.playing(original, loop=True) as front_end:
        front_end.configure()
        acquisition = front_end.read(13)
    assert acquisition.sequence_numbers.tolist() == [0, *range(2, 8), *range(9, 15)]
    assert acquisition.n_frames_lost == 2


def test_more_losses_than_a_bus_can_play_are_refused(recording: Maker) -> None:
    endless = (Gap(first_sequence_number=1, n_frames=10**9),)
    with pytest.raises(ArgumentError, match="file:PATH"):
        SimulatedFrontEnd.playing(recording(gaps=endless))


@pytest.mark.parametrize("loop", [False, True])
def test_times_that_a_recording_does_not_tell_stay_unknown(recording: Maker, loop: bool) -> None:
    one = recording()
    untimed = replace(one, sequence=replace(one.sequence, prf_hz=None))
    with SimulatedFrontEnd.playing(untimed, loop=loop) as front_end:
        assert np.isnan(front_end.configure().frame_rate_hz)
        assert np.isnan(front_end.read(6).device_timestamps_s).all()


def test_the_depth_asked_for_is_kept_beside_how_far_the_samples_reach(recording: Maker) -> None:
    with SimulatedFrontEnd.open("linear-l11-5v?scene=points") as front_end:
        receive = front_end.configure(plane_waves(), depth_m=20e-3).receive
        assert receive.depth_m == receive.wanted_depth_m == 20e-3 < receive.reach_m
        made = front_end.read()
    with SimulatedFrontEnd.playing(made) as front_end:
        assert front_end.configure().receive == made.receive
        assert front_end.configure(depth_m=10e-3).receive.depth_m == 10e-3
        assert front_end.read().receive.depth_m == 10e-3
        front_end.stop()
        with pytest.raises(ArgumentError, match="ask for no more"):
            front_end.configure(depth_m=2 * made.receive.reach_m)


ONE_LOST = (Gap(first_sequence_number=2, n_frames=1, n_packets_lost=1),)
ONE_DAMAGED = (Gap(first_sequence_number=2, n_frames=1, n_packets_damaged=1),)


@pytest.mark.parametrize(
    ("fault", "gaps"),
    [
        (Fault.DROP, ONE_LOST),
        (Fault.STALL, ONE_LOST),
        (Fault.CORRUPT, ONE_DAMAGED),
        (Fault.CORRUPT_HEADER, ONE_DAMAGED),
        (Fault.TRUNCATE, ONE_DAMAGED),
        (Fault.DUPLICATE, ()),
    ],
)
def test_one_faulty_packet_costs_its_frame_and_no_other(
    recording: Maker, fault: Fault, gaps: tuple[Gap, ...]
) -> None:
    original = recording()
    with faulty(original, p7=fault) as front_end:
        acquisition = front_end.read(6 - len(gaps))
        status = front_end.status()
        with pytest.raises(EndOfRecordingError):
            front_end.read()
        assert front_end.n_packets_ignored == (fault is Fault.DUPLICATE)
    kept = [n for n in range(6) if n != 2 or not gaps]
    assert acquisition.sequence_numbers.tolist() == kept
    assert np.array_equal(acquisition.data, original.data[kept])
    assert acquisition.gaps == gaps
    assert status.n_frames_received == len(kept)
    assert status.n_frames_lost == len(gaps)
    assert status.n_packets_lost == sum(gap.n_packets_lost for gap in gaps)
    assert status.n_packets_damaged == sum(gap.n_packets_damaged for gap in gaps)


def test_gaps_come_with_the_frame_after_them(recording: Maker) -> None:
    with faulty(recording(), p3=Fault.DROP, p8=Fault.CORRUPT, p15=Fault.DROP) as front_end:
        reads = [front_end.read() for _ in range(3)]
        with pytest.raises(EndOfRecordingError):
            front_end.read()
        status = front_end.status()
    assert [r.sequence_numbers.tolist() for r in reads] == [[0], [3], [4]]
    assert reads[1].gaps == (
        Gap(first_sequence_number=1, n_frames=2, n_packets_lost=1, n_packets_damaged=1),
    )
    assert reads[0].gaps == reads[2].gaps == ()
    # The last frame's loss has no frame to come with: the counts tell.
    assert (status.n_frames_lost, status.n_packets_lost, status.n_packets_damaged) == (3, 2, 1)


def test_whole_frames_lost_are_counted_packet_by_packet(recording: Maker) -> None:
    drops = {f"p{n}": Fault.DROP for n in range(3, 10)}
    with faulty(recording(), **drops) as front_end:
        acquisition = front_end.read(3)
    assert acquisition.sequence_numbers.tolist() == [0, 4, 5]
    assert acquisition.gaps == (Gap(first_sequence_number=1, n_frames=3, n_packets_lost=7),)


def test_random_faults_are_all_accounted_for(recording: Maker) -> None:
    original = recording(n_frames=200)
    plan = FaultPlan(
        rates={Fault.DROP: 0.03, Fault.CORRUPT: 0.03, Fault.DUPLICATE: 0.03, Fault.TRUNCATE: 0.03},
        seed=3,
    )
    faults = [plan.fault(packet) for packet in range(600)]
    broken = [f in (Fault.DROP, Fault.CORRUPT, Fault.TRUNCATE) for f in faults]
    whole = [n for n in range(200) if not any(broken[3 * n : 3 * n + 3])]
    with SimulatedFrontEnd.playing(original, faults=plan) as front_end:
        front_end.configure()
        acquisition = front_end.read(len(whole))
        with pytest.raises(EndOfRecordingError):
            front_end.read()
        status = front_end.status()
    assert acquisition.sequence_numbers.tolist() == whole
    assert np.array_equal(acquisition.data, original.data[whole])
    assert status.n_frames_lost == 200 - len(whole)
    assert status.n_packets_lost == faults.count(Fault.DROP)
    assert status.n_packets_damaged == faults.count(Fault.CORRUPT) + faults.count(Fault.TRUNCATE)


FAULTS = st.dictionaries(
    st.integers(0, 26),
    st.sampled_from(
        [
            Fault.DROP,
            Fault.CORRUPT,
            Fault.CORRUPT_HEADER,
            Fault.DUPLICATE,
            Fault.TRUNCATE,
            Fault.STALL,
        ]
    ),
    max_size=12,
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=20 if IS_MOCKED else 150,
)
@given(at=FAULTS, n_at_once=st.integers(1, 9))
def test_no_frame_is_ever_wrong_or_unaccounted_for(
    recording: Maker, at: dict[int, Fault], n_at_once: int
) -> None:
    original = recording(n_frames=9)
    received: list[int] = []
    gaps: list[Gap] = []
    with SimulatedFrontEnd.playing(original, faults=FaultPlan(at=at)) as front_end:
        front_end.configure()
        try:
            while True:
                acquisition = front_end.read(n_at_once)
                numbers = acquisition.sequence_numbers.tolist()
                assert np.array_equal(acquisition.data, original.data[numbers])
                received += numbers
                gaps += acquisition.gaps
        except EndOfRecordingError:
            pass
        except DeviceFailedError:
            # Endpoints that halt four times in a row are given up, and only they.
            assert sum(fault is Fault.STALL for fault in at.values()) > 3
            return
        status = front_end.status()
    harmless = (None, Fault.DUPLICATE)
    whole = [n for n in range(9) if all(at.get(3 * n + t) in harmless for t in range(3))]
    assert received == whole
    assert status.n_frames_lost == 9 - len(whole)
    lost = [g.first_sequence_number + k for g in gaps for k in range(g.n_frames)]
    expected = [n for n in range(9) if n not in whole]
    # What is lost after the last whole frame may have no acquisition to come with.
    assert lost == expected[: len(lost)]
    assert all(n > max(whole, default=-1) for n in expected[len(lost) :])
    n_bad = sum(fault is not Fault.DUPLICATE for fault in at.values())
    assert status.n_packets_lost + status.n_packets_damaged == n_bad


def test_the_end_is_learnt_even_if_its_packet_is_lost(recording: Maker) -> None:
    with faulty(recording(), p17=Fault.DROP, p18=Fault.DROP) as front_end:
        assert front_end.read(100, timeout_s=2.0).n_frames == 5
        with pytest.raises(EndOfRecordingError):
            front_end.read()
        assert front_end.status().n_frames_lost == 1


def test_an_unplug_in_mid_frame_delivers_what_came_then_says_so(recording: Maker) -> None:
    front_end = faulty(recording(), p7=Fault.UNPLUG)
    assert front_end.read(6).sequence_numbers.tolist() == [0, 1]
    with pytest.raises(DeviceAbsentError, match="plug it in"):
        front_end.read()
    with pytest.raises(DeviceAbsentError):
        front_end.status()
    front_end.close()
    front_end.close()
    assert front_end.state is FrontEndState.CLOSED
    with pytest.raises(StateError):
        front_end.read()


def test_a_device_that_comes_back_can_be_opened_again(recording: Maker) -> None:
    original = recording()
    with SimulatedFrontEnd.playing(original) as front_end:
        front_end.configure()
        front_end.device.unplug()
        with pytest.raises(DeviceAbsentError):
            front_end.read()
    with pytest.raises(DeviceAbsentError, match="plug it in"):
        UsbFrontEnd.on_backend(front_end.backend)
    front_end.device.plug()
    with UsbFrontEnd.on_backend(front_end.backend, "serial=7") as again:
        again.configure()
        assert np.array_equal(again.read(6).data, original.data)


def test_silence_times_out_in_time_and_a_new_start_mends_it(recording: Maker) -> None:
    with faulty(recording(), p7=Fault.SILENCE) as front_end:
        assert front_end.read(6, timeout_s=0.1).n_frames == 2
        began_s = time.monotonic()
        with pytest.raises(DeviceTimeoutError, match="no whole frame"):
            front_end.read(timeout_s=0.1)
        assert time.monotonic() - began_s < 2.0
        front_end.stop()
        assert front_end.read().sequence_numbers.tolist() == [0]


def test_a_device_that_loses_every_packet_times_out_in_time(recording: Maker) -> None:
    plan = FaultPlan(rates={Fault.DROP: 1.0})
    with SimulatedFrontEnd.playing(recording(), loop=True, faults=plan) as front_end:
        front_end.configure()
        began_s = time.monotonic()
        with pytest.raises(DeviceTimeoutError):
            front_end.read(timeout_s=0.1)
        assert time.monotonic() - began_s < 2.0


def test_losses_outlive_a_read_that_times_out(recording: Maker) -> None:
    # At 1 frame/s the second frame is not there when the first, spoilt, has come.
    plan = FaultPlan(at={1: Fault.DROP})
    with SimulatedFrontEnd.playing(recording(prf_hz=3.0), speed=1.0, faults=plan) as front_end:
        front_end.configure()
        with pytest.raises(DeviceTimeoutError):
            front_end.read(timeout_s=TINY)
        acquisition = front_end.read()
    assert acquisition.sequence_numbers.tolist() == [1]
    assert acquisition.gaps == (Gap(first_sequence_number=0, n_frames=1, n_packets_lost=1),)


@pytest.mark.parametrize("noise", [b"\x00", b"USDP", b"USDPUSDM" + bytes(range(256))])
def test_a_device_that_sends_nothing_but_garbage_times_out_in_time(
    recording: Maker, monkeypatch: pytest.MonkeyPatch, noise: bytes
) -> None:
    def fill(endpoint: int, buffer: memoryview, timeout_s: float) -> int:
        buffer[:] = (noise * (len(buffer) // len(noise) + 1))[: len(buffer)]
        return len(buffer)

    with SimulatedFrontEnd.playing(recording()) as front_end:
        front_end.configure()
        monkeypatch.setattr(front_end.device, "bulk_in", fill)
        began_s = time.monotonic()
        with pytest.raises(DeviceTimeoutError):
            front_end.read(timeout_s=0.1)
        assert time.monotonic() - began_s < 2.0


@pytest.mark.pyusb_alone
def test_the_clock_of_a_read_stands_still_while_echoes_are_computed(
    recording: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    compute = RecordingEngine.frame

    def slowly(self: RecordingEngine, number: int) -> object:
        time.sleep(0.1)
        return compute(self, number)

    monkeypatch.setattr(RecordingEngine, "frame", slowly)
    with SimulatedFrontEnd.playing(recording()) as front_end:
        front_end.configure()
        assert front_end.read(3, timeout_s=0.08).n_frames == 3


def test_whole_frames_are_delivered_before_a_failure_is_raised(
    recording: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    with faulty(recording(), p6=Fault.SILENCE) as front_end:

        def fail() -> None:
            raise DeviceFailedError("the status cannot be read")

        monkeypatch.setattr(front_end._link, "status", fail)
        assert front_end.read(6, timeout_s=1.0).n_frames == 2
        with pytest.raises(DeviceFailedError, match="cannot be read"):
            front_end.read(timeout_s=1.0)
        monkeypatch.undo()


def test_a_device_that_keeps_stalling_is_given_up(recording: Maker) -> None:
    stalls = {f"p{n}": Fault.STALL for n in range(18)}
    with faulty(recording(), **stalls) as front_end, pytest.raises(DeviceFailedError, match="halt"):
        front_end.read()


def test_what_the_host_is_too_slow_for_is_counted_as_overrun(recording: Maker) -> None:
    from usdk_drivers.simulator import Pace

    # Two frames fit the FIFO: it holds 8 MiB, or two frames if they are larger.
    probe = Probe.linear(
        "wide", n_elements=128, pitch_m=1e-4, centre_frequency_hz=5e6, fractional_bandwidth=0.6
    )
    large = replace(
        recording(),
        probe=probe,
        data=np.zeros((6, 3, 128, 16_000), np.int16),
        receive=replace(recording().receive, n_samples=16_000),
    )
    engine = RecordingEngine(large, loop=True)
    pace = Pace(speed=10.0, overruns=True)
    with SimulatedFrontEnd(engine, pace=pace) as front_end:
        front_end.configure()
        front_end.start()
        time.sleep(0.3)
        acquisition = front_end.read(3, timeout_s=1.0)
        status = front_end.status()
    assert acquisition.sequence_numbers.tolist()[0] == 0
    assert status.n_overruns > 0
    assert acquisition.gaps
    assert status.n_packets_damaged == 0


def test_a_device_of_another_protocol_version_is_refused(recording: Maker) -> None:
    engine = RecordingEngine(recording())
    with pytest.raises(DeviceFailedError, match=r"versions 2 to 3.*update this package"):
        SimulatedFrontEnd(engine, versions=VersionRange(2, 3))
    with pytest.raises(DeviceFailedError, match=r"versions 0 to 0.*update the device's firmware"):
        SimulatedFrontEnd(engine, versions=VersionRange(0, 0))


def test_a_fixed_sequence_takes_no_other(recording: Maker) -> None:
    original = recording()
    with SimulatedFrontEnd.playing(original) as front_end:
        with pytest.raises(ArgumentError, match="own sequence"):
            front_end.configure(plane_waves((0.0, 1.0, 2.0)))
        with pytest.raises(ArgumentError, match="reach"):
            front_end.configure(depth_m=1.0)
        with pytest.raises(ArgumentError, match="MHz"):
            front_end.configure(receive=ReceiveRequest(depth_m=1e-4, sampling_frequency_hz=40e6))
        assert front_end.state is FrontEndState.OPEN
        front_end.configure(original.sequence, depth_m=1e-4)
        assert front_end.state is FrontEndState.CONFIGURED


def test_a_live_device_needs_a_sequence_and_a_depth() -> None:
    with small_sim() as front_end:
        with pytest.raises(ArgumentError, match="sequence"):
            front_end.configure(depth_m=0.01)
        with pytest.raises(ArgumentError, match="depth"):
            front_end.configure(plane_waves())
        with pytest.raises(StateError):
            front_end.read()


def sent_to(front_end: SimulatedFrontEnd, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record what reaches the device from now on."""
    heard: list[str] = []
    monkeypatch.setattr(front_end.device, "control", lambda *a: heard.append("control") or b"")
    monkeypatch.setattr(front_end.device, "bulk_out", lambda *a: heard.append("bulk") or 0)
    return heard


def test_what_exceeds_a_limit_is_refused_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    front_end = small_sim()
    heard = sent_to(front_end, monkeypatch)
    limits = replace(front_end.capabilities, max_transmits=3, n_transmit_channels=4)
    monkeypatch.setattr(type(front_end), "capabilities", limits)
    with pytest.raises(ArgumentError, match=r"4 transmits.*at most 3"):
        front_end.configure(plane_waves((0, 1, 2, 3)), depth_m=0.01)
    with pytest.raises(ArgumentError, match=r"fires 8 elements.*at most 4"):
        front_end.configure(plane_waves(), depth_m=0.01)
    one = TransmitSequence(transmits=(PlaneWave(aperture=(2, 6)),))
    with pytest.raises(ArgumentError, match="ask for at most") as caught:
        front_end.configure(one, depth_m=2.0)
    assert heard == []
    monkeypatch.undo()
    # The depth that the message names is one that the device takes.
    depth_m = float(str(caught.value).split("at most ")[1].split(" mm")[0]) * 1e-3
    assert front_end.configure(one, depth_m=depth_m).receive.n_samples <= 16_384
    with pytest.raises(ArgumentError):
        front_end.configure(one, depth_m=depth_m + 1e-3)
    front_end.close()


@pytest.mark.parametrize("prf_hz", [20_000.0, 9_999.0])
def test_a_prf_too_fast_for_depth_or_device_is_refused(prf_hz: float) -> None:
    with small_sim() as front_end, pytest.raises(ArgumentError, match="PRF"):
        front_end.configure(plane_waves(prf_hz=prf_hz), depth_m=0.08)


def test_a_sampling_frequency_that_is_not_on_offer_is_refused() -> None:
    with small_sim() as front_end, pytest.raises(ArgumentError, match="10, 20, 40"):
        front_end.configure(plane_waves(), ReceiveRequest(depth_m=0.01, sampling_frequency_hz=21e6))


def test_a_device_refusal_carries_its_reason_and_keeps_the_old_sequence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with small_sim() as front_end:
        before = front_end.configure(plane_waves(), depth_m=0.01)
        # A driver that believes in greater limits than the device has.
        monkeypatch.setattr(
            type(front_end),
            "capabilities",
            replace(front_end.capabilities, sampling_frequencies_hz=(33e6,)),
        )
        with pytest.raises(DeviceFailedError, match="sampling frequency not on offer"):
            front_end.configure(plane_waves((1.0, 2.0)), depth_m=0.02)
        assert front_end.configuration == before
        assert front_end.read().receive == before.receive


def test_configure_twice_sends_the_second_sequence() -> None:
    with small_sim() as front_end:
        front_end.configure(plane_waves((0.0, 3.0)), depth_m=0.02)
        assert front_end.read(2).data.shape[1] == 2
        with pytest.raises(StateError, match="stop"):
            front_end.configure(single_elements(range(8)), depth_m=0.01)
        front_end.stop()
        front_end.configure(single_elements(range(8)), depth_m=0.01)
        acquisition = front_end.read()
        assert acquisition.data.shape[1] == 8
        assert acquisition.sequence_numbers.tolist() == [0]
        assert acquisition.gaps == ()


def test_the_clocks_of_transmits_are_kept_apart() -> None:
    probe = simulated_probe("linear-l11-5v")
    sequence = TransmitSequence(
        transmits=(
            PlaneWave(azimuth_rad=0.2),
            FocusedWave(focus_m=(5e-3, 0.0, 20e-3), aperture=(10, 90)),
        )
    )
    scene = make_scene(SceneName.POINTS, probe, 1)
    with SimulatedFrontEnd(EchoEngine(probe, scene)) as front_end:
        receive = front_end.configure(sequence, depth_m=0.03).receive
    # The device's sample 0 comes 0.4 µs after the first element fires, by its own report.
    first_s = np.nanmin(sequence.delays_s(probe, 1540.0), axis=1)
    assert np.allclose(receive.time_zero_s, first_s + 0.4e-6, atol=1e-12)


def test_status_reports_temperature_and_rails() -> None:
    with small_sim() as front_end:
        status = front_end.status()
    assert status.temperature_celsius == 31.5
    assert dict(status.voltages_v)["HV+"] == pytest.approx(35.2)


@pytest.mark.pyusb_alone
def test_close_releases_the_device_for_another() -> None:
    first = small_sim()
    with pytest.raises(DeviceFailedError, match="another program"):
        UsbFrontEnd.on_backend(first.backend)
    first.close()
    UsbFrontEnd.on_backend(first.backend).close()


@pytest.mark.parametrize("verb", ["stop", "close"])
def test_another_thread_may_end_a_read(recording: Maker, verb: str) -> None:
    front_end = faulty(recording(), p0=Fault.SILENCE)
    ended: list[Exception] = []

    def read() -> None:
        try:
            front_end.read(timeout_s=30.0)
        except StateError as error:
            ended.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    while front_end.state is not FrontEndState.RUNNING and reader.is_alive():
        time.sleep(0.01)
    assert front_end.status().n_frames_received == 0
    getattr(front_end, verb)()
    reader.join(5.0)
    assert not reader.is_alive()
    assert len(ended) == 1
    front_end.close()


@pytest.mark.pyusb_alone
def test_no_thread_is_left_behind() -> None:
    before = set(threading.enumerate())
    with small_sim(SceneName.PHANTOM) as front_end:
        front_end.configure(plane_waves(), depth_m=0.01)
        front_end.read(2)
    assert set(threading.enumerate()) <= before


def test_a_read_of_more_than_memory_allows_is_refused(recording: Maker) -> None:
    with SimulatedFrontEnd.playing(recording()) as front_end:
        front_end.configure()
        with pytest.raises(ArgumentError, match="read at most"):
            front_end.read(10**9)
        assert front_end.read(6).n_frames == 6


def test_discovery_finds_the_simulated_bus(recording: Maker) -> None:
    with SimulatedFrontEnd.playing(recording()) as front_end:
        found = UsbFrontEnd.discover_on(front_end.backend)
        assert [f.address for f in found] == ["usb:serial=7"]
        front_end.device.unplug()
        assert UsbFrontEnd.discover_on(front_end.backend) == []


def test_how_data_are_read_is_told(recording: Maker, request: pytest.FixtureRequest) -> None:
    in_flight = {"pyusb backend": 1, "USB/IP": 4, "umockdev": 8, "usb-redir": 8}
    with SimulatedFrontEnd.playing(recording()) as front_end:
        assert front_end.reads is not None
        assert front_end.reads.n_transfers == in_flight[request.node.callspec.params["bus"]]
        assert bool(front_end.reads.obstacle) == (front_end.reads.n_transfers == 1)
