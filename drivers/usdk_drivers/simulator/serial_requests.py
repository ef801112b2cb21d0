"""What a device on a serial line does with the frames of a host; no port, no thread."""

from __future__ import annotations

from contextlib import suppress

from usdk.errors import DataDamagedError
from usdk_drivers.serial_line.frames import (
    MAX_BODY_BYTES,
    Answer,
    Frame,
    FrameKind,
    Greeting,
    Setup,
    encode_frame,
)
from usdk_drivers.simulator.device_model import Gone, Stall, UsbDevice
from usdk_drivers.simulator.endpoints import BULK_IN, BULK_OUT
from usdk_drivers.wire import Request

__all__ = ["SerialRequests"]

MAX_UPLOAD_BYTES = 4096
_VENDOR_OUT = 0x40
_CLEAR_HALT = (0x02, 1, BULK_IN)
_RESULT_BYTES = 4


class SerialRequests:
    """Carries out requests on a device, each of them once, however often it is sent.

    Parameters
    ----------
    device : UsbDevice
        The device.
    """

    def __init__(self, device: UsbDevice) -> None:
        self._device = device
        self.n_stops = 0
        """How often the data that wait to be sent became void."""
        self.is_halted = False
        """Whether data wait until the host clears a halt."""
        self.forget()

    def forget(self) -> None:
        """Be as after power on: nobody has greeted."""
        self._is_greeted = False
        self._last: tuple[int, bytes] | None = None
        self.is_halted = False

    @property
    def may_send(self) -> bool:
        """Whether data may be sent."""
        return self._is_greeted and not self.is_halted

    def begins_run(self, frame: Frame) -> bool:
        """Tell whether a frame starts a run."""
        return self._request_of(frame) == Request.START

    def carry_out(self, frame: Frame) -> bytes:
        """Do what a frame asks and return the frame that answers; empty if none does."""
        if frame.kind == FrameKind.HELLO:
            return self._greet(frame.body)
        if frame.kind not in (FrameKind.REQUEST, FrameKind.UPLOAD) or not self._is_greeted:
            return b""
        if self._last is None or self._last[0] != frame.tag:
            try:
                body = self._answer(frame).pack()
            except DataDamagedError:
                return b""
            self._last = frame.tag, encode_frame(FrameKind.ANSWER, frame.tag, body)
        return self._last[1]

    def _greet(self, body: bytes) -> bytes:
        try:
            nonce = Greeting.unpack(body).nonce
        except DataDamagedError:
            return b""
        self.forget()
        self._stop()
        self._is_greeted = True
        self._device_clear()
        greeting = Greeting(nonce, max_upload_bytes=MAX_UPLOAD_BYTES)
        return encode_frame(FrameKind.WELCOME, 0, greeting.pack())

    def _stop(self) -> None:
        # One that does not run may refuse.
        with suppress(Stall, Gone):
            self._device.control(_VENDOR_OUT, Request.STOP, 0, 0, 0)
        self.n_stops += 1

    def _device_clear(self) -> None:
        with suppress(Gone):
            for endpoint in (BULK_IN, BULK_OUT):
                self._device.clear_halt(endpoint)

    def _answer(self, frame: Frame) -> Answer:
        try:
            if frame.kind == FrameKind.UPLOAD:
                self._device.bulk_out(BULK_OUT, frame.body)
                return Answer(is_refused=False)
            setup, _ = Setup.unpack(frame.body)
            answer = self._device.control(
                setup.request_type, setup.request, setup.value, setup.index, setup.length
            )
        except Stall:
            if frame.kind == FrameKind.UPLOAD:
                # Uploads have an answer of their own, and halt nothing.
                self._device.clear_halt(BULK_OUT)
            return Answer(is_refused=True)
        except Gone:
            raise DataDamagedError("nobody is there to answer") from None
        self._follow(frame, setup)
        return Answer(is_refused=False, data=answer[: MAX_BODY_BYTES - _RESULT_BYTES])

    def _follow(self, frame: Frame, setup: Setup) -> None:
        if self._request_of(frame) in (Request.START, Request.STOP):
            self.n_stops += 1
        if (setup.request_type, setup.request, setup.index) == _CLEAR_HALT:
            self.is_halted = False

    @staticmethod
    def _request_of(frame: Frame) -> int | None:
        """Return which vendor request OUT a frame is, None if it is none."""
        if frame.kind != FrameKind.REQUEST:
            return None
        try:
            setup, _ = Setup.unpack(frame.body)
        except DataDamagedError:
            return None
        return setup.request if setup.request_type == _VENDOR_OUT else None
