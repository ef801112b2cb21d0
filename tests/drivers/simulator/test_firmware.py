"""The device's side of the protocol, spoken to directly."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from usdk.front_end import ReceiveRequest
from usdk.sequences import plane_waves
from usdk_drivers.sequence_mapping import settings_for
from usdk_drivers.simulator import EchoEngine, SceneName, make_scene, simulated_probe
from usdk_drivers.simulator.device_model import Nak, Stall
from usdk_drivers.simulator.firmware import Firmware
from usdk_drivers.wire import (
    DeviceError,
    DeviceState,
    DeviceStatus,
    ErrorCode,
    MessageType,
    Request,
    SequenceSettings,
)

PROBE = simulated_probe("phased-p4-2v")


@pytest.fixture
def firmware() -> Firmware:
    return Firmware(EchoEngine(PROBE, make_scene(SceneName.POINTS, PROBE, 1)))


def upload(firmware: Firmware, identifier: int = 7) -> bytes:
    engine = EchoEngine(PROBE, make_scene(SceneName.POINTS, PROBE, 1))
    can = engine.description.capabilities
    return settings_for(plane_waves(), ReceiveRequest(depth_m=0.02), PROBE, can, identifier).pack()


def told(firmware: Firmware, request: int, value: int = 0) -> None:
    firmware.control(incoming=False, request=request, value=value, index=0)


def asked(firmware: Firmware, request: int, value: int = 0, index: int = 0) -> bytes:
    return firmware.control(incoming=True, request=request, value=value, index=index)


def status(firmware: Firmware) -> DeviceStatus:
    return DeviceStatus.unpack(asked(firmware, Request.GET_STATUS))


def refusal(firmware: Firmware) -> ErrorCode:
    return DeviceError.unpack(asked(firmware, Request.GET_ERROR)).code


def test_an_upload_in_any_pieces_is_set(firmware: Firmware) -> None:
    message = upload(firmware)
    for start in range(0, len(message), 100):
        assert status(firmware).state is DeviceState.IDLE
        firmware.bulk_out(message[start : start + 100])
    assert status(firmware).state is DeviceState.CONFIGURED
    assert status(firmware).configuration_id == 7
    answer = b"".join(
        asked(firmware, Request.READ_MESSAGE, MessageType.SEQUENCE, page)
        for page in range(len(message) // 4096 + 1)
    )
    settings = SequenceSettings.unpack(answer)
    assert settings.first_sample_s == (0.4e-6,)
    assert np.isfinite(settings.frame_rate_hz)


def test_a_stop_forgets_an_upload_that_was_cut_off(firmware: Firmware) -> None:
    firmware.bulk_out(upload(firmware)[:200])
    told(firmware, Request.STOP)
    firmware.bulk_out(upload(firmware, 8))
    assert status(firmware).configuration_id == 8


@pytest.mark.parametrize("spoilt", [0, 4, 8, 30])
def test_a_damaged_upload_stalls_and_the_next_is_taken(firmware: Firmware, spoilt: int) -> None:
    message = bytearray(upload(firmware))
    message[spoilt] ^= 0x80
    if spoilt == 8:
        message[8:12] = (2**31).to_bytes(4, "little")
    with pytest.raises(Stall):
        firmware.bulk_out(bytes(message))
    assert refusal(firmware) is ErrorCode.BAD_MESSAGE
    assert status(firmware).state is DeviceState.IDLE
    firmware.bulk_out(upload(firmware))
    assert status(firmware).state is DeviceState.CONFIGURED


def test_an_upload_to_a_running_device_is_refused(firmware: Firmware) -> None:
    firmware.bulk_out(upload(firmware))
    told(firmware, Request.START, 1)
    firmware.bulk_out(upload(firmware, 9))
    assert status(firmware).result is ErrorCode.WRONG_STATE
    assert status(firmware).state is DeviceState.RUNNING


@pytest.mark.parametrize(
    ("incoming", "request_number", "value", "code"),
    [
        (False, 0x55, 0, ErrorCode.UNKNOWN_REQUEST),
        (True, Request.START, 0, ErrorCode.UNKNOWN_REQUEST),
        (False, Request.SELECT_VERSION, 2, ErrorCode.UNSUPPORTED_VERSION),
        (False, Request.START, 1, ErrorCode.WRONG_STATE),
        (True, Request.READ_MESSAGE, MessageType.SEQUENCE, ErrorCode.WRONG_STATE),
        (True, Request.READ_MESSAGE, 77, ErrorCode.WRONG_STATE),
    ],
)
def test_a_request_out_of_place_stalls_with_its_reason(
    firmware: Firmware, incoming: bool, request_number: int, value: int, code: ErrorCode
) -> None:
    with pytest.raises(Stall):
        firmware.control(incoming=incoming, request=request_number, value=value, index=0)
    assert refusal(firmware) is code


def test_a_device_that_does_not_run_sends_nothing(firmware: Firmware) -> None:
    buffer = memoryview(bytearray(64))
    with pytest.raises(Nak):
        firmware.bulk_in(buffer, 0.001)
    firmware.bulk_out(upload(firmware))
    told(firmware, Request.START, 3)
    assert firmware.bulk_in(buffer, 1.0) == 64
    assert zlib.crc32(buffer[:60]) == int.from_bytes(buffer[60:], "little")
    told(firmware, Request.STOP)
    with pytest.raises(Nak):
        firmware.bulk_in(buffer, 0.001)


def test_a_transfer_ends_with_its_frame(firmware: Firmware) -> None:
    firmware.bulk_out(upload(firmware))
    told(firmware, Request.START, 3)
    settings = SequenceSettings.unpack(asked(firmware, Request.READ_MESSAGE, MessageType.SEQUENCE))
    frame_bytes = 64 + 64 * settings.n_samples * 2
    buffer = memoryview(bytearray(3 * frame_bytes))
    assert firmware.bulk_in(buffer, 1.0) == frame_bytes
