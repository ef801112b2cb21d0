"""What the host makes of devices that break the protocol."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from usdk.acquisition import Acquisition
from usdk.errors import DeviceFailedError, DeviceTimeoutError
from usdk_drivers import usb_link
from usdk_drivers.simulator import RecordingEngine
from usdk_drivers.usb_errors import EndpointStalledError
from usdk_drivers.usb_front_end import UsbFrontEnd
from usdk_drivers.usb_link import DeviceLink
from usdk_drivers.wire import (
    PAGE_BYTES,
    DeviceDescription,
    DeviceError,
    DeviceState,
    DeviceStatus,
    ErrorCode,
    Request,
    SequenceSettings,
    VersionRange,
)


class FakeTransport:
    """Answers from a table; a request that is not in it stalls."""

    def __init__(self, **answers: bytes | Callable[..., bytes]) -> None:
        self.answers = {Request[name]: answer for name, answer in answers.items()}
        self.sent: list[Request] = []
        self.is_closed = False

    def control_in(self, request: int, *, value: int = 0, index: int = 0, length: int) -> bytes:
        answer = self.answers.get(Request(request))
        if answer is None:
            raise EndpointStalledError("stalled")
        return (answer(value, index) if callable(answer) else answer)[:length]

    def control_out(self, request: int, *, value: int = 0) -> None:
        self.sent.append(Request(request))

    def upload(self, data: bytes, deadline_s: float) -> None:
        pass

    def read(self, timeout_s: float) -> memoryview:
        return memoryview(b"")

    def clear_halt(self) -> None:
        pass

    def close(self) -> None:
        self.is_closed = True


VERSION = VersionRange(1, 1).pack()


def paged(message: bytes) -> Callable[[int, int], bytes]:
    return lambda kind, page: message[page * PAGE_BYTES : (page + 1) * PAGE_BYTES]


@pytest.fixture
def description(recording: Callable[..., Acquisition]) -> DeviceDescription:
    return RecordingEngine(recording()).description


@pytest.fixture
def settings(recording: Callable[..., Acquisition]) -> SequenceSettings:
    settings = RecordingEngine(recording()).settings
    assert settings is not None
    return settings


@pytest.mark.parametrize(
    ("spoil", "hint"),
    [
        (lambda m: b"", "shorter than its header"),
        (lambda m: b"X" + m[1:], "magic"),
        (lambda m: m[:-1], "length|early|bytes|page"),
        (lambda m: m[:-1] + bytes([m[-1] ^ 1]), "CRC-32"),
        (lambda m: m[:8] + b"\xff\xff\xff\xff" + m[12:], "limit"),
    ],
)
def test_a_damaged_description_is_a_failed_device_and_closes_it(
    description: DeviceDescription, spoil: Callable[[bytes], bytes], hint: str
) -> None:
    transport = FakeTransport(GET_VERSION=VERSION, READ_MESSAGE=paged(spoil(description.pack())))
    with pytest.raises(DeviceFailedError, match=hint):
        UsbFrontEnd(transport)
    assert transport.is_closed


def test_a_foreign_device_is_refused() -> None:
    for answer in (b"", b"hello, I am a mouse"):
        with pytest.raises(DeviceFailedError, match="GET_VERSION"):
            UsbFrontEnd(FakeTransport(GET_VERSION=answer))
    with pytest.raises(DeviceFailedError, match="gives no reason"):
        UsbFrontEnd(FakeTransport())


def test_the_device_s_own_words_are_in_the_message() -> None:
    error = DeviceError(ErrorCode.HARDWARE, "too hot").pack()
    with pytest.raises(DeviceFailedError, match="too hot"):
        DeviceLink(FakeTransport(GET_ERROR=error)).status()
    wordless = DeviceError(ErrorCode.WRONG_STATE).pack()
    with pytest.raises(DeviceFailedError, match="wrong state"):
        DeviceLink(FakeTransport(GET_ERROR=wordless)).status()


def test_a_device_that_never_sets_the_sequence_times_out(
    monkeypatch: pytest.MonkeyPatch, settings: SequenceSettings
) -> None:
    monkeypatch.setattr(usb_link, "CONFIGURE_TIMEOUT_S", 0.05)
    busy = DeviceStatus(state=DeviceState.CONFIGURING, configuration_id=1).pack()
    with pytest.raises(DeviceTimeoutError, match="did not set"):
        DeviceLink(FakeTransport(GET_STATUS=busy)).configure(settings)


def test_a_message_of_many_pages_is_put_together(settings: SequenceSettings) -> None:
    import numpy as np

    from usdk.sequences import plane_waves

    large = SequenceSettings(
        **{
            **settings.__dict__,
            "sequence": plane_waves(range(70)),
            "delays_s": np.arange(70 * 128).reshape(70, 128) * 1e-9,
            "first_sample_s": (0.0,) * 70,
        }
    )
    message = large.pack()
    assert len(message) > 10 * PAGE_BYTES
    got = DeviceLink(FakeTransport(READ_MESSAGE=paged(message))).settings()
    assert np.array_equal(got.delays_s, large.delays_s)


def test_an_answer_without_a_sample_type_is_refused(settings: SequenceSettings) -> None:
    silent = SequenceSettings(**{**settings.__dict__, "data_type": None})
    with pytest.raises(DeviceFailedError, match="which samples"):
        DeviceLink(FakeTransport(READ_MESSAGE=paged(silent.pack()))).settings()


def test_a_device_that_failed_ends_the_read_with_its_reason(
    description: DeviceDescription, settings: SequenceSettings
) -> None:
    transport = FakeTransport(
        GET_VERSION=VERSION,
        READ_MESSAGE=lambda kind, page: paged(description.pack() if kind == 1 else settings.pack())(
            kind, page
        ),
        GET_STATUS=DeviceStatus(state=DeviceState.FAILED, run=1).pack(),
        GET_ERROR=DeviceError(ErrorCode.HARDWARE, "HV rail lost").pack(),
    )
    with UsbFrontEnd(transport) as front_end:
        front_end.configure()
        with pytest.raises(DeviceFailedError, match="HV rail lost"):
            front_end.read()
        assert front_end.status().temperature_celsius is None
        assert math.isfinite(front_end.configuration.frame_rate_hz)
    assert transport.is_closed
    assert transport.sent == [Request.SELECT_VERSION, Request.START, Request.STOP]
