"""Devices that answer what cannot be: each is a typed error that says what to do, soon."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from usdk.errors import ArgumentError, DeviceFailedError, DeviceTimeoutError, UsdkError
from usdk.front_end import FrontEnd, FrontEndState, SelfTest, self_test
from usdk.transmit import PlaneWave, TransmitSequence
from usdk_drivers import frame_assembly
from usdk_drivers.simulator.firmware import Firmware
from usdk_drivers.simulator.pyusb_backend import SimulatedBackend
from usdk_drivers.simulator.simulated_device import simulated_device
from usdk_drivers.usb_front_end import UsbFrontEnd
from usdk_drivers.wire import MAX_SAMPLES, DataType, DeviceState, SequenceSettings

WAVES = TransmitSequence(transmits=(PlaneWave(), PlaneWave(azimuth_rad=0.1)))
OTHERS = TransmitSequence(transmits=(PlaneWave(azimuth_rad=0.2), PlaneWave(azimuth_rad=0.1)))


@pytest.fixture
def firmware() -> Firmware:
    return simulated_device("phased-p4-2v?scene=points&frames=1").firmware()


def opened(firmware: Firmware) -> FrontEnd:
    simulated = simulated_device("phased-p4-2v?scene=points&frames=1")
    return UsbFrontEnd.on_backend(SimulatedBackend([simulated.on_usb(firmware)]))


def echo(firmware: Firmware, change: Callable[[SequenceSettings], dict[str, Any]]) -> None:
    """Let the device report another sequence than it set."""
    configure = firmware._engine.configure

    def lie(request: SequenceSettings) -> SequenceSettings:
        settings = configure(request)
        return replace(settings, **change(settings))

    firmware._engine.configure = lie  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda real: {"configuration_id": 12345}, "reports sequence 12345, not"),
        (lambda real: {"sequence": OTHERS}, "something else than asked"),
        (lambda real: {"delays_s": real.delays_s[:, :10]}, "something else than asked"),
        (lambda real: {"delays_s": real.delays_s + 1e300}, "not within 1 s"),
        (lambda real: {"first_sample_s": (1e300, 1e300)}, "not within 1 s"),
        (lambda real: {"first_sample_s": (math.nan, 0.0)}, "not within 1 s"),
        (lambda real: {"sampling_frequency_hz": 1e300}, r"1e\+300 Hz cannot be"),
        (lambda real: {"sampling_frequency_hz": 1e-300}, "1e-300 Hz cannot be"),
        (lambda real: {"sampling_frequency_hz": 30e6}, "samples at 5.44"),
        (lambda real: {"sampling_frequency_hz": math.nan}, "nan Hz cannot be"),
        (lambda real: {"sound_speed_m_s": 1e300}, r"1e\+300 m/s cannot be"),
        (lambda real: {"sound_speed_m_s": 1600.0}, "something else than asked"),
        (lambda real: {"n_samples": MAX_SAMPLES}, "max_samples"),
        (lambda real: {"apertures": ((0, 65), (0, 64))}, "elements that are not there"),
        (lambda real: {"data_type": None}, "which samples"),
    ],
)
def test_an_echo_that_cannot_be_is_refused_and_nothing_starts(
    firmware: Firmware,
    change: Callable[[SequenceSettings], dict[str, Any]],
    message: str,
) -> None:
    echo(firmware, change)
    with opened(firmware) as front_end:
        with pytest.raises(DeviceFailedError, match=message):
            front_end.configure(WAVES, depth_m=0.01)
        with pytest.raises(UsdkError):
            front_end.start()


def test_a_self_test_of_other_elements_than_there_are_is_refused(firmware: Firmware) -> None:
    whole = firmware._engine.self_test()
    assert whole is not None
    part = SelfTest(elements=whole.elements[:3])
    firmware._engine.self_test = lambda: part  # type: ignore[method-assign]
    with opened(firmware) as front_end, pytest.raises(DeviceFailedError, match="3 elements of 64"):
        self_test(front_end)


def test_more_frames_than_can_be_are_no_losses(
    firmware: Firmware, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = firmware._status
    with opened(firmware) as front_end:
        front_end.configure(WAVES, depth_m=0.01)
        front_end.start()
        monkeypatch.setattr(firmware, "bulk_in", lambda buffer, timeout_s: 0)
        monkeypatch.setattr(
            firmware,
            "_status",
            lambda: replace(status(), state=DeviceState.ENDED, n_frames_made=2**64 - 1),
        )
        with pytest.raises(DeviceFailedError, match="stop and start it"):
            front_end.read(timeout_s=5.0)
        assert front_end.status().n_frames_lost == 0


def test_transfers_of_no_length_end_with_the_time_allowed(
    firmware: Firmware, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(firmware, "bulk_in", lambda buffer, timeout_s: 0)
    with opened(firmware) as front_end:
        front_end.configure(WAVES, depth_m=0.01)
        with pytest.raises(DeviceTimeoutError):
            front_end.read(timeout_s=0.1)


def test_a_frame_longer_than_a_read_is_refused_before_it_is_sent(
    firmware: Firmware, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(firmware) as front_end:
        before = front_end.configure(WAVES, depth_m=0.01)
        shape = (len(WAVES), front_end.probe.n_elements, before.receive.n_samples)
        monkeypatch.setattr(frame_assembly, "MAX_READ_BYTES", 2 * math.prod(shape))
        front_end.configure(WAVES, depth_m=0.01)
        with pytest.raises(ArgumentError, match="ask for less depth or fewer transmits"):
            front_end.configure(WAVES, depth_m=0.02)
        assert front_end.read().n_frames == 1
        front_end.stop()
        echo(firmware, lambda real: {"data_type": DataType.FLOAT32})
        with pytest.raises(DeviceFailedError, match="less depth"):
            front_end.configure(WAVES, depth_m=0.01)
        assert front_end.state is FrontEndState.OPEN
